"""A registry beside the pods: CNCF distribution on a host of its own."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.parts.distribution import registry_configuration
from tests.parts.process import Process

from .host import Host

_READY_SECONDS = 30
_PORT = 5000
_ACCESS = re.compile(r'"([A-Z]+) (/v2/\S*) HTTP/1\.1" (\d+) (\d+)')


@dataclass(frozen=True)
class Request:
    """A request that the registry answered."""

    method: str
    path: str
    code: int
    sent_bytes: int


@dataclass(frozen=True)
class ClusterRegistry:
    """A registry that answers, in plain HTTP."""

    address: str
    """HOST:PORT, as pods and the node reach it."""

    storage: Path
    process: Process

    def requests(self) -> list[Request]:
        """Return what it was asked so far."""
        return [Request(one[1], one[2], int(one[3]), int(one[4])) for one in _ACCESS.finditer(self.process.said())]

    def blob_bytes(self, repository: str) -> int:
        """Return how many bytes of a repository's blobs it sent so far, in answers that have ended."""
        blobs = f"/v2/{repository}/blobs/"
        return sum(one.sent_bytes for one in self.requests() if one.method == "GET" and one.path.startswith(blobs))


@contextmanager
def running_registry(
    host: Host, program: Path, folder: Path, auth: Mapping[str, Any] | None
) -> Iterator[ClusterRegistry]:
    """Run a registry on a host until the block ends; `auth` is that of Cluster.registry."""
    configuration = registry_configuration(folder / "storage", f"0.0.0.0:{_PORT}", auth=auth)
    (folder / "config.json").write_text(json.dumps(configuration))  # JSON is YAML
    serve = host.command([program, "serve", folder / "config.json"])
    with Process(serve, folder / "registry.log", {"OTEL_TRACES_EXPORTER": "none"}) as process:
        process.wait_until(lambda: "listening on" in process.said(), _READY_SECONDS)
        yield ClusterRegistry(f"{host.address}:{_PORT}", folder / "storage", process)
