"""Which piece comes next: many hands, one line, and the question whether the registry serves ranges."""

import threading
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from .assembly import Assembly
from .plan import Piece


class Task(NamedTuple):
    """A piece that somebody must bring."""

    assembly: Assembly
    piece: Piece
    is_first: bool
    """Whether nothing of the same blob was asked for before it."""


class Queue:
    """The pieces that nobody has taken yet, and how many may be under way.

    Until the first ranged request is answered, nobody knows whether this registry serves ranges, so one piece of each
    blob is handed out: should it answer with the whole blob, that answer is kept as the one stream, and no second one
    was asked for.
    """

    def __init__(self, assemblies: Iterable[Assembly], limit: int) -> None:
        self._tasks = deque(
            Task(assembly, piece, number == 0)
            for assembly in assemblies
            for number, piece in enumerate(assembly.missing)
        )
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
        """Give the next piece, waiting for leave to bring it; None when the work is over. `done` must follow."""
        with self._changed:
            while not self._is_over() and self._failure is None:  # whoever is at work may put pieces back
                task = self._next() if self._active < self._limit else None
                if task is not None:
                    self._tasks.remove(task)
                    self._active += 1
                    return task
                self._changed.wait()
            return None

    def done(self) -> None:
        """Give back the leave that came with a piece."""
        with self._changed:
            self._active -= 1
            self._changed.notify_all()

    def wait(self, seconds: float) -> bool:
        """Wait until the work is over, or for `seconds`; tell whether it is over."""
        with self._changed:
            return self._changed.wait_for(self._is_over, seconds)

    def take_rest(self, assembly: Assembly) -> list[Piece]:
        """Give all pieces of one blob that nobody has taken, in order: one stream will carry them."""
        with self._changed:
            rest = [task.piece for task in self._tasks if task.assembly is assembly]
            self._tasks = deque(task for task in self._tasks if task.assembly is not assembly)
            self._changed.notify_all()
            return rest

    def put_back(self, assembly: Assembly, pieces: Iterable[Piece]) -> None:
        """Take pieces of a blob that others shall bring after all."""
        with self._changed:
            self._tasks.extend(Task(assembly, piece, number == 0) for number, piece in enumerate(pieces))
            self._changed.notify_all()

    def ranges_work(self) -> None:
        """Note that a ranged request was answered with its range."""
        if not self._are_ranges_known:
            with self._changed:
                self._are_ranges_known = True
                self._changed.notify_all()

    def set_limit(self, limit: int) -> None:
        """Say how many pieces may be under way at once."""
        with self._changed:
            self._limit = limit
            self._changed.notify_all()

    def fail(self, error: BaseException) -> None:
        """End the work; the first error stays."""
        with self._changed:
            self._failure = self._failure or error
            self._changed.notify_all()

    def _is_over(self) -> bool:
        return self._active == 0 and (not self._tasks or self._failure is not None)

    def _next(self) -> Task | None:
        return next((task for task in self._tasks if task.is_first or self._are_ranges_known), None)
