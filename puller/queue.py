"""Which piece comes next: many hands, one line, and the question whether the registry serves ranges."""

import threading
from collections import deque
from collections.abc import Sequence

from .assembly import Assembly
from .plan import Piece

Task = tuple[Assembly, Piece]


class Queue:
    """The pieces that nobody has taken yet.

    Until the first ranged request is answered, nobody knows whether this registry serves ranges, so only first
    pieces are handed out: should it answer with the whole blob, that answer is kept as the one stream, and no
    second one was asked for.
    """

    def __init__(self, assemblies: Sequence[Assembly]) -> None:
        self._tasks: deque[Task] = deque((assembly, piece) for assembly in assemblies for piece in assembly.blob.pieces)
        self._ranges_known = False
        self._failure: BaseException | None = None
        self._changed = threading.Condition()

    @property
    def failure(self) -> BaseException | None:
        """What ended the work early, if anything did."""
        return self._failure

    def take(self) -> Task | None:
        """Give the next piece, waiting while an answer decides what it is; None when the work is over."""
        with self._changed:
            while self._tasks and self._failure is None:
                task = self._next()
                if task is not None:
                    self._tasks.remove(task)
                    return task
                self._changed.wait()
            return None

    def take_rest(self, assembly: Assembly) -> list[Piece]:
        """Give all pieces of one blob that nobody has taken, in order: one stream will carry them."""
        with self._changed:
            rest = [task for task in self._tasks if task[0] is assembly]
            self._tasks = deque(task for task in self._tasks if task[0] is not assembly)
            self._changed.notify_all()
            return [piece for _, piece in rest]

    def ranges_work(self) -> None:
        """Note that a ranged request was answered with its range."""
        with self._changed:
            if not self._ranges_known:
                self._ranges_known = True
                self._changed.notify_all()

    def fail(self, error: BaseException) -> None:
        """End the work; the first error stays."""
        with self._changed:
            self._failure = self._failure or error
            self._changed.notify_all()

    def _next(self) -> Task | None:
        if self._ranges_known:
            return self._tasks[0]
        return next((task for task in self._tasks if task[1].start == 0), None)
