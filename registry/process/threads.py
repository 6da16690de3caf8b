"""Threads that work for one who waits: whatever ends the waiting ends them, wherever they wait themselves."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from registry.errors import Fault

_STEP_SECONDS = 0.02
_FAULT_SECONDS = 10.0
"""How long to wait for workers after a failure: they may be in the middle of a write."""

_SIGNAL_SECONDS = 0.5
"""How long after a signal: somebody waits for the program to go, and then they go with it."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def dismiss(threads: Sequence[threading.Thread], interrupt: Callable[[], None], error: BaseException) -> None:
    """Break what threads wait for, again and again, until they are gone, or for so long as `error` leaves time.

    One that even so is not gone, such as in a write to a disk that hangs, is left behind: it is a daemon's.
    """
    ends_at = time.monotonic() + (_FAULT_SECONDS if isinstance(error, Fault) else _SIGNAL_SECONDS)
    while (left := [thread for thread in threads if thread.is_alive()]) and time.monotonic() < ends_at:
        interrupt()
        left[0].join(_STEP_SECONDS)


@contextmanager
def every(interval: float, act: Callable[[float], None]) -> Iterator[None]:
    """Call `act` with the seconds since the start, again and again after `interval` seconds, while the block runs."""
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


@dataclass(frozen=True, slots=True)
class Lane(Generic[Item]):
    """Work for so many threads of its own, in the order of the items."""

    threads: int
    items: Sequence[Item]


def run(
    lanes: Iterable[Lane[Item]], work: Callable[[Item], Result], interrupt: Callable[[], None]
) -> list[tuple[Item, Result]]:
    """Do the work of all lanes at the same time; return what came of each item, as it was done.

    The first error, or whatever else ends the waiting, ends all, with the help of `interrupt`, and is raised.
    """
    crew = _Crew(work)
    threads = [
        threading.Thread(target=crew.work_off, args=(items,), daemon=True)
        for lane in lanes
        for items in [deque(lane.items)]
        for _ in range(min(lane.threads, len(items)))
    ]
    try:
        for thread in threads:
            thread.start()
        crew.wait(len(threads))
    except BaseException as error:
        crew.fail(error)
        dismiss([thread for thread in threads if thread.ident is not None], interrupt, error)
        raise
    return crew.results


class _Crew(Generic[Item, Result]):
    """What the threads of one run share."""

    def __init__(self, work: Callable[[Item], Result]) -> None:
        self.results: list[tuple[Item, Result]] = []
        self._work = work
        self._gone = 0
        self._failure: BaseException | None = None
        self._changed = threading.Condition()

    def work_off(self, items: deque[Item]) -> None:
        """Do one item after the other until none is left, or until somebody failed."""
        try:
            while (item := self._next(items)) is not None:
                result = self._work(item)
                with self._changed:
                    self.results.append((item, result))
        except BaseException as error:  # noqa: BLE001 - who waits raises it
            self.fail(error)
        finally:
            with self._changed:
                self._gone += 1
                self._changed.notify_all()

    def _next(self, items: deque[Item]) -> Item | None:
        with self._changed:
            return items.popleft() if items and self._failure is None else None

    def fail(self, error: BaseException) -> None:
        """End the work; the first error stays."""
        with self._changed:
            self._failure = self._failure or error
            self._changed.notify_all()

    def wait(self, threads: int) -> None:
        """Wait until all threads are gone; raise the first error as soon as it is there."""
        with self._changed:
            self._changed.wait_for(lambda: self._gone == threads or self._failure is not None)
        if self._failure is not None:
            raise self._failure
