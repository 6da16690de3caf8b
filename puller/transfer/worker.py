"""Download one piece of a blob: ranged request, write, verify; retry, resume or switch hosts on errors."""

import time
from dataclasses import dataclass, field
from enum import Enum
from threading import Event
from typing import NamedTuple

from registry.errors import Fault, Mismatch, Unavailable
from registry.http.retry import Waiting
from registry.progress.stats import TransferStats
from registry.repository import Repository

from .blob import PieceListener, PieceWriter
from .queue import Queue, Task
from .watchdog import CHANCES, Watchdog, Watched

BUFFER_BYTES = 2 << 20
"""The size of a worker's one buffer. With half of it a fetch takes a tenth longer: threads wait for each other."""


@dataclass(frozen=True, kw_only=True)
class DownloadContext:
    """What all workers of one fetch share."""

    repository: Repository
    queue: Queue
    stats: TransferStats
    watchdog: Watchdog
    listener: PieceListener
    overload: Event = field(default_factory=Event)


class Step(Enum):
    """What a worker does next after an error."""

    RAISE = "fail the whole fetch with the error"
    RECONNECT = "continue at once where the connection broke"
    WAIT = "continue where the connection broke, after a wait, as long as patience lasts"
    REFETCH_PIECE = "discard the piece and download it again"
    REFETCH_BLOB = "discard the whole blob and download it again"


class Failure(NamedTuple):
    """What decides the next step after an error."""

    is_corrupt: bool
    """Whether the error is a Mismatch: bytes are wrong, not missing."""

    was_cut: bool
    """Whether the watchdog cut the connection because it was slow."""

    has_other_host: bool
    """Whether another host remains that may send correct bytes."""

    has_digest: bool
    """Whether the piece has a digest of its own; else the whole blob is verified with its last piece."""

    has_all: bool
    """Whether every piece of the blob has arrived."""

    was_refetched: bool
    """Whether the piece was downloaded again when no other host remained; where `has_digest` is false, whether the blob
    was downloaded again."""


def next_step(failure: Failure) -> Step:
    """Return what to do after an error. "-" stands for either value.

    is_corrupt  was_cut  has_other_host  was_refetched  has_digest  has_all  step
    no          yes      -               -              -           -        RECONNECT
    no          no       -               -              -           -        WAIT
    yes         -        no              yes            -           -        RAISE
    yes         -        no              no             no          no       RAISE
    yes         -        no              no             yes         no       REFETCH_PIECE
    yes         -        no              no             -           yes      REFETCH_BLOB
    yes         -        yes             -              -           no       REFETCH_PIECE
    yes         -        yes             -              -           yes      REFETCH_BLOB
    """
    if not failure.is_corrupt:
        return Step.RECONNECT if failure.was_cut else Step.WAIT
    if not failure.has_other_host and (failure.was_refetched or not (failure.has_digest or failure.has_all)):
        return Step.RAISE
    return Step.REFETCH_BLOB if failure.has_all else Step.REFETCH_PIECE


def work(context: DownloadContext) -> None:
    """Download pieces until the queue is empty or failed: a worker's thread, whose errors fail the queue."""
    buffer: memoryview | None = None
    task = context.queue.take()
    while task is not None:
        try:
            buffer = buffer or memoryview(bytearray(BUFFER_BYTES))
            Downloader(context, buffer, task).run()
        except BaseException as error:  # noqa: BLE001 - a thread has no caller: the queue hands it to the main thread
            context.queue.stop(error)
            return
        task = context.queue.take_next()


