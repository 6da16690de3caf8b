"""The cores that a process wants: what it got, and what it waited for."""

import hashlib
import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from registry.process.core_time import core_seconds

_THREADS = 4
_SECONDS = 0.5


def hash_for(seconds: float) -> None:
    """Use a core, without the interpreter's lock."""
    content, ends_at = bytes(1 << 20), time.monotonic() + seconds
    while time.monotonic() < ends_at:
        hashlib.sha256(content).digest()


def cores_wanted(work: Callable[[float], None]) -> float:
    """Return how many cores four threads want that have one to share."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    began, before = time.monotonic(), sum(core_seconds())
    threads = [threading.Thread(target=work, args=(2 * _SECONDS,)) for _ in range(_THREADS)]
    for thread in threads:
        thread.start()
    threads[0].join(_SECONDS)
    return (sum(core_seconds()) - before) / (time.monotonic() - began)


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="this kernel has no schedstat")
def test_threads_that_wait_for_a_core_want_it() -> None:
    """One core is all that they get, and little of what they want; those that sleep want none."""
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        assert pool.apply(cores_wanted, (hash_for,)) > _THREADS / 2
        assert pool.apply(cores_wanted, (time.sleep,)) < 1 / 2


def test_time_on_a_core_is_the_processs_own() -> None:
    """Of all its threads, those that have ended, too."""
    used, before = time.process_time(), core_seconds()
    hash_for(0.05)
    assert core_seconds().ran - before.ran >= time.process_time() - used - 0.01
