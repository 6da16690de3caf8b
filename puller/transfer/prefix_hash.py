"""The digest of a blob without chunk digests, computed over the contiguous prefix of what is written."""

import threading
from bisect import bisect_right
from collections.abc import Iterable

from puller.plan import Blob, Piece
from registry.digest import Digest
from registry.errors import Mismatch

from .read_back import read_back


class PrefixHasher:
    """Hashes the whole blob while its pieces arrive in any order. Every method may be called from any thread.

    A hash can only be computed from front to back. Bytes that continue the hashed prefix are hashed as they arrive.
    Pieces ahead of it are read back from the page cache when the prefix reaches them.
    """

    def __init__(self, blob: Blob, landed: Iterable[Piece] = ()) -> None:
        self._blob = blob
        self._starts = [piece.start for piece in blob.pieces]
        self._hasher = blob.layer.digest.hasher()
        self._position = 0
        self._landed = {piece.start: piece.stop for piece in landed}
        self._lock = threading.Lock()

    def feed(self, piece: Piece, position: int, content: memoryview, handle: int) -> None:
        """Hash `content`, about to be written at `position` of an unfinished piece, if the prefix ends in it."""
        if not piece.start <= self._position <= position:
            return
        with self._lock:
            if piece.start <= self._position <= position:
                self._read_back(handle, position)
                self._hasher.update(content)
                self._position += len(content)

    def piece_done(self, piece: Piece, handle: int) -> None:
        """Record that a piece is on disk, and hash as far as there is no gap."""
        with self._lock:
            self._landed[piece.start] = piece.stop
        self.catch_up(handle)

    def forget(self, piece: Piece) -> None:
        """Forget what is known of a piece, which is about to be written anew: what stands in the file is hashed."""
        with self._lock:
            self._landed.pop(piece.start, None)
            if self._position > piece.start:
                self._hasher, self._position = self._blob.layer.digest.hasher(), 0

    def catch_up(self, handle: int) -> None:
        """Hash the written pieces that continue the prefix; return at once when another thread is doing so."""
        while self._gapless() and self._lock.acquire(blocking=False):
            try:
                stop = self._gapless()
                if stop:
                    self._read_back(handle, stop)
            finally:
                self._lock.release()

    def verify(self, handle: int) -> None:
        """Raise Mismatch unless the whole blob has its digest."""
        with self._lock:
            self._read_back(handle, self._blob.layer.size)
            found = Digest(self._hasher.hexdigest(), self._blob.layer.digest.algorithm)
        if found != self._blob.layer.digest:
            raise Mismatch(f"{self._blob.files[0].path}: wanted {self._blob.layer.digest}, got {found}")

    def _gapless(self) -> int:
        """Return the end of the written piece that the prefix ends in, or 0."""
        position = self._position
        stop = self._landed.get(self._starts[bisect_right(self._starts, position) - 1], 0)
        return stop if stop > position else 0

    def _read_back(self, handle: int, stop: int) -> None:
        for block in read_back(handle, self._position, stop, self._blob.files[0].path):
            self._hasher.update(block)
            self._position += len(block)