class Downloader:
    """Downloads the pieces of one task, and the whole rest of their blob where the registry serves no ranges."""

    def __init__(self, context: DownloadContext, buffer: memoryview, task: Task) -> None:
        self._context, self._buffer = context, buffer
        self._task, self._writer = task, task.writer
        self._rest = task.rest
        self._watched: Watched | None = None
        self._offset = 0
        self._wire_seconds = 0.0

    def run(self) -> None:
        """Download the pieces to disk, and further ones that the registry's answer turns out to hold."""
        try:
            while (piece := self._context.queue.next_piece(self._task)) is not None:
                piece_writer, self._rest = self._rest or self._writer.open_piece(piece), None
                self._context.queue.begin(piece_writer, self._task)
                try:
                    self._download(piece_writer)
                finally:
                    self._context.queue.end(piece_writer)
                    piece_writer.close()
        finally:
            if self._rest is not None:  # the work ended before it was begun
                self._rest.close()
            self._hang_up()
            self._context.stats.spend("wire", self._wire_seconds)

    def _download(self, piece_writer: PieceWriter) -> None:
        """Download one piece; after an error do what `next_step` says, until the piece is whole or the fetch failed."""
        waiting = self._context.repository.patience.begin()
        chances = CHANCES
        while self._context.queue.failure is None:
            before = piece_writer.position
            try:
                if self._fill(piece_writer, chances):
                    piece_writer.commit(self._context.stats, self._context.listener)
                return  # noqa: TRY300 - the way out of the loop, beside what keeps it going
            except Fault as error:
                failure = self._failure(error, piece_writer)
                match next_step(failure):
                    case Step.RAISE:
                        raise
                    case Step.RECONNECT:
                        chances -= 1
                    case Step.WAIT:
                        self._wait(waiting, error, piece_writer.position - before)
                    case Step.REFETCH_PIECE:
                        if piece_writer.leave():
                            piece_writer.trials.blamed.clear()  # who brings it again has a reason to try others
                            return
                        piece_writer.trials.was_refetched |= not failure.has_other_host
                        self._context.stats.take_back(piece_writer.reset())
                    case Step.REFETCH_BLOB:
                        self._refetch_blob()
                        return

    def _failure(self, error: Fault, piece_writer: PieceWriter) -> Failure:
        """Close the connection, report corrupt bytes to the repository, and return what `next_step` must know."""
        was_cut = self._watched is not None and self._watched.was_cut
        self._hang_up()
        is_corrupt = isinstance(error, Mismatch)
        has_digest, trials = piece_writer.piece.digest is not None, piece_writer.trials
        suspects = frozenset(piece_writer.hosts - trials.blamed)
        if is_corrupt:
            trials.blamed |= suspects
        return Failure(
            is_corrupt=is_corrupt,
            was_cut=was_cut,
            has_other_host=is_corrupt and self._context.repository.report_corrupt(suspects),
            has_digest=has_digest,
            has_all=self._writer.has_all,
            was_refetched=trials.was_refetched if has_digest else self._writer.was_wrong,
        )

    def _wait(self, waiting: Waiting, error: Fault, gained: int) -> None:
        if isinstance(error, Unavailable) and error.is_overload:
            self._context.overload.set()
        waiting.after(error, gained)

    def _refetch_blob(self) -> None:
        """Discard the whole blob, and put its pieces back into the queue, where any worker may take them."""
        self._context.stats.begin_again(self._writer.layer.size, self._writer.missing_bytes)
        self._writer.begin_again()
        self._context.queue.put_back(self._writer, self._writer.missing)

    def _fill(self, piece_writer: PieceWriter, chances: int) -> bool:
        """Read the piece to its end; return False if another worker's failure ended the work before."""
        while piece_writer.position < piece_writer.stop:
            if self._context.queue.failure is not None:
                return False
            if self._watched is not None and self._is_past(self._watched, piece_writer):
                self._hang_up()
            watched = self._watched or self._open(piece_writer, chances)
            piece_writer.hosts.add(watched.body.host)
            while self._offset < piece_writer.position:
                self._read(watched, piece_writer.position - self._offset)
            count = self._read(watched, max(piece_writer.stop - piece_writer.position, 1))
            self._context.stats.add(count)
            self._context.stats.take_back(count - piece_writer.write(self._buffer[:count]))
        body = self._watched.body if self._watched and not piece_writer.is_shared else None
        if body is not None and self._offset == body.stop and body.readinto(self._buffer[:1]):
            size = self._writer.layer.size
            raise Mismatch(f"{self._writer.name}: longer than the {size} bytes that were promised")
        return True

    def _is_past(self, watched: Watched, piece_writer: PieceWriter) -> bool:
        """Return whether an answer cannot go on with a piece.

        A host may answer less than it was asked for (RFC 9110 15.3.7), and a piece before may be put back.
        """
        return self._offset == watched.body.stop or self._offset > piece_writer.position

    def _open(self, piece_writer: PieceWriter, chances: int) -> Watched:
        """Request the rest of the piece and those that follow; an answer with the whole blob serves all others, too."""
        began = time.perf_counter()
        stop = piece_writer.stop
        if not piece_writer.is_shared:
            stop = self._context.queue.run_after(self._task, stop)
        body = self._context.repository.open(self._writer.layer, piece_writer.position, stop)
        self._wire_seconds += time.perf_counter() - began
        if body.start < piece_writer.position or body.stop > stop:
            self._context.queue.take_rest(self._task)
        elif stop - piece_writer.piece.start < self._writer.layer.size:
            self._context.queue.ranges_work()
            self._context.queue.keep_until(self._task, stop)  # beyond is the rest of a stream that broke
        self._watched, self._offset = Watched(body, chances), body.start
        self._context.watchdog.watch(self._watched)
        return self._watched

    def _read(self, watched: Watched, limit: int) -> int:
        watched.wanted = min(limit, len(self._buffer))
        began = watched.reading_since = time.perf_counter()
        count = watched.body.readinto(self._buffer[:limit])
        seconds = time.perf_counter() - began
        watched.has_read(count, seconds)
        self._wire_seconds += seconds
        if not count:
            raise Unavailable(f"{self._writer.name}: the connection ended at byte {self._offset}")
        self._offset += count
        return count

    def _hang_up(self) -> None:
        if self._watched is not None:
            self._context.watchdog.leave(self._watched)
            self._watched.body.close()
            self._watched = None
