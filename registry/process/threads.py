"""Worker threads for one caller: whatever ends the caller's wait ends them too, even while they block."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, NamedTuple, TypeVar

from registry.errors import Fault

_STEP_SECONDS = 0.02
_LOOK_SECONDS = 1.0
"""How often it is looked whether there is time for spare threads."""

_FAULT_SECONDS = 10.0
"""How long to wait for workers after a failure: they may be in the middle of a write."""

_SIGNAL_SECONDS = 0.5
"""How long after a signal: then the program ends, and the workers with it."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def dismiss(threads: Sequence[threading.Thread], interrupt: Callable[[], None], error: BaseException) -> None:
    """Call `interrupt` again and again until the threads are gone, or until the time limit for `error` ends.

    A thread that still runs, such as in a write to a disk that hangs, is left behind: it is a daemon thread.
    """
    ends_at = time.monotonic() + (_FAULT_SECONDS if isinstance(error, Fault) else _SIGNAL_SECONDS)
    while (left := [thread for thread in threads if thread.is_alive()]) and time.monotonic() < ends_at:
        interrupt()
        left[0].join(_STEP_SECONDS)


class Lane(NamedTuple, Generic[Item]):
    """Items for `threads` threads of their own, in order; `spare` more join when there is time for them."""

    threads: int
    items: Sequence[Item]
    spare: int = 0


def run(
    lanes: Iterable[Lane[Item]],
    work: Callable[[Item], Result],
    interrupt: Callable[[], None],
    has_time: Callable[[], bool] = lambda: False,
) -> list[tuple[Item, Result]]:
    """Process the items of all lanes concurrently; return each item with its result, in order of completion.

    The lanes' spare threads join as soon as `has_time`, which is asked now and then, returns true. The first error, or
    any exception during the wait, ends all workers by `interrupt`, and is raised.
    """
    pool = _Pool(work)
    queues = [(lane, deque(lane.items)) for lane in lanes]
    spare = [items for lane, items in queues for _ in range(min(lane.spare, len(items) - lane.threads))]
    threads: list[threading.Thread] = []

    def start(items: deque[Item]) -> None:
        threads.append(threading.Thread(target=pool.work_off, args=(items,), daemon=True))
        threads[-1].start()

    try:
        for lane, items in queues:
            for _ in range(min(lane.threads, len(items))):
                start(items)
        while not pool.wait(len(threads), _LOOK_SECONDS if spare else None):
            if has_time():
                for items in spare:
                    start(items)
                spare = []
    except BaseException as error:
        pool.fail(error)
        dismiss([thread for thread in threads if thread.ident is not None], interrupt, error)
        raise
    return pool.results


class _Pool(Generic[Item, Result]):
    """The state that the threads of one run share."""

    def __init__(self, work: Callable[[Item], Result]) -> None:
        self.results: list[tuple[Item, Result]] = []
        self._work = work
        self._gone = 0
        self._failure: BaseException | None = None
        self._changed = threading.Condition()

    def work_off(self, items: deque[Item]) -> None:
        """Process items until none is left, or until a worker fails."""
        try:
            while (item := self._next(items)) is not None:
                result = self._work(item)
                with self._changed:
                    self.results.append((item, result))
        except BaseException as error:  # noqa: BLE001 - the caller raises it
            self.fail(error)
        finally:
            with self._changed:
                self._gone += 1
                self._changed.notify_all()

    def _next(self, items: deque[Item]) -> Item | None:
        with self._changed:
            return items.popleft() if items and self._failure is None else None

    def fail(self, error: BaseException) -> None:
        """Stop the work; keep the first error."""
        with self._changed:
            self._failure = self._failure or error
            self._changed.notify_all()

    def wait(self, threads: int, seconds: float | None) -> bool:
        """Wait until all threads are done, or so many seconds; return whether they are. Raises the first error."""
        with self._changed:
            self._changed.wait_for(lambda: self._gone == threads or self._failure is not None, seconds)
            if self._failure is not None:
                raise self._failure
            return self._gone == threads
