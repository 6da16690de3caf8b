"""The update cycle of a service: its engine's image is built anew several times, and its model changes once.

Two parties are measured: the pipeline that builds and pushes, and one node that pulls each version, and keeps the ones
before.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import ours
from bench.evaluation.layouts.containerd import DEFAULTS, Containerd, running_containerd
from bench.evaluation.layouts.images import Layer, make_layer, write_base_content, write_layout
from bench.evaluation.layouts.run import check_present, digests_below
from bench.evaluation.model import Phi
from bench.evaluation.report.results import Figures
from bench.origin import TlsRegistry
from bench.run import Command

from .steps import NOTHING, Buildah, Spent, copy, one_layer, spend

IN_THE_IMAGE = "weights in the image, built by buildah"
LAYERS_KEPT = "weights in the image, a layer a file, layers kept"
SPLIT = "engine's image + weighbridge"

SETTINGS = {
    IN_THE_IMAGE: "COPY of the folder above each new base, pushed with gzip, which is buildah's default",
    LAYERS_KEPT: "the best case of images: tar.zstd layers with the same digests as long as their files are the same",
    SPLIT: "the image as above without weights; the model by `weighbridge push`, pulled to a cache on the node",
}


@dataclass(frozen=True, slots=True)
class Service:
    """What a row works with: a registry, the engine's bases, the model before and after its change, and folders."""

    registry: TlsRegistry
    bases: list[Layer]
    models: tuple[Phi, Phi]
    memory: Path
    """Where the pipeline works."""

    node: Path
    """The node's disk."""

    def model(self, version: int) -> Phi:
        """Return the model that goes with a version of the image: it changes half-way."""
        return self.models[version > len(self.bases) // 2]

    @property
    def log(self) -> Path:
        """Return where commands say what they do."""
        return self.memory / "log"

    def push_image(self, layers: list[Layer], name: str) -> Spent:
        """Push an image as a pipeline does whose layers are made."""
        folder = self.memory / "layout"
        shutil.rmtree(folder, ignore_errors=True)
        return spend(copy(write_layout(layers, folder, "v1"), f"{self.registry.plain_address}/{name}"), self.log)


Step = Callable[[Service, Containerd, int], tuple[Spent, Spent]]
"""From a version to what the pipeline and what the node spent on it."""


def make_bases(count: int, size: int, folder: Path) -> list[Layer]:
    """Make the layers of an engine's image and of each of its rebuilds."""
    folder.mkdir(parents=True, exist_ok=True)
    contents = (write_base_content(size, seed, folder / f"engine-{seed}") for seed in range(count))
    return [make_layer([("engine", content)], "zstd", folder / "bases") for content in contents]


def run_cycle(service: Service, step: Step) -> tuple[Figures, str]:
    """Play the first version, and return what all further ones took; raise RunFailed where a node's bytes are wrong."""
    pipeline, node = NOTHING, NOTHING
    with _node(service) as containerd:
        for version in range(len(service.bases)):
            pushed, pulled = step(service, containerd, version)
            check_present(set(digests_below(service.node).values()), service.model(version).digests)
            if version:
                pipeline, node = pipeline + pushed, node + pulled
    figures = {
        "push_seconds": pipeline.seconds,
        "pull_seconds": node.seconds,
        "pushed_bytes": pipeline.wire,
        "pulled_bytes": node.wire,
    }
    return figures, ""


@contextmanager
def _node(service: Service) -> Iterator[Containerd]:
    try:
        with running_containerd(service.node / "containerd", DEFAULTS) as containerd:
            yield containerd
    finally:
        shutil.rmtree(service.node, ignore_errors=True)


def in_the_image(service: Service, containerd: Containerd, version: int) -> tuple[Spent, Spent]:
    """Build an image with the weights above the new base."""
    name = f"images/built:v{version}"
    service.push_image([service.bases[version]], f"images/engine:b{version}")
    buildah = Buildah(service.registry, service.node / "buildah", "gzip")
    phi, address = service.model(version), service.registry.address
    command = buildah.build_and_push(f"{address}/images/engine:b{version}", phi, one_layer(phi), f"{address}/{name}")
    pushed = spend(command, service.log)
    shutil.rmtree(service.node / "buildah", ignore_errors=True)  # pipelines start afresh
    return pushed, _pull_image(service, containerd, name)


def layers_kept(service: Service, containerd: Containerd, version: int) -> tuple[Spent, Spent]:
    """Put the weights' layers, which did not change, above the new base."""
    phi = service.model(version)
    files = [(f"models/phi-4/{path.name}", path) for path in sorted(phi.folder.iterdir())]
    layers = [make_layer([file], "zstd", service.memory / "kept") for file in files]
    name = f"images/kept:v{version}"
    pushed = service.push_image([service.bases[version], *layers], name)
    return pushed, _pull_image(service, containerd, name)


def split(service: Service, containerd: Containerd, version: int) -> tuple[Spent, Spent]:
    """Push the new base, and the model when it changed."""
    name, phi = f"images/split:v{version}", service.model(version)
    pushed = service.push_image([service.bases[version]], name)
    model = f"{service.registry.address}/models/{phi.folder.name}:v1"
    ledger = service.memory / "ledger"
    if version == 0 or phi is not service.model(version - 1):
        pushed += spend(ours.push(phi.folder, model, hosts=service.registry.hosts, ledger=ledger), service.log)
    pulled = _pull_image(service, containerd, name)
    destination = service.node / f"pod-{version}"
    destination.mkdir()
    puller = ours.pull(model, destination, cache=service.node / "cache", hosts=service.registry.hosts)
    return pushed, pulled + spend(puller, service.log)


STEPS: dict[str, Step] = {IN_THE_IMAGE: in_the_image, LAYERS_KEPT: layers_kept, SPLIT: split}


def _pull_image(service: Service, containerd: Containerd, name: str) -> Spent:
    command = Command(containerd.pull(f"{service.registry.address}/{name}", service.registry.hosts))
    return spend(command, service.log)
