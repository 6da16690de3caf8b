"""What this process may use of the machine: its memory, and its cores.

Both versions of control groups are read, under the group's own path, as in a container without it, and between: a limit
holds for all groups below (cgroups(7)).

Tests: tests/registry/process/test_control_group.py
"""

import math
import os
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")
_UNLIMITED_BYTES = 1 << 60
"""From here on version 1 means that there is no limit."""


def memory_limit(cgroups: str, root: Path = _ROOT) -> int | None:
    """Return a memory limit in bytes, or None; `cgroups` is the text of a process's /proc/PID/cgroup."""
    texts = _texts(cgroups, root, "memory", "memory.max", "memory.limit_in_bytes")
    limits = [int(text) for text in texts if text.isdecimal()]
    return min((limit for limit in limits if limit < _UNLIMITED_BYTES), default=None)


def core_limit(cgroups: str, root: Path = _ROOT) -> float | None:
    """Return how many cores' time a process may use, or None where it may use all; `cgroups` as in memory_limit."""
    limits = []
    for text in _texts(cgroups, root, "cpu", "cpu.max", "cpu.cfs_quota_us", "cpu.cfs_period_us"):
        quota, _, period = text.partition(" ")
        if quota.isdecimal() and period.isdecimal() and int(period):
            limits.append(int(quota) / int(period))
    return min(limits, default=None)


def own_memory_limit() -> int | None:
    """Return the memory limit of this process in bytes, or None."""
    return memory_limit(_own())


def own_cores() -> int:
    """Return how many cores this process may use, one at least; a part of one counts as one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = core_limit(_own())
    return max(1, cores if limit is None else min(cores, math.ceil(limit)))


def _own() -> str:
    try:
        return _OWN.read_text()
    except OSError:
        return ""


def _texts(cgroups: str, root: Path, controller: str, second: str, *first: str) -> Iterator[str]:
    """Yield what each group says in its file `second` or, of version 1, in its files `first`, with a space between."""
    for line in cgroups.splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            folder, names = root, [second]
        elif controller in controllers.split(","):
            folder, names = root / controller, [*first]
        else:
            continue
        own = folder / path.lstrip("/")
        for place in (own, *(above for above in own.parents if above.is_relative_to(folder))):
            if (place / names[0]).is_file():
                yield " ".join((place / name).read_text().strip() for name in names)
