"""Which pieces a worker fetches next, how many workers may, and whether the registry serves ranges."""

import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from operator import itemgetter

from puller.plan import Piece
from registry.errors import Fault

from .blob import BlobWriter, PieceWriter
from .pending import RUN_BYTES, Pending

_LONG_SECONDS = 1.0
"""How long the rest of a task must take for an idle worker to take half of it over."""


@dataclass(eq=False, slots=True)
class Task:
    """Adjacent pieces of a blob that a worker downloads; `pieces` are those that it has not begun."""

    writer: BlobWriter
    pieces: deque[Piece]
    rest: PieceWriter | None = None
    """The writer of the rest of a piece that another worker began, or None."""

    is_whole: bool = False
    """Whether the host answered with the whole blob: another worker that asks for a half might get all of it again."""

    @property
    def bytes_left(self) -> int:
        """Bytes of the pieces that are not begun."""
        return sum(piece.stop - piece.start for piece in self.pieces)


class Queue:
    """The pieces that no worker has taken yet, and how many tasks may be worked on at once.

    Until the first ranged request is answered, it is unknown whether the registry serves ranges, so only one run of
    each blob is handed out: if the registry answers with the whole blob, that one answer is used for all its pieces.
    """

    def __init__(self, writers: Iterable[BlobWriter], limit: int, most: int) -> None:
        """`limit` is how many tasks may be worked on at once at first, `most` how many ever."""
        self._writers = tuple(writers)
        self._pending = Pending(self._writers)
        self._limit = limit
        self._shares = most
        """By how many the bytes that are left are divided, to get the longest run."""

        self._active = 0
        self._begun: dict[PieceWriter, Task] = {}
        self._are_ranges_known = False
        self._failure: BaseException | None = None
        self._lock = threading.Lock()
        self._may_take, self._ended = threading.Condition(self._lock), threading.Condition(self._lock)

    @property
    def failure(self) -> BaseException | None:
        """The error that ended the fetch early, or None."""
        return self._failure

    def __len__(self) -> int:
        return len(self._pending)

    def take(self) -> Task | None:
        """Return the first task of a worker, once the limit allows it; None when the work is over."""
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

    def next_piece(self, task: Task) -> Piece | None:
        """Remove and return the next piece of a worker's task; None where none is left, or the work has failed."""
        with self._lock:
            return task.pieces.popleft() if task.pieces and self._failure is None else None

    def begin(self, piece_writer: PieceWriter, task: Task) -> None:
        """Record that a worker writes a piece, of which an idle one may take over the rest; `end` must follow."""
        with self._lock:
            self._begun[piece_writer] = task

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

    def run_after(self, task: Task, stop: int) -> int:
        """Return the end of the pieces of a task that follow `stop` without a gap: the same request asks for them."""
        with self._lock:
            most = stop + RUN_BYTES
            for piece in task.pieces:
                if piece.start != stop or piece.stop > most:
                    break
                stop = piece.stop
            return stop

    def take_rest(self, task: Task) -> None:
        """Add to a task all pieces of its blob that no worker has taken: one answer holds all of them."""
        with self._lock:
            task.is_whole = True
            task.pieces.extend(self._pending.take_rest(task.writer))

    def keep_until(self, task: Task, stop: int) -> None:
        """Record that a part up to `stop` was answered; put back what lies beyond, before all other pieces."""
        with self._lock:
            beyond = [piece for piece in task.pieces if piece.start >= stop]
            task.pieces = deque(piece for piece in task.pieces if piece.start < stop)
            task.is_whole = False
            if beyond:
                self._put_back(task.writer, beyond)

    def put_back(self, writer: BlobWriter, pieces: Iterable[Piece]) -> None:
        """Put pieces of a blob back, before all others: workers may wait for them."""
        with self._lock:
            self._put_back(writer, list(pieces))

    def ranges_work(self) -> None:
        """Record that the registry answered a ranged request with its range."""
        if not self._are_ranges_known:
            with self._lock:
                self._are_ranges_known = True
                self._may_take.notify_all()

    def set_limit(self, limit: int, *, is_settled: bool) -> None:
        """Set how many tasks may be worked on at once, and whether none is on trial: runs may then be longer."""
        with self._lock:
            self._limit = limit
            if is_settled:
                self._shares = limit
            self._may_take.notify_all()

    def fail(self, error: BaseException) -> None:
        """End the work with an error; the first one stays."""
        with self._lock:
            self._failure = self._failure or error
            self._wake_all()
        for writer in self._writers:
            writer.abandon()

    def _put_back(self, writer: BlobWriter, pieces: list[Piece]) -> None:
        self._pending.put_back(writer, pieces)
        self._may_take.notify(len(pieces))

    def _wait_for_task(self) -> Task | None:
        """Wait for a task that may be started; a worker that ends one and takes the next wakes no other."""
        while not self._is_over() and self._failure is None:  # a worker may still put pieces back
            task = (self._next() or self._half()) if self._active < self._limit else None
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
        return self._active == 0 and (not self._pending or self._failure is not None)

    def _next(self) -> Task | None:
        """Return the next run: a worker's share of what is left, so that all workers end at about the same time."""
        most_bytes = min(RUN_BYTES, self._pending.bytes // self._shares)
        take = self._pending.take if self._are_ranges_known else self._pending.take_unasked
        run = take(most_bytes)
        return Task(run[0], deque(run[1])) if run else None

    def _half(self) -> Task | None:
        """Return half of the task that will take longest, if it takes long and nothing else is left to do."""
        if self._pending or not self._are_ranges_known:
            return None
        now = time.monotonic()
        begun = ((_seconds_left(*one, now), *one) for one in self._begun.items() if not one[1].is_whole)
        for seconds, piece_writer, task in sorted(begun, key=itemgetter(0), reverse=True):
            if seconds > _LONG_SECONDS and (half := _half_of(piece_writer, task)) is not None:
                return half
        return None


def _half_of(piece_writer: PieceWriter, task: Task) -> Task | None:
    """Return the later half of what is left of a task: of its pieces, or of the one that is written; None if too small.

    The worker closes its connection where the other half begins.
    """
    if task.pieces:
        pieces = list(task.pieces)
        middle = len(pieces) // 2
        task.pieces = deque(pieces[:middle])
        return Task(task.writer, deque(pieces[middle:]))
    try:
        rest = piece_writer.split()
    except Fault:
        return None  # the piece is complete without a second worker, and its own worker meets what is wrong
    return Task(task.writer, deque((piece_writer.piece,)), rest) if rest is not None else None


def _seconds_left(piece_writer: PieceWriter, task: Task, now: float) -> float:
    """Return how long the rest of a task will take at the rate so far; 0 where no rate is known."""
    rate = piece_writer.rate(now)
    return (piece_writer.stop - piece_writer.position + task.bytes_left) / rate if rate else 0.0
