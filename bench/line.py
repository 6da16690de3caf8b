"""A loopback of a given rate: a network namespace of this thread, with tc's token bucket."""

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

_CLONE_NEWNET = 0x40000000


class NoLine(Exception):
    """This machine or user cannot shape a line; the text says why."""


class Line:
    """The loopback of the namespace."""

    def limit(self, gigabits: int) -> None:
        """Limit the rate from now on."""
        bucket = ("rate", f"{gigabits}gbit", "burst", "4mb", "latency", "20ms")
        _run("tc", "qdisc", "replace", "dev", "lo", "root", "tbf", *bucket)


@contextmanager
def namespace() -> Iterator[Line]:
    """Move this thread, and programs that it starts, to a network with only a loopback; raise NoLine.

    Open sockets stay in the network where they were opened.
    """
    if os.geteuid():
        raise NoLine("needs root, for a network namespace")
    for program in ("ip", "tc"):
        if not shutil.which(program):
            raise NoLine(f"needs {program}, of iproute2")
    library = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if library.unshare(_CLONE_NEWNET):
            raise NoLine(f"no network namespace: {os.strerror(ctypes.get_errno())}")
        try:
            _run("ip", "link", "set", "lo", "up")
            yield Line()
        finally:
            library.setns(home, _CLONE_NEWNET)
    finally:
        os.close(home)


def _run(*command: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise NoLine(f"{' '.join(command)}: {done.stderr.strip()}")
