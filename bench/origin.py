"""Registries to pull from and push to: real ones and cheap ones, each in a process of its own."""

import json
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from registry.digest import Digest
from tests.parts.build import PartError, binary
from tests.parts.certificate import certificate_for_localhost
from tests.parts.distribution import running_registry
from tests.parts.process import Process

from .corpus import Model
from .ours import push
from .run import RunFailed, start

_READY_SECONDS = 10
_PORT = re.compile(r"port (\d+)\n")
_ACCEPT = "application/vnd.oci.image.manifest.v1+json"
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file on an origin."""

    name: str
    url: str
    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class Published:
    """A model in a registry under `reference`, a tag; `digest` is its manifest's."""

    reference: str
    digest: str
    files: tuple[RemoteFile, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


@dataclass(frozen=True, slots=True)
class Sendfile:
    """A running bench.sendfile."""

    address: str
    pid: int

    def sent(self) -> int:
        """Return how many bytes of blobs and files it passed to the kernel so far."""
        return int(self._status()["sent"])

    def last_byte(self) -> float:
        """Return when it passed the last of them, on the system's monotonic clock."""
        return float(self._status()["last_byte"])

    def _status(self) -> dict[str, Any]:
        status: dict[str, Any] = json.loads(get(f"http://{self.address}/status"))
        return status


@contextmanager
def sendfile(folder: Path, rate: int = 0) -> Iterator[Sendfile]:
    """Serve the model folders below `folder`; `rate` is each connection's limit in bytes a second."""
    command: list[str | Path] = [sys.executable, "-m", "bench.sendfile", folder, *([str(rate)] if rate else [])]
    with tempfile.TemporaryDirectory() as home, Process(command, Path(home) / "log") as process:
        port = process.wait_until(lambda: _PORT.search(process.said()), _READY_SECONDS)[1]
        yield Sendfile(f"127.0.0.1:{port}", process.pid)


@contextmanager
def distribution(folder: Path) -> Iterator[str | None]:
    """Run CNCF distribution with its blobs below `folder`; yield its address, or None if it is not installed."""
    try:
        program = binary("registry")
    except PartError as error:
        sys.stderr.write(f"no CNCF distribution: {error}\n")
        yield None
        return
    folder.mkdir(parents=True, exist_ok=True)
    with running_registry(program, folder) as registry:
        yield registry.address


@dataclass(frozen=True, slots=True)
class TlsRegistry:
    """CNCF distribution behind TLS; another one without serves the same blobs at `plain_address`."""

    address: str
    plain_address: str
    certificate: Path
    hosts: Path
    """A folder with the hosts.toml that makes our programs speak TLS on loopback, and trust the certificate."""

    storage: Path

    def forget(self, prefix: str) -> None:
        """Remove repositories, with uploads that were never closed: they fill the memory that runs are measured in."""
        for repository in (self.storage / "docker/registry/v2/repositories").glob(f"{prefix}*"):
            shutil.rmtree(repository, ignore_errors=True)

    def secured(self, published: Published) -> Published:
        """Return a model that was published without TLS as it is found behind TLS."""
        before, after = f"http://{self.plain_address}/", f"https://{self.address}/"
        files = tuple(replace(file, url=file.url.replace(before, after)) for file in published.files)
        reference = published.reference.replace(self.plain_address, self.address)
        return Published(reference, published.digest, files)


@contextmanager
def tls_distribution(folder: Path) -> Iterator[TlsRegistry | None]:
    """Run CNCF distribution with and without TLS over the same blobs; yield None if it is not installed."""
    folder.mkdir(parents=True, exist_ok=True)
    certificate, key = certificate_for_localhost(folder)
    with distribution(folder) as plain:
        if plain is None:
            yield None
            return
        tls = {"certificate": str(certificate), "key": str(key)}
        with running_registry(binary("registry"), folder, tls=tls) as registry:
            place = folder / "hosts" / registry.address / "hosts.toml"
            place.parent.mkdir(parents=True)
            place.write_text(f'server = "https://{registry.address}"\nca = "{certificate}"\n')
            yield TlsRegistry(registry.address, plain, certificate, folder / "hosts", registry.storage)


def publish(model: Model, address: str, codec: str = "raw") -> Published:
    """Push a model with our packer; raise RunFailed when that fails."""
    name = model.name if codec == "raw" else f"{model.name}-{codec}"
    reference = f"{address}/{name}:v1"
    push_model(model, reference, codec)
    content = get(f"http://{address}/v2/{name}/manifests/v1")
    base = f"http://{address}/v2/{name}"
    files = tuple(_remote(layer, base) for layer in json.loads(content)["layers"])
    return Published(reference, str(Digest.of(content)), files)


def push_model(model: Model, target: str, codec: str) -> None:
    """Push a model to any target; raise RunFailed when that fails."""
    pusher = start(push(model.folder, target, codec), subprocess.PIPE)
    said = pusher.communicate()[0].decode(errors="replace")
    if pusher.returncode:
        raise RunFailed(f"push to {target}: {said}")


def _remote(layer: dict[str, Any], base: str) -> RemoteFile:
    name = layer["annotations"]["org.opencontainers.image.title"]
    return RemoteFile(name, f"{base}/blobs/{layer['digest']}", layer["size"], layer["digest"])


def get(url: str) -> bytes:
    """Return what a server on this machine answers; of an image its manifest."""
    request = urllib.request.Request(url, headers={"Accept": _ACCEPT})  # noqa: S310 - loopback, and ours
    with _OPENER.open(request, timeout=_READY_SECONDS) as answer:
        content: bytes = answer.read()
    return content
