"""A loopback of a given rate: a network namespace of this thread's own, and tc's token bucket on it."""

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

_CLONE_NEWNET = 0x40000000


class NoLine(Exception):
    """Why this machine or user cannot shape a line."""


class Line:
    """The loopback of the namespace."""

    def limit(self, gigabits: int) -> None:
        """Let no more than that pass from now on."""
        bucket = ("rate", f"{gigabits}gbit", "burst", "4mb", "latency", "20ms")
        _run("tc", "qdisc", "replace", "dev", "lo", "root", "tbf", *bucket)


@contextmanager
def namespace() -> Iterator[Line]:
    """Move this thread, and what it starts, to a network with nothing but a loopback; raise NoLine.

    Sockets that are open keep to where they were opened.
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
