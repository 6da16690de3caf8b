"""One worker's errand: a piece of a blob, brought to disk through whatever the network does to it."""

import time
from collections import deque
from dataclasses import dataclass, field
from threading import Event

from registry.errors import Fault, Mismatch, Unavailable
from registry.progress.stats import TransferStats
from registry.repository import BlobReader, Repository

from .blob import PieceListener, PieceWriter
from .queue import Queue, Task
from .watchdog import CHANCES, Watchdog, Watched


@dataclass(frozen=True, kw_only=True)
class DownloadContext:
    """What all workers of one fetch share."""

    repository: Repository
    queue: Queue
    stats: TransferStats
    watchdog: Watchdog
    listener: PieceListener
    overload: Event = field(default_factory=Event)


class PieceDownloader:
    """Brings one piece, or the whole rest of its blob where the registry knows no ranges."""

    def __init__(self, context: DownloadContext, buffer: memoryview, task: Task) -> None:
        self._context, self._buffer = context, buffer
        self._writer = task.writer
        self._pieces = deque([task.piece])
        self._watched: Watched | None = None
        self._offset = 0
        self._wire_seconds = 0.0

    def run(self) -> None:
        """Bring the piece, and what its answer turns out to hold beside it, to disk."""
        try:
            while self._pieces and self._context.queue.failure is None:
                piece_writer = self._writer.open_piece(self._pieces.popleft())
                try:
                    self._download(piece_writer)
                finally:
                    piece_writer.close()
        finally:
            self._hang_up()
            self._context.stats.spend("wire", self._wire_seconds)

    def _download(self, piece_writer: PieceWriter) -> None:
        """Fetch one piece, each time from where the last connection broke."""
        waiting = self._context.repository.patience.begin()
        was_wrong, chances = False, CHANCES
        while self._context.queue.failure is None:
            before = piece_writer.position
            try:
                if self._fill(piece_writer, chances):
                    piece_writer.commit(self._context.stats, self._context.listener)
                return  # noqa: TRY300 - the way out of the loop, beside what keeps it going
            except Mismatch:
                self._hang_up()
                can_mend = self._context.repository.report_corrupt(frozenset(piece_writer.hosts))
                if not can_mend and not self._is_worth_another(piece_writer, was_wrong):
                    raise
                was_wrong = was_wrong or not can_mend
                if self._begin_again(piece_writer):
                    return
            except Fault as error:
                was_cut = self._watched is not None and self._watched.was_cut
                self._hang_up()
                if was_cut:
                    chances -= 1
                    continue
                if isinstance(error, Unavailable) and error.is_overload:
                    self._context.overload.set()
                waiting.after(error, piece_writer.position - before)

    def _is_worth_another(self, piece_writer: PieceWriter, was_wrong: bool) -> bool:  # noqa: FBT001 - a state, not a switch
        """Return whether to ask the same host anew: once for each piece, or blob, that has a digest of its own."""
        if piece_writer.piece.digest:
            return not was_wrong
        return self._writer.has_all and not self._writer.was_wrong

    def _begin_again(self, piece_writer: PieceWriter) -> bool:
        """Forget what was wrong; True when that is the whole blob, whose pieces anybody may bring then."""
        if self._writer.has_all:
            self._context.stats.take_back(self._writer.layer.size)
            self._writer.begin_again()
            self._context.queue.put_back(self._writer, self._writer.missing)
            return True
        self._context.stats.take_back(piece_writer.position - piece_writer.piece.start)
        piece_writer.reset()
        return False

    def _fill(self, piece_writer: PieceWriter, chances: int) -> bool:
        """Read the piece to its end; False when another worker's failure ended the work before."""
        stop = piece_writer.piece.stop
        while piece_writer.position < stop:
            if self._context.queue.failure is not None:
                return False
            watched = self._seek(piece_writer, chances)
            count = self._read(watched, stop - piece_writer.position)
            piece_writer.write(self._buffer[:count])
            self._context.stats.add(count)
        body = self._watched.body if self._watched else None
        if body is not None and self._offset == body.stop and body.readinto(self._buffer[:1]):
            size = self._writer.layer.size
            raise Mismatch(f"{self._writer.name}: longer than the {size} bytes that were promised")
        return True

    def _seek(self, piece_writer: PieceWriter, chances: int) -> Watched:
        """Return a body that stands at the landing's position: the one at hand, or a new one."""
        if self._watched is None:
            body = self._open(piece_writer)
            self._watched = Watched(body, chances)
            self._context.watchdog.watch(self._watched)
            self._offset = body.start
        piece_writer.hosts.add(self._watched.body.host)
        while self._offset < piece_writer.position:
            self._read(self._watched, piece_writer.position - self._offset)
        return self._watched

    def _open(self, piece_writer: PieceWriter) -> BlobReader:
        began = time.perf_counter()
        stop = piece_writer.piece.stop
        body = self._context.repository.open(self._writer.layer, piece_writer.position, stop)
        self._wire_seconds += time.perf_counter() - began
        if body.start < piece_writer.position or body.stop > stop:
            self._pieces.extend(self._context.queue.take_rest(self._writer))
        elif piece_writer.piece.stop - piece_writer.piece.start < self._writer.layer.size:
            self._context.queue.ranges_work()
            self._context.queue.put_back(self._writer, self._pieces)  # what a broken stream was to carry
            self._pieces.clear()
        return body

    def _read(self, watched: Watched, most: int) -> int:
        watched.wanted = min(most, len(self._buffer))
        began = watched.reading_since = time.perf_counter()
        count = watched.body.readinto(self._buffer[:most])
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
