"""A piece of a file, written at its final offset by one worker, or by several where one would take long.

A worker that has nothing else to do may take over the rest of a slow piece (`split`). The first worker hashes what it
writes. Whichever ends last reads the rest back from the page cache, and verifies the piece.

Tests: tests/puller/transfer/test_file_piece.py
"""

import os
import threading
import time
from dataclasses import dataclass, field
from typing import Protocol

from puller.errors import disk_error, disk_errors
from puller.plan import Piece
from registry.digest import Verifier
from registry.errors import Mismatch
from registry.manifest import Descriptor
from registry.progress.stats import TransferStats

from .blob import PieceListener, Trials
from .prefix_hash import PrefixHasher
from .read_back import read_back

FLAGS = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_LEAST_SECONDS = 1e-6
LEAST_PART_BYTES = 256 << 10
"""The least that a worker takes over: a request must be worth its price."""


class PieceFile(Protocol):
    """The file of a blob that pieces belong to."""

    layer: Descriptor
    name: str
    hosts: set[str]
    prefix: PrefixHasher | None

    def open(self, flags: int, /) -> int:
        """Open the file."""
        ...

    def finish(self, piece: Piece, handle: int, /) -> bool:
        """Record that a piece is on disk; return whether the blob is complete. Raises Mismatch at the blob's end."""
        ...


@dataclass(slots=True)
class SharedPiece:
    """What the workers on one piece share: how many they are, and the hash as far as the first one has come."""

    verifier: Verifier | None
    hosts: set[str]
    hashed: int
    """The offset up to which the piece is hashed."""

    workers: int = 1
    unwritten: int = 0
    """The bytes that workers left unwritten which gave up."""

    is_given_up: bool = False
    """Whether one of them did: the piece must be downloaded again."""

    trials: Trials = field(default_factory=Trials)

    lock: threading.Lock = field(default_factory=threading.Lock)


