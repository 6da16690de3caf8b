"""A registry beside the pods: CNCF distribution at an address of its own, on a line of a given rate."""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.parts.distribution import registry_configuration
from tests.parts.process import Process

from .isolation import Isolation
from .network import BRIDGE

_READY_SECONDS = 30
_PORT = 5000
_ACCESS = re.compile(r'"([A-Z]+) (/v2/\S*) HTTP/1\.1" (\d+) (\d+)')

_LINE = """
set -e
ip netns add "$1"
ip link add "$1" type veth peer name eth0 netns "$1"
ip link set "$1" master "$2" up
ip -n "$1" address add "$3/16" dev eth0
ip -n "$1" link set eth0 up
ip -n "$1" link set lo up
if [ -n "$4" ]; then
  tc -n "$1" qdisc add dev eth0 root tbf rate "$4" burst 256kb latency 50ms
fi
"""


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


@contextmanager
def running_registry(
    isolation: Isolation,
    program: Path,
    folder: Path,
    number: int,
    rate: str,
    auth: Mapping[str, Any] | None,
) -> Iterator[ClusterRegistry]:
    """Run a registry until the block ends; `number` makes its address, `rate` and `auth` are Cluster.registry's."""
    name, host = f"registry{number}", f"10.200.1.{number}"
    configuration = registry_configuration(folder / "storage", f"0.0.0.0:{_PORT}", auth=auth)
    (folder / "config.json").write_text(json.dumps(configuration))  # JSON is YAML
    subprocess.run(isolation.command(["sh", "-c", _LINE, "sh", name, BRIDGE, host, rate]), check=True)
    serve: list[str | Path] = ["nsenter", f"--net=/run/netns/{name}", program, "serve", folder / "config.json"]
    try:
        with Process(isolation.command(serve), folder / "registry.log", {"OTEL_TRACES_EXPORTER": "none"}) as process:
            process.wait_until(lambda: "listening on" in process.said(), _READY_SECONDS)
            yield ClusterRegistry(f"{host}:{_PORT}", folder / "storage", process)
    finally:
        subprocess.run(isolation.command(["ip", "netns", "delete", name]), check=True)
