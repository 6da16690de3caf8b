"""A host beside the pods: a network namespace with an address of its own, on a line of a given rate."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .isolation import Isolation
from .network import BRIDGE

_SET_UP = """
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
class Host:
    """A host that pods and the node reach."""

    address: str
    name: str
    isolation: Isolation

    def command(self, command: Sequence[str | Path]) -> list[str | Path]:
        """Return the command that runs `command` on this host."""
        return self.isolation.command(["nsenter", f"--net=/run/netns/{self.name}", *command])


@contextmanager
def running_host(isolation: Isolation, number: int, rate: str) -> Iterator[Host]:
    """Make a host until the block ends: `number`, up to 60,000, makes its address; `rate` limits what it sends."""
    host = Host(f"10.200.{1 + number // 250}.{1 + number % 250}", f"host{number}", isolation)
    subprocess.run(isolation.command(["sh", "-c", _SET_UP, "sh", host.name, BRIDGE, host.address, rate]), check=True)
    try:
        yield host
    finally:
        subprocess.run(isolation.command(["ip", "netns", "delete", host.name]), check=True)
