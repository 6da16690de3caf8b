"""The cluster with all that pods start from: registries behind TLS on lines of their own, images, and our install."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.evaluation.builds.steps import copy, spend
from bench.evaluation.fleet.hosts import Server, capped, server
from bench.evaluation.layouts.images import make_layer, write_base_content, write_layout
from bench.evaluation.layouts.origin import write_hosts
from bench.evaluation.model import Phi
from bench.evaluation.plan import Plan
from bench.origin import distribution, publish
from bench.run import Command, RunFailed
from tests.cluster.cluster import PARTS, Cluster, running_cluster
from tests.cluster.oci_image import Files, write_image
from tests.cluster.scenarios.install import Install
from tests.parts.build import binary

from .pods import CA_CONFIG_MAP, Sources

NAMESPACE = "starts"
_ROOT = Path(__file__).parents[3]
_ARCHIVE = _ROOT / "build" / "weighbridge.tar"
_IMAGE = "localhost/weighbridge"
_ORAS_IMAGE = "localhost/oras:1"
_ENGINE_LAYERS = 4
_SPARE_BYTES = 512 << 20
"""What an engine may use beside the weights."""


@dataclass(frozen=True, slots=True)
class Link:
    """What registries are reached by."""

    name: str
    rate: str = ""
    """What each registry's line carries, as tc writes it."""

    connection_bytes_per_second: int = 0
    """What each connection gets; 0 for all that there is."""


def links(plan: Plan) -> tuple[Link, Link]:
    """Return the line of a node, and object stores' connections."""
    cap = plan.capped_bytes_per_second
    return (
        Link(f"{plan.start_gigabits} Gbit/s", rate=f"{plan.start_gigabits}gbit"),
        Link(f"{cap // 1_000_000} MB/s a connection", connection_bytes_per_second=cap),
    )


@dataclass(frozen=True, slots=True)
class Artifacts:
    """The two artifacts, pinned, without their registry."""

    raw: str
    zstd: str


@dataclass(frozen=True, slots=True)
class Stage:
    """A cluster that is ready for pods."""

    cluster: Cluster
    phi: Phi
    sources: Sources
    servers: Sequence[Server]
    images: frozenset[str]
    """What the node holds before any pod."""

    def forget(self) -> None:
        """Have the node forget all that pods brought to it.

        A container that ended by itself is kept by the kubelet for a minute, and would keep its image's layers.
        """
        for line in self.cluster.containerd("containers", "ls").splitlines():
            name, image = line.split()[:2]
            if image == self.sources.engine:
                self.cluster.containerd("containers", "delete", name)
        for image in sorted(set(list_images(self.cluster)) - self.images):
            self.cluster.containerd("images", "rm", "--sync", image)
        for kept in Path(self.sources.node_folder).iterdir():
            shutil.rmtree(kept)

    def sent_bytes(self) -> int:
        """Return what both registries sent so far."""
        return sum(one.sent_bytes() for one in self.servers)


def list_images(cluster: Cluster) -> list[str]:
    """Return the names of all images that the node holds."""
    return cluster.containerd("images", "ls", "-q").split()


@contextmanager
def stage(link: Link, phi: Phi, artifacts: Artifacts, memory: Path, disk: Path) -> Iterator[Stage]:
    """Bring all of it up until the block ends; raise PartError, NotReadyError, CommandFailed, RunFailed."""
    with ExitStack() as stack:
        node = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cluster-", dir=disk)))
        cluster = stack.enter_context(running_cluster({name: binary(name) for name in PARTS}, node))
        served = {}
        for name in ("images", "models"):
            host = stack.enter_context(cluster.host(rate=link.rate))
            own = node / f"{name}-server"
            one = stack.enter_context(server(host, memory / name / "storage", own))
            if link.connection_bytes_per_second:
                one = stack.enter_context(capped(one, link.connection_bytes_per_second, own))
            served[name] = one
            write_hosts(cluster.folder / "hosts", served[name].address, served[name].certificate)
        folder = stack.enter_context(_node_folder())
        _install(cluster, served["models"].certificate.read_text(), folder)
        models = served["models"].address
        yield Stage(
            cluster,
            phi,
            Sources(
                engine=f"{served['images'].address}/engine:v1",
                weights_image=f"{models}/images/weights:v1",
                oras_image=_ORAS_IMAGE,
                raw=f"{models}/{artifacts.raw}",
                zstd=f"{models}/{artifacts.zstd}",
                node_folder=str(folder),
                memory_bytes=2 * phi.size + _SPARE_BYTES,
            ),
            tuple(served.values()),
            frozenset(list_images(cluster)),
        )


