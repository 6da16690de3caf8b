"""What the rows pull from: a registry behind TLS with the model in every layout, and the hub's stand-in beside it."""

import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.evaluation.model import Phi
from bench.evaluation.plan import Plan
from bench.origin import Published, TlsRegistry, publish, tls_distribution
from bench.run import Command, RunFailed, start
from tests.parts.process import Process

from .images import Layer, make_layer, write_base_content, write_layout

_PORT = re.compile(r"port (\d+)\n")
_READY_SECONDS = 20
_MOUNT = "models/phi-4"
"""Where the weights are in images."""


@dataclass(frozen=True, slots=True)
class Origin:
    """A registry with the model in every layout, on one link."""

    registry: TlsRegistry
    address: str
    """HOST:PORT of the registry, or of what limits its connections."""

    hosts: Path
    raw: Published
    zstd: Published
    hub: str
    """The hub's URL."""

    def image(self, layout: str) -> str:
        """Return the reference of an image: `base-zstd`, `single-gzip`, `multi-tar` and so on."""
        return f"{self.address}/images/{layout}:v1"

    def moved(self, address: str, hosts: Path) -> "Origin":
        """Return the same origin behind another address."""
        moved = [_moved(one, self.address, address) for one in (self.raw, self.zstd)]
        return Origin(self.registry, address, hosts, moved[0], moved[1], self.hub)


@contextmanager
def origin(plan: Plan, phi: Phi, folder: Path) -> Iterator[Origin]:
    """Serve the model in every layout until the block ends; raise PartError, RunFailed."""
    with ExitStack() as stack:
        registry = stack.enter_context(secured_registry(folder / "registry"))
        raw, zstd = (
            registry.secured(publish(phi.as_model, registry.plain_address, codec)) for codec in ("raw", "zstd")
        )
        publish_images(plan, phi, registry.plain_address, folder)
        key = registry.certificate.with_name("tls.key")
        command: list[str | Path] = [
            sys.executable,
            "-m",
            "bench.evaluation.layouts.hub",
            phi.folder,
            registry.certificate,
            key,
        ]
        hub = stack.enter_context(Process(command, folder / "hub.log"))
        port = hub.wait_until(lambda: _PORT.search(hub.said()), _READY_SECONDS)[1]
        yield Origin(registry, registry.address, registry.hosts, raw, zstd, f"https://127.0.0.1:{port}")


@contextmanager
def secured_registry(folder: Path) -> Iterator[TlsRegistry]:
    """Run CNCF distribution behind TLS until the block ends; raise RunFailed where it cannot be had."""
    with tls_distribution(folder) as registry:
        if registry is None:
            raise RunFailed("CNCF distribution could not be had")
        yield registry


@contextmanager
def limited(origin: Origin, rate: int, folder: Path) -> Iterator[Origin]:
    """Serve an origin by a forwarder that gives each connection `rate` bytes a second."""
    folder.mkdir()
    program = [sys.executable, "-m", "bench.evaluation.layouts.connection_limit"]
    with Process([*program, "127.0.0.1:0", origin.address, str(rate)], folder / "log") as process:
        port = process.wait_until(lambda: _PORT.search(process.said()), _READY_SECONDS)[1]
        address = f"127.0.0.1:{port}"
        write_hosts(folder / "hosts", address, origin.registry.certificate)
        yield origin.moved(address, folder / "hosts")


def write_hosts(folder: Path, address: str, certificate: Path) -> None:
    """Write the hosts.toml that makes clients speak TLS with an address and trust its certificate."""
    (folder / address).mkdir(parents=True)
    (folder / address / "hosts.toml").write_text(f'server = "https://{address}"\nca = "{certificate}"\n')


def certificate_folder(certificate: Path) -> Path:
    """Return a folder with a registry's certificate as buildah and skopeo want it."""
    folder = certificate.with_name("docker-certificates")
    folder.mkdir(exist_ok=True)
    (folder / "ca.crt").write_bytes(certificate.read_bytes())
    return folder


def publish_images(plan: Plan, phi: Phi, registry: str, folder: Path) -> None:
    """Push an engine's image without weights, and with them in one layer or a layer a file."""
    content = write_base_content(plan.base_bytes, 1, folder / "engine")
    files = [(f"{_MOUNT}/{path.name}", path) for path in sorted(phi.folder.iterdir())]
    for kind in ("gzip", "tar", "zstd"):
        base = make_layer([("engine", content)], kind, folder / "blobs")
        layers = [make_layer([file], kind, folder / "blobs") for file in files]
        push_image([base], registry, f"base-{kind}", folder)
        push_image([base, *layers], registry, f"multi-{kind}", folder)
        if kind == "gzip":
            push_image([base, make_layer(files, kind, folder / "blobs")], registry, "single-gzip", folder)
    for done in ("blobs", "layouts"):
        shutil.rmtree(folder / done)  # the registry has them, in the same memory


def push_image(layers: list[Layer], registry: str, layout: str, folder: Path) -> None:
    """Push an image of layers to the repository `images/LAYOUT`, byte for byte."""
    source = write_layout(layers, folder / "layouts" / layout, "v1")
    copy = ("copy", source, f"{registry}/images/{layout}:v1", "--quiet")
    with (folder / "copy.log").open("wb") as log:
        if start(Command((sys.executable, "-m", "weighbridge", *copy)), log.fileno()).wait():
            raise RunFailed(f"copy of {layout}: {(folder / 'copy.log').read_text()}")


def _moved(published: Published, before: str, after: str) -> Published:
    files = tuple(
        type(file)(file.name, file.url.replace(before, after), file.size, file.digest) for file in published.files
    )
    return Published(published.reference.replace(before, after), published.digest, files)
