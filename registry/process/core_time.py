"""The time on cores that this process has had so far, and how long its threads were ready to run and waited for one.

Tests: tests/registry/process/test_core_time.py
"""

import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_THREADS = Path("/proc/self/task")
_NANOSECOND = 1e-9


class CoreSeconds(NamedTuple):
    """How long threads ran, and how long they waited for a core, in seconds."""

    ran: float
    waited: float


def core_seconds() -> CoreSeconds:
    """Return the seconds that all threads ran, and that those still alive waited for a core.

    The waits are in proc(5)'s schedstat, which some kernels do not have: they then count as none.
    """
    waited = 0
    with suppress(OSError):
        for thread in _THREADS.iterdir():
            with suppress(OSError, ValueError, IndexError):  # it may have ended
                waited += int((thread / "schedstat").read_bytes().split()[1])
    return CoreSeconds(time.process_time(), waited * _NANOSECOND)
