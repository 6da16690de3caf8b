"""A blob that is unpacked from front to back while its bytes come over several connections.

Each worker downloads one piece as large as its buffer, then blocks until all earlier pieces of the layer were consumed.
Read-ahead is therefore at most PIECE_BYTES for each connection, and no byte is copied twice. Hashing and unpacking
are two ordered stages, so that one thread hashes while another unpacks.
"""

import threading
import time

from puller.artifact.part import Part
from puller.errors import BadArtifact
from puller.plan import Piece, cut
from puller.unpack.layer import LayerUnpacker
from registry.digest import Digest
from registry.errors import Mismatch
from registry.progress.stats import TransferStats

from .blob import PieceListener, Trials

PIECE_BYTES = 2 << 20
"""A worker's whole buffer: smaller pieces need more requests, larger ones make a worker wait in the middle."""


class Abandoned(Exception):
    """The fetch ended early; the error of another worker tells why."""


class Sequencer:
    """Lets threads continue one after the other, in the order of their bytes' offsets."""

    def __init__(self) -> None:
        self._position = 0
        self._is_over = False
        self._changed = threading.Condition()

    def take(self, position: int) -> None:
        """Wait until all bytes before `position` were passed on; raise Abandoned when the fetch ended."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_over or self._position == position)
            if self._is_over:
                raise Abandoned

    def pass_on(self, position: int) -> None:
        """Release the thread whose bytes begin at `position`."""
        with self._changed:
            self._position = position
            self._changed.notify_all()

    def end(self) -> None:
        """Release all waiting threads, which raise Abandoned."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()


class ArchiveBlobWriter:
    """A packed layer and the stage that its members come to; a BlobWriter."""

    is_ordered = True

    def __init__(self, part: Part, payload: LayerUnpacker) -> None:
        self.layer, self.name, self.reference = part.layer, part.name, part.reference
        self.missing = cut(part.layer.size, PIECE_BYTES)
        self._payload = payload
        self._lock = threading.Lock()
        self._broken: BadArtifact | None = None
        self.was_wrong = False
        self._prepare()

    @property
    def missing_bytes(self) -> int:
        """The size of the whole layer: unpacking cannot be resumed in the middle."""
        return self.layer.size

    @property
    def room_bytes(self) -> int:
        """The size of the layer: what it unpacks to is not known before."""
        return self.layer.size

    @property
    def has_all(self) -> bool:
        """Whether every piece was unpacked."""
        return self._left == 0

    def divided(self, count: int) -> "tuple[ArchiveBlobWriter]":  # noqa: ARG002 - it is unpacked from front to back
        """Return this writer alone."""
        return (self,)

    def begin_again(self) -> None:
        """Discard what was unpacked, and start again with an empty stage."""
        self.was_wrong = True
        self._prepare()
        self._payload.begin()

    def reserve(self) -> None:
        """Create the stage. Raises DiskFailed, NoRoom."""
        self._payload.begin()

    def open_piece(self, piece: Piece) -> "OrderedPieceWriter":
        """Return a writer for a piece."""
        return OrderedPieceWriter(self, piece)

    def abandon(self) -> None:
        """Release the workers that wait for earlier pieces: the fetch ended early."""
        self._hashing.end()
        self._unpacking.end()

    def hash(self, position: int, content: memoryview) -> None:
        """Update the layer's digest, once all bytes before `position` were hashed."""
        self._hashing.take(position)
        self._hasher.update(content)
        self._hashing.pass_on(position + len(content))

    def unpack(self, position: int, content: memoryview) -> None:
        """Unpack bytes, once all bytes before `position` were unpacked.

        An error is kept until the layer is whole, for its digest tells whether the artifact is broken or a host sent
        wrong bytes.
        """
        self._unpacking.take(position)
        if self._broken is None:
            try:
                self._payload.feed(content)
            except BadArtifact as error:
                self._broken = error
        self._unpacking.pass_on(position + len(content))

    def finish(self, listener: PieceListener) -> None:
        """Record that a piece was unpacked, and verify the layer after the last one. Raises Mismatch, BadArtifact."""
        with self._lock:
            self._left -= 1
            if self._left:
                return
        found = Digest(self._hasher.hexdigest(), self.layer.digest.algorithm)
        if found != self.layer.digest:
            raise Mismatch(f"{self.name}: wanted {self.layer.digest}, got {found}")
        if self._broken is not None:
            raise self._broken
        self._payload.finish()
        listener.staged(self.layer)

    def _prepare(self) -> None:
        self._left = len(self.missing)
        self._hasher = self.layer.digest.hasher()
        self._hashing, self._unpacking = Sequencer(), Sequencer()
        self._broken = None
        self.hosts = set[str]()


class OrderedPieceWriter:
    """Writes a piece of a packed layer; a PieceWriter."""

    def __init__(self, stream: ArchiveBlobWriter, piece: Piece) -> None:
        self._stream, self.piece, self.position, self.stop = stream, piece, piece.start, piece.stop
        self.hosts = stream.hosts
        self.trials = Trials()
        self._hash_seconds = self._unpack_seconds = 0.0

    def leave(self) -> bool:
        """Return False: one worker alone brings a piece."""
        return False

    def reset(self) -> int:
        """Discard nothing: unpacked bytes stay, because pieces have no digests of their own. Return 0."""
        return 0

    @property
    def is_shared(self) -> bool:
        """Return False: one worker alone brings a piece."""
        return False

    def rate(self, now: float) -> float:  # noqa: ARG002 - whatever the time
        """Return 0: no other worker can take over what is unpacked from front to back."""
        return 0.0

    def split(self) -> None:
        """Return None: a piece is never split."""

    def write(self, content: memoryview) -> int:
        """Hash and unpack the next bytes, once all bytes before them were; return how many."""
        began = time.perf_counter()
        self._stream.hash(self.position, content)
        hashed = time.perf_counter()
        self._stream.unpack(self.position, content)
        self.position += len(content)
        self._hash_seconds += hashed - began
        self._unpack_seconds += time.perf_counter() - hashed
        return len(content)

    def commit(self, stats: TransferStats, listener: PieceListener) -> None:
        """Record that the piece is unpacked, and verify the layer after its last one. Raises Mismatch, BadArtifact."""
        stats.spend("hash", self._hash_seconds)
        stats.spend("unpack", self._unpack_seconds)
        self._stream.finish(listener)

    def close(self) -> None:
        """Do nothing: no file is open."""
