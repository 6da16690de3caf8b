"""Which piece comes next: many hands, one line, and the question whether the registry serves ranges."""

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from puller.plan import Piece

from .blob import BlobWriter

_AT_ONCE = 4
"""How many blobs are under way at the same time."""


class Task(NamedTuple):
    """A piece of a blob that somebody must bring."""

    writer: BlobWriter
    piece: Piece
    is_first: bool
    """Whether nothing of the same blob was asked for before it."""


class Queue:
    """The pieces that nobody has taken yet, and how many may be under way.

    Until the first ranged request is answered, nobody knows whether this registry serves ranges, so one piece of each
    blob is handed out: should it answer with the whole blob, that answer is kept as the one stream, and no second one
    was asked for.
    """

    def __init__(self, writers: Iterable[BlobWriter], limit: int) -> None:
        self._writers = tuple(writers)
        self._tasks = deque(_line_up(self._writers))
        self._limit = limit
        self._active = 0
        self._are_ranges_known = False
        self._failure: BaseException | None = None
        self._changed = threading.Condition()

    @property
    def failure(self) -> BaseException | None:
        """What ended the work early, if anything did."""
        return self._failure

    def __len__(self) -> int:
        return len(self._tasks)

    def take(self) -> Task | None:
        """Return the next piece, waiting for leave to bring it; None when the work is over. `done` must follow."""
        with self._changed:
            while not self._is_over() and self._failure is None:  # whoever is at work may put pieces back
                task = self._next() if self._active < self._limit else None
                if task is not None:
                    self._active += 1
                    return task
                self._changed.wait()
            return None

    def done(self) -> None:
        """Return back the leave that came with a task."""
        with self._changed:
            self._active -= 1
            self._changed.notify_all()

    def wait(self, seconds: float) -> bool:
        """Wait until the work is over, or has failed, or for `seconds`; tell whether it is over, or has failed."""
        with self._changed:
            return self._changed.wait_for(lambda: self._is_over() or self._failure is not None, seconds)

    def take_rest(self, writer: BlobWriter) -> list[Piece]:
        """Return all pieces of one blob that nobody has taken, in order: one stream will carry them."""
        with self._changed:
            rest = [task.piece for task in self._tasks if task.writer is writer]
            self._tasks = deque(task for task in self._tasks if task.writer is not writer)
            self._changed.notify_all()
            return rest

    def put_back(self, writer: BlobWriter, pieces: Iterable[Piece]) -> None:
        """Take pieces of a blob that others shall bring after all, and before anything else: others wait for them."""
        with self._changed:
            waiting = [Task(writer, piece, number == 0) for number, piece in enumerate(pieces)]
            self._tasks.extendleft(reversed(waiting))
            self._changed.notify_all()

    def ranges_work(self) -> None:
        """Note that a ranged request was answered with its range."""
        if not self._are_ranges_known:
            with self._changed:
                self._are_ranges_known = True
                self._changed.notify_all()

    def set_limit(self, limit: int) -> None:
        """Say how many tasks may be under way at once."""
        with self._changed:
            self._limit = limit
            self._changed.notify_all()

    def fail(self, error: BaseException) -> None:
        """End the work; the first error stays."""
        with self._changed:
            self._failure = self._failure or error
            self._changed.notify_all()
        for writer in self._writers:
            writer.abandon()

    def _is_over(self) -> bool:
        return self._active == 0 and (not self._tasks or self._failure is not None)

    def _next(self) -> Task | None:
        task = next((task for task in self._tasks if task.is_first or self._are_ranges_known), None)
        if task is not None:
            self._tasks.remove(task)
        return task


def _line_up(writers: Iterable[BlobWriter]) -> Iterator[Task]:
    """Return the pieces in the order in which they are wanted.

    Blobs take turns, a few at a time. A file takes one write at a time, and a blob that is hashed or unpacked from
    front to back keeps one core busy: several do not wait for each other. Those whose pieces may come in any order go
    along with those that are unpacked.
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
