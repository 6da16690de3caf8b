"""Which piece is fetched next, by which order, and whether the registry serves ranges."""

import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from puller.plan import Piece
from registry.errors import Fault

from .blob import BlobWriter, PieceWriter

_AT_ONCE = 4
"""How many blobs are fetched at the same time."""

_LONG_SECONDS = 1.0
"""How long the rest of a piece must take for an idle worker to take half of it over."""


class Task(NamedTuple):
    """A piece of a blob that a worker must download."""

    writer: BlobWriter
    piece: Piece
    is_first: bool
    """Whether it is the first piece that is requested of its blob."""

    rest: PieceWriter | None = None
    """The writer of the rest of a piece that another worker began, or None."""


class Queue:
    """The pieces that no worker has taken yet, and how many may be downloaded at once.

    Until the first ranged request is answered, it is unknown whether the registry serves ranges, so only one piece of
    each blob is handed out: if the registry answers with the whole blob, that one answer is used for all its pieces.
    """

    def __init__(self, writers: Iterable[BlobWriter], limit: int) -> None:
        self._writers = tuple(writers)
        self._tasks = deque(_line_up(self._writers))
        self._limit = limit
        self._active = 0
        self._begun: dict[PieceWriter, BlobWriter] = {}
        self._are_ranges_known = False
        self._failure: BaseException | None = None
        self._lock = threading.Lock()
        self._may_take, self._ended = threading.Condition(self._lock), threading.Condition(self._lock)

    @property
    def failure(self) -> BaseException | None:
        """The error that ended the fetch early, or None."""
        return self._failure

    def __len__(self) -> int:
        return len(self._tasks)

    def take(self) -> Task | None:
        """Return the first piece of a worker, once the limit allows it; None when the work is over."""
        with self._lock:
            return self._wait_for_task()

    def take_next(self) -> Task | None:
        """Record that the worker's task has ended, and return its next one as `take` does."""
        with self._lock:
            self._active -= 1
            return self._wait_for_task()

    def stop(self, error: BaseException) -> None:
        """Record that a worker's task has ended with an error, which ends the work."""
        self.fail(error)
        with self._lock:
            self._active -= 1
            self._wake_all()

    def begin(self, piece_writer: PieceWriter, writer: BlobWriter) -> None:
        """Record that a worker writes a piece, of which an idle one may take over the rest; `end` must follow."""
        with self._lock:
            self._begun[piece_writer] = writer

    def end(self, piece_writer: PieceWriter) -> None:
        """Record that no worker writes a piece any more."""
        with self._lock:
            del self._begun[piece_writer]

    def look_again(self) -> None:
        """Wake one idle worker, which looks whether a piece takes long."""
        with self._lock:
            self._may_take.notify()

    def wait(self, seconds: float) -> bool:
        """Wait until the work is over, or has failed, or for `seconds`; return whether it is over or has failed."""
        with self._lock:
            return self._ended.wait_for(lambda: self._is_over() or self._failure is not None, seconds)

    def take_rest(self, writer: BlobWriter) -> list[Piece]:
        """Remove and return the pieces of one blob that no worker has taken, in order: one answer holds all of them."""
        with self._lock:
            rest = [task.piece for task in self._tasks if task.writer is writer]
            self._tasks = deque(task for task in self._tasks if task.writer is not writer)
            return rest

    def put_back(self, writer: BlobWriter, pieces: Iterable[Piece]) -> None:
        """Put pieces of a blob back, before all others: workers may wait for them."""
        with self._lock:
            waiting = [Task(writer, piece, number == 0) for number, piece in enumerate(pieces)]
            self._tasks.extendleft(reversed(waiting))
            self._may_take.notify(len(waiting))

    def ranges_work(self) -> None:
        """Record that the registry answered a ranged request with its range."""
        if not self._are_ranges_known:
            with self._lock:
                self._are_ranges_known = True
                self._may_take.notify_all()

    def set_limit(self, limit: int) -> None:
        """Set how many tasks may run at once."""
        with self._lock:
            self._limit = limit
            self._may_take.notify_all()

    def fail(self, error: BaseException) -> None:
        """End the work with an error; the first one stays."""
        with self._lock:
            self._failure = self._failure or error
            self._wake_all()
        for writer in self._writers:
            writer.abandon()

    def _wait_for_task(self) -> Task | None:
        """Wait for a task that may be started; a worker that ends one and takes the next wakes no other."""
        while not self._is_over() and self._failure is None:  # a worker may still put pieces back
            task = (self._next() or self._rest()) if self._active < self._limit else None
            if task is not None:
                self._active += 1
                return task
            self._may_take.wait()
        self._wake_all()
        return None

    def _wake_all(self) -> None:
        self._may_take.notify_all()
        self._ended.notify_all()

    def _is_over(self) -> bool:
        return self._active == 0 and (not self._tasks or self._failure is not None)

    def _rest(self) -> Task | None:
        """Split the piece that will take longest, if it takes long and nothing else is left to do."""
        if self._tasks or not self._are_ranges_known or not self._begun:
            return None
        now = time.monotonic()
        slowest = max(self._begun, key=lambda piece_writer: piece_writer.seconds_left(now))
        try:
            rest = slowest.split() if slowest.seconds_left(now) > _LONG_SECONDS else None
        except Fault:
            return None  # the piece is complete without a second worker, and its own worker meets what is wrong
        return Task(self._begun[slowest], slowest.piece, is_first=False, rest=rest) if rest is not None else None

    def _next(self) -> Task | None:
        task = next((task for task in self._tasks if task.is_first or self._are_ranges_known), None)
        if task is not None:
            self._tasks.remove(task)
        return task


def _line_up(writers: Iterable[BlobWriter]) -> Iterator[Task]:
    """Return the pieces in the order in which they are fetched.

    The pieces of up to _AT_ONCE blobs are interleaved, so that one slow consumer (a sequential hash or unpacker, or a
    file's write lock) does not stall the others. One piece of a random-access blob follows every _AT_ONCE pieces of
    ordered ones.
    """
    lanes: dict[bool, list[deque[Task]]] = {False: [], True: []}
    for writer in writers:
        pieces = deque(Task(writer, piece, number == 0) for number, piece in enumerate(writer.missing))
        if pieces:
            lanes[writer.is_ordered].append(pieces)
    free = _interleave(lanes[False])
    for number, task in enumerate(_interleave(lanes[True]), 1):
        yield task
        if number % _AT_ONCE == 0:
            yield from islice(free, 1)
    yield from free


def _interleave(blobs: Iterable[deque[Task]]) -> Iterator[Task]:
    waiting = iter(blobs)
    begun = deque(islice(waiting, _AT_ONCE))
    while begun:
        pieces = begun.popleft()
        yield pieces.popleft()
        if pieces:
            begun.append(pieces)
        else:
            begun.extend(islice(waiting, 1))
