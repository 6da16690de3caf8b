"""Work that waits for the disk, done by a thread: meanwhile pipes are read, pieces noted, and signals heeded.

Tests: tests/registry/process/test_background.py
"""

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")


class Background(Generic[T]):
    """Does some work for one item after another, in a thread that begins with the first."""

    def __init__(self, work: Callable[[T], None]) -> None:
        self._work = work
        self._items = SimpleQueue[T | None]()
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    def add(self, item: T) -> None:
        """Add an item for which the work is to be done."""
        if self._thread is None:
            thread = threading.Thread(target=self._run, daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the pod's limit of processes: then whoever adds waits
                self._do(item)
                return
            self._thread = thread
        self._items.put(item)

    def check(self) -> None:
        """Raise what the work failed with, if it did."""
        if self._error is not None:
            raise self._error

    def finish(self) -> None:
        """Wait until the work is done for all items; raise what it failed with."""
        if self._thread is not None:
            self._items.put(None)
            self._thread.join()
        self.check()

    def _run(self) -> None:
        while (item := self._items.get()) is not None and self._error is None:
            self._do(item)

    def _do(self, item: T) -> None:
        try:
            self._work(item)
        except BaseException as error:  # noqa: BLE001 - the thread has no caller: whoever checks raises it
            self._error = error