@contextmanager
def _node_folder() -> Iterator[Path]:
    """Make a folder of the node for models, under a name that WEIGHBRIDGE_HOST_PATHS takes: without hidden folders."""
    with tempfile.TemporaryDirectory(prefix="weighbridge-models-", dir="/var/tmp") as name:
        Path(name).chmod(0o777)  # the puller's user writes there
        yield Path(name)


def _build_our_image() -> None:
    """Build it anew, however old the last one is: most of the layers are kept."""
    subprocess.run([_ROOT / "deploy" / "image" / "build.sh"], check=True, stdout=subprocess.DEVNULL)


def fill(plan: Plan, phi: Phi, memory: Path) -> Artifacts:
    """Fill both registries' storages; raise RunFailed."""
    _build_our_image()
    with distribution(memory / "images") as images, distribution(memory / "models") as models:
        if images is None or models is None:
            raise RunFailed("CNCF distribution could not be had")
        _push_engine(plan, images, memory)
        _push_weights(phi, models, memory)
        for done in ("weights", "weights-layout"):
            shutil.rmtree(memory / done)  # the registry has them, in the same memory
        published = [publish(phi.as_model, models, codec) for codec in ("raw", "zstd")]
        names = [f"{one.reference.removeprefix(f'{models}/')}@{one.digest}" for one in published]
    return Artifacts(*names)


def _push_engine(plan: Plan, registry: str, memory: Path) -> None:
    """Push an engine's image: Python of our own image, the engine, and layers that fill it up to its size."""
    program = (_ROOT / "bench" / "evaluation" / "starts" / "engine.py").read_bytes()
    archive, below = memory / "engine.tar", _ARCHIVE
    for number in range(_ENGINE_LAYERS):
        libraries = write_base_content(plan.start_base_bytes // _ENGINE_LAYERS, number, memory / "libraries")
        files: Files = {"engine.py": program, f"libraries-{number}": libraries}
        write_image(archive, "", files, ("python", "/engine.py"), base=below)
        below = archive
    libraries.unlink()
    push = ("skopeo", "--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false")
    spend(Command((*push, f"oci-archive:{archive}", f"docker://{registry}/engine:v1")), memory / "log")
    archive.unlink()


def _push_weights(phi: Phi, registry: str, memory: Path) -> None:
    """Push the weights as an image with a shell, which a modelcar needs: tar.zstd, a layer a file."""
    shell = [("bin/sh", Path("/bin/busybox")), ("bin/ln", Path("/bin/busybox")), ("bin/sleep", Path("/bin/busybox"))]
    files = [(f"models/phi-4/{path.name}", path) for path in sorted(phi.folder.iterdir())]
    scratch = memory / "weights"
    layers = [make_layer(shell, "zstd", scratch), *(make_layer([file], "zstd", scratch) for file in files)]
    source = write_layout(layers, memory / "weights-layout", "v1")
    spend(copy(source, f"{registry}/images/weights:v1"), memory / "log")


def _install(cluster: Cluster, certificate: str, folder: Path) -> None:
    """Install the webhook, give the node the pullers' images, and make the namespace."""
    cluster.image_of(_ARCHIVE, f"{_IMAGE}:0.1.0")
    cluster.image(_ORAS_IMAGE, {"oras": binary("oras")}, ["/oras"])
    install = Install(cluster, {"CA_CONFIG_MAP": CA_CONFIG_MAP, "HOST_PATHS": str(folder)})
    install.name_image(_IMAGE, "0.1.0")
    install.apply()
    labels = {"weighbridge.dev/injection": "enabled"}
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}})
    trusted = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": CA_CONFIG_MAP},
        "data": {"ca.crt": certificate},
    }
    cluster.apply(trusted, namespace=NAMESPACE)