class FilePieceWriter:
    """Writes a piece at its final offset, or the rest of one; a PieceWriter."""

    position: int
    stop: int
    _start: int
    _claimed: int
    _began: float

    def __init__(self, file_writer: PieceFile, piece: Piece, part: tuple[SharedPiece, int, int] | None = None) -> None:
        """`part` is for the rest of a piece that another worker began: what they share, and its start and stop."""
        self._file_writer, self.piece = file_writer, piece
        self._hash_seconds = self._disk_seconds = 0.0
        self._is_first = part is None
        self._handle = file_writer.open(FLAGS)
        self._begin(*(part or self._alone(Trials())))

    def leave(self) -> bool:
        """Leave the piece to those who still write it, the last of whom downloads it again; False if nobody does."""
        with self._shared.lock:
            if self._shared.workers <= 1:
                return False
            self._shared.workers -= 1
            self._shared.unwritten += self.stop - self.position
            self._shared.is_given_up = True
            return True

    def reset(self) -> int:
        """Discard the piece's bytes, so that this worker can download all of it again; return how many there were.

        No other worker may still write it.
        """
        unwritten, trials = self._shared.unwritten + self.stop - self.position, self._shared.trials
        if self._file_writer.prefix:
            self._file_writer.prefix.forget(self.piece)
        self._is_first = True
        self._begin(*self._alone(trials))
        return self.piece.stop - self.piece.start - unwritten

    @property
    def trials(self) -> Trials:
        """What was tried for the piece, by all workers on it."""
        return self._shared.trials

    @property
    def is_shared(self) -> bool:
        """Whether other workers write, or wrote, parts of the piece."""
        return not self._is_first or self.stop < self.piece.stop

    def rate(self, now: float) -> float:
        """Return the bytes a second that this worker wrote so far; 0 before the first."""
        return (self.position - self._start) / max(now - self._began, _LEAST_SECONDS)

    def split(self) -> "FilePieceWriter | None":
        """Return a writer for the second half of the rest, which this one leaves to it; None where little is left."""
        with self._shared.lock:
            left = self.stop - self._claimed
            if left < 2 * LEAST_PART_BYTES:
                return None
            middle = self._claimed + left // 2
            rest = FilePieceWriter(self._file_writer, self.piece, (self._shared, middle, self.stop))
            self.stop = middle
            self._shared.workers += 1
            return rest

    def write(self, content: memoryview) -> int:
        """Hash the next bytes while they are in the CPU's cache, and write them; return how many: up to `stop`."""
        with self._shared.lock:  # what another worker has taken over is its own: hashed bytes are never overwritten
            content = content[: self.stop - self.position]
            self._claimed = self.position + len(content)
        began = time.perf_counter()
        if self._is_first:
            self._hash(content)
        hashed = time.perf_counter()
        self._write(content, self.position)
        self.position += len(content)
        self._hash_seconds += hashed - began
        self._disk_seconds += time.perf_counter() - hashed
        return len(content)

    def commit(self, stats: TransferStats, listener: PieceListener) -> None:
        """Verify the piece when all of it is written, and the blob after its last piece. Raises Mismatch."""
        with self._shared.lock:
            self._shared.workers -= 1
            is_whole = not self._shared.workers
        began, is_complete = time.perf_counter(), False
        if is_whole:
            if self._shared.is_given_up:
                raise Mismatch(f"{self._file_writer.name}: a part of it was answered with something else")
            self._verify()
            is_complete = self._file_writer.finish(self.piece, self._handle)
        stats.spend("hash", self._hash_seconds + time.perf_counter() - began)
        stats.spend("disk", self._disk_seconds)
        if is_whole:
            self._close_for_writing()
            listener.landed(self._file_writer.layer, self.piece, self._span, self._handle)
        if is_complete:
            listener.complete(self._handle)

    def close(self) -> None:
        """Close the file. Raises NoRoom, DiskFailed."""
        with disk_errors():
            os.close(self._handle)

    def _close_for_writing(self) -> None:
        """Close the file for writing. A volume's server then has the bytes, or the close tells its error (close(2)).

        It stays open for reading, whose end costs no such wait.
        """
        reading = self._file_writer.open(READ_FLAGS)
        with disk_errors():
            written, self._handle = self._handle, reading
            os.close(written)

    @property
    def _span(self) -> tuple[int, int]:
        """The start and stop of the piece's bytes in the file."""
        return self.piece.start, self.piece.stop

    def _write(self, content: memoryview, offset: int) -> None:
        written = 0
        try:
            while written < len(content):
                written += os.pwrite(self._handle, content[written:], offset + written)
        except OSError as error:
            raise disk_error(error) from error

    def _hash(self, content: memoryview) -> None:
        if self._shared.verifier:
            self._shared.verifier.update(content)
            self._shared.hashed += len(content)
        elif self._file_writer.prefix:
            self._file_writer.prefix.feed(self.piece, self.position, content, self._handle)

    def _verify(self) -> None:
        """Verify the whole piece, after a hash of what other workers wrote. Raises Mismatch."""
        shared = self._shared
        if shared.verifier:
            for block in read_back(self._handle, shared.hashed, self.piece.stop, self._file_writer.name):
                shared.verifier.update(block)
                shared.hashed += len(block)
            shared.verifier.finish()

    def _alone(self, trials: Trials) -> tuple[SharedPiece, int, int]:
        piece, name = self.piece, self._file_writer.name
        verifier = Verifier(name, piece.stop - piece.start, piece.digest) if piece.digest else None
        hosts = set[str]() if piece.digest else self._file_writer.hosts
        return SharedPiece(verifier, hosts, piece.start, trials=trials), piece.start, piece.stop

    def _begin(self, shared: SharedPiece, start: int, stop: int) -> None:
        self._shared, self.hosts = shared, shared.hosts
        self._start = self.position = self._claimed = start
        self.stop, self._began = stop, time.monotonic()
