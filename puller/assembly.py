"""A blob on its way to disk: pieces land at their final offsets in any order, and are verified as they pass."""

import hashlib
import os
import threading
from pathlib import Path

from registry.digest import Digest, Verifier
from registry.errors import Mismatch

from .errors import disk_errors
from .filesystem import preallocates
from .plan import Blob, Piece

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
_READ_BYTES = 1 << 20


class Assembly:
    """One blob and the file that it becomes. Every method may be called from any thread."""

    def __init__(self, blob: Blob, path: Path) -> None:
        self.blob, self.path = blob, path
        self.name = blob.files[0].path
        self._lock = threading.Lock()
        self._left = len(blob.pieces)
        self._prefix = None if blob.pieces[0].digest else _Prefix(blob)

    def reserve(self) -> None:
        """Make the file at its full size; with its room, where the file system can set that apart at once."""
        size = self.blob.layer.size
        mode = 0o755 if self.blob.files[0].is_executable else 0o644
        with disk_errors():
            handle = os.open(self.path, _FLAGS, mode)
            try:
                os.ftruncate(handle, size)
                if size and preallocates(self.path.parent):
                    os.posix_fallocate(handle, 0, size)
            finally:
                os.close(handle)

    def land(self, piece: Piece) -> "Landing":
        """Begin to write a piece."""
        return Landing(self, piece)

    def finish(self, piece: Piece, handle: int) -> bool:
        """Count a piece that is on disk; True when it was the last one. Raises Mismatch at the blob's end."""
        with self._lock:
            if self._prefix:
                self._prefix.extend(piece, handle)
            self._left -= 1
            if self._left == 0 and self._prefix:
                self._prefix.judge(self.name)
            return self._left == 0


class Landing:
    """A piece under way: `position` is the offset of its next byte, wherever the last connection broke."""

    def __init__(self, assembly: Assembly, piece: Piece) -> None:
        self._assembly, self.piece = assembly, piece
        with disk_errors():
            self._handle = os.open(assembly.path, _FLAGS)
        self.restart()

    def restart(self) -> None:
        """Forget what came, to fetch the piece anew."""
        self.position = self.piece.start
        digest = self.piece.digest
        size = self.piece.stop - self.piece.start
        self._verifier = Verifier(self._assembly.name, size, digest) if digest else None

    def take(self, content: memoryview) -> None:
        """Hash the next bytes while they are warm, and write them at their place."""
        if self._verifier:
            self._verifier.update(content)
        with disk_errors():
            written = 0
            while written < len(content):
                written += os.pwrite(self._handle, content[written:], self.position + written)
        self.position += written

    def finish(self) -> bool:
        """Judge the piece; True when its whole blob is complete and verified. Raises Mismatch."""
        if self._verifier:
            self._verifier.finish()
        return self._assembly.finish(self.piece, self._handle)

    def close(self) -> None:
        """Close the file."""
        os.close(self._handle)


class _Prefix:
    """The digest of a blob without chunk digests: it grows along the bytes that have landed without a gap.

    Pieces come back in any order; each is hashed from the page cache as soon as all before it are.
    """

    def __init__(self, blob: Blob) -> None:
        self._blob = blob
        self._sha = hashlib.sha256()
        self._position = 0
        self._landed: dict[int, int] = {}

    def extend(self, piece: Piece, handle: int) -> None:
        self._landed[piece.start] = piece.stop
        buffer = memoryview(bytearray(_READ_BYTES))
        while self._position in self._landed:
            stop = self._landed.pop(self._position)
            with disk_errors():
                while self._position < stop:
                    count = os.preadv(handle, [buffer[: stop - self._position]], self._position)
                    self._sha.update(buffer[:count])
                    self._position += count

    def judge(self, name: str) -> None:
        found = Digest(self._sha.hexdigest())
        if found != self._blob.layer.digest:
            raise Mismatch(f"{name}: wanted {self._blob.layer.digest}, got {found}")
