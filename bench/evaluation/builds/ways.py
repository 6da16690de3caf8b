"""The ways to bring a model to a registry: into an image by buildah from a context, and as an artifact by our push."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench import ours
from bench.evaluation.layouts.containerd import DEFAULTS, running_containerd
from bench.evaluation.layouts.run import check, repeatable
from bench.evaluation.model import Phi
from bench.evaluation.report.results import Figures
from bench.origin import TlsRegistry, get
from bench.rounds import GB
from bench.run import Command, measure

from .steps import Buildah, a_layer_a_file, one_layer, spend

BASE = "builds/base:v1"


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What all ways have: a registry with the engine's image, the model, and a folder on a disk."""

    registry: TlsRegistry
    phi: Phi
    disk: Path


@dataclass(frozen=True, slots=True)
class Way:
    """A way to build and push."""

    name: str
    settings: str
    command: Callable[[Path, str], Command]
    """From an empty folder and a target."""

    makes_image: bool


def ways(pipeline: Pipeline) -> Iterator[Way]:
    """Yield all ways; those by buildah where it is on this machine."""
    registry, phi = pipeline.registry, pipeline.phi
    base = f"{registry.address}/{BASE}"

    def built(packed: str, copies: list[str]) -> Callable[[Path, str], Command]:
        return lambda folder, target: Buildah(registry, folder, packed).build_and_push(base, phi, copies, target)

    def pushed(codec: str) -> Callable[[Path, str], Command]:
        return lambda folder, target: ours.push(phi.folder, target, codec, hosts=registry.hosts, ledger=folder)

    for layers, copies in (("one layer", one_layer(phi)), ("a layer a file", a_layer_a_file(phi))):
        for packed in ("gzip", "zstd") if shutil.which("buildah") else ():
            settings = f"build --layers --isolation chroot from an empty storage, push --compression-format {packed}"
            yield Way(f"buildah, {layers}, {packed}", settings, built(packed, copies), makes_image=True)
    for codec in ("raw", "zstd"):
        settings = f"--codec {codec}; nothing is remembered of earlier pushes"
        yield Way(f"weighbridge push, {codec}", settings, pushed(codec), makes_image=False)


def run(pipeline: Pipeline, way: Way) -> tuple[Figures, str]:
    """Build and push once, and pull it back; return the figures and the command, or raise RunFailed."""
    repository = f"builds/{way.name.replace(', ', '-').replace(' ', '-')}"
    target = f"{pipeline.registry.address}/{repository}:v1"
    pipeline.registry.forget(repository)
    work = pipeline.disk / "work"
    shutil.rmtree(pipeline.disk, ignore_errors=True)
    work.mkdir(parents=True)
    os.sync()
    try:
        command = way.command(work, target)
        taken = measure(command, work)
        _check(pipeline, target, way)
    finally:
        shutil.rmtree(pipeline.disk, ignore_errors=True)
    figures = {
        "wall_seconds": taken.wall,
        "cpu_seconds_per_gb": taken.cpu / pipeline.phi.size * GB,
        "peak_memory_bytes": taken.peak_rss,
        "peak_disk_bytes": taken.peak_disk,
        "pushed_bytes": taken.wire,
        "layers": _layers(pipeline.registry, repository),
    }
    return figures, repeatable(command)


def _layers(registry: TlsRegistry, repository: str) -> int:
    """Return how many layers the manifest has."""
    return len(json.loads(get(f"http://{registry.plain_address}/v2/{repository}/manifests/v1"))["layers"])


def _check(pipeline: Pipeline, target: str, way: Way) -> None:
    """Pull what was pushed, and compare all digests."""
    folder, hosts, log = pipeline.disk / "check", pipeline.registry.hosts, pipeline.disk / "log"
    folder.mkdir()
    with ExitStack() as stack:
        tree = folder
        command = ours.pull(target, folder, hosts=hosts)
        if way.makes_image:
            containerd = stack.enter_context(running_containerd(folder, DEFAULTS))
            tree, command = containerd.snapshots, Command(containerd.pull(target, hosts))
        spend(command, log)
        check(tree, pipeline.phi.digests)
