"""A blob that is unpacked from front to back while its bytes come over several connections.

Pieces are as large as a worker's buffer. A worker reads its piece while others read theirs, and waits with full hands
until those before it have given up their bytes: the network runs ahead of the unpacking by as much as there are
connections, and no byte is held twice. Bytes take two turns, so that one thread hashes while another unpacks.
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

from .blob import PieceListener

PIECE_BYTES = 2 << 20
"""A worker's whole buffer: with less it would ask more often, with more it would have to wait in the middle."""


class Abandoned(Exception):
    """The work ended early, for a reason that somebody else tells."""


class Sequencer:
    """Lets threads pass one after the other, in the order of the bytes that they carry."""

    def __init__(self) -> None:
        self._position = 0
        self._is_over = False
        self._changed = threading.Condition()

    def take(self, position: int) -> None:
        """Wait until everything before `position` has passed; raise Abandoned when that will never be."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_over or self._position == position)
            if self._is_over:
                raise Abandoned

    def pass_on(self, position: int) -> None:
        """Let the bytes from `position` pass."""
        with self._changed:
            self._position = position
            self._changed.notify_all()

    def end(self) -> None:
        """Let everybody go."""
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
        """The whole layer: an unpacking cannot go on in the middle."""
        return self.layer.size

    @property
    def has_all(self) -> bool:
        """Whether every piece has come."""
        return self._left == 0

    def begin_again(self) -> None:
        """Unpack anew, on an empty stage."""
        self.was_wrong = True
        self._prepare()
        self._payload.begin()

    def reserve(self) -> None:
        """Make the stage."""
        self._payload.begin()

    def open_piece(self, piece: Piece) -> "OrderedPieceWriter":
        """Begin to take a piece."""
        return OrderedPieceWriter(self, piece)

    def abandon(self) -> None:
        """Let go whoever waits for its turn."""
        self._hashing.end()
        self._unpacking.end()

    def hash(self, position: int, content: memoryview) -> None:
        """Count the digest further, in its turn."""
        self._hashing.take(position)
        self._hasher.update(content)
        self._hashing.pass_on(position + len(content))

    def unpack(self, position: int, content: memoryview) -> None:
        """Unpack further, in its turn.

        Bytes that cannot be unpacked may be no artifact's fault but a host's that lied: the digest will tell, so
        the rest is still counted.
        """
        self._unpacking.take(position)
        if self._broken is None:
            try:
                self._payload.feed(content)
            except BadArtifact as error:
                self._broken = error
        self._unpacking.pass_on(position + len(content))

    def finish(self, listener: PieceListener) -> None:
        """Count a piece that was unpacked; with the last one judge the layer. Raises Mismatch, BadArtifact."""
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
    """A piece of a Stream under way; a PieceWriter."""

    def __init__(self, stream: ArchiveBlobWriter, piece: Piece) -> None:
        self._stream, self.piece, self.position = stream, piece, piece.start
        self.hosts = stream.hosts
        self._hash_seconds = self._unpack_seconds = 0.0

    def reset(self) -> None:
        """Nothing: what was unpacked stays, and no piece is judged alone."""

    def write(self, content: memoryview) -> None:
        """Return the next bytes up when their turn comes."""
        began = time.perf_counter()
        self._stream.hash(self.position, content)
        hashed = time.perf_counter()
        self._stream.unpack(self.position, content)
        self.position += len(content)
        self._hash_seconds += hashed - began
        self._unpack_seconds += time.perf_counter() - hashed

    def commit(self, stats: TransferStats, listener: PieceListener) -> None:
        """Judge the layer if this was its last piece."""
        stats.spend("hash", self._hash_seconds)
        stats.spend("unpack", self._unpack_seconds)
        self._stream.finish(listener)

    def close(self) -> None:
        """Nothing is open here."""
