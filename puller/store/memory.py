"""How many connections the memory of this process allows: each has its buffers beside the process's own need."""

from pathlib import Path

from .writeback import memory_limit

BASE_BYTES = 58 << 20
"""The peak without connections."""

CONNECTION_BYTES = 2 << 20
"""What each connection adds to it."""


def affordable_connections(wanted: int, limit: int | None) -> int:
    """Return how many of the wanted connections a memory limit in bytes leaves room for, one at least."""
    if limit is None:
        return wanted
    return max(1, min(wanted, (limit - BASE_BYTES) // CONNECTION_BYTES))


def own_limit() -> int | None:
    """Return the memory limit of this process in bytes, or None."""
    try:
        return memory_limit(Path("/proc/self/cgroup").read_text())
    except OSError:
        return None
