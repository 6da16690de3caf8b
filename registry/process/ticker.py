"""A call that is repeated in a thread of its own. Imports nothing that takes time: a warm start loads it.

Tests: tests/registry/progress/test_reporter.py
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def every(interval: float, act: Callable[[float], None]) -> Iterator[None]:
    """Call `act` with the seconds since the start, every `interval` seconds while the block runs."""
    started, over = time.monotonic(), threading.Event()

    def run() -> None:
        while not over.wait(interval):
            act(time.monotonic() - started)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
