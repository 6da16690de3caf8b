"""A blob that becomes a file: pieces are written at their final offsets in any order, and verified as they arrive.

Tests: tests/puller/transfer/test_file_blob.py
"""

import os
import threading
from collections.abc import Collection
from itertools import pairwise
from pathlib import Path

from puller.errors import disk_errors
from puller.plan import Blob, Piece
from puller.store.filesystem import check_inode, has_stable_inodes, optional, preallocates
from puller.store.trust import status_of

from .file_piece import FLAGS, FilePieceWriter
from .prefix_hash import PrefixHasher
from .zstd_chunk import ZstdChunkWriter

_EARLIER = "an earlier pull"


class FileBlobWriter:
    """Writes a blob to its file; a BlobWriter. Every method may be called from any thread."""

    is_ordered = False

    def __init__(self, blob: Blob, path: Path, landed: Collection[Piece] = (), inode: int = 0) -> None:
        """`landed` are the pieces that an earlier pull wrote to the file `inode`; without any, it must not exist."""
        self.blob, self.path, self.inode = blob, path, inode
        self.layer, self.name, self.reference = blob.layer, blob.files[0].path, blob.files[0].reference
        self.missing = [piece for piece in blob.pieces if piece not in landed]
        self._lock = threading.Lock()
        self._left = len(self.missing)
        self._is_begun = bool(landed)
        self.hosts = {_EARLIER} if landed else set[str]()
        """The hosts that sent the bytes, as BlobReader.host names them."""
        self.was_wrong = False
        self.prefix = None if blob.pieces[0].digest else PrefixHasher(blob, landed)

    @property
    def missing_bytes(self) -> int:
        """Bytes that are still missing."""
        return sum(piece.stop - piece.start for piece in self.missing)

    @property
    def room_bytes(self) -> int:
        """Bytes of the volume that the file will take, beside those that an earlier pull reserved for it."""
        status = status_of(self.path) if self._is_begun else None
        left = max(0, self.blob.size - (status.st_blocks * 512 if status else 0))
        return left if self.blob.packed else min(left, self.missing_bytes)

    @property
    def has_all(self) -> bool:
        """Whether every piece is written; the whole may still be wrong."""
        return self._left == 0

    def divided(self, count: int) -> "tuple[FileBlobWriter, ...]":
        """Return writers of up to `count` parts, where every piece has a digest; else this one alone."""
        if self.prefix or len(self.missing) == 1:
            return (self,)
        pieces, count = set(self.blob.pieces), min(count, len(self.missing))
        bounds = [len(self.missing) * number // count for number in range(count + 1)]
        parts = [self.missing[start:stop] for start, stop in pairwise(bounds)]
        return tuple(FileBlobWriter(self.blob, self.path, pieces.difference(part), self.inode) for part in parts)

    def begin_again(self) -> None:
        """Discard all pieces: the whole is wrong, and without piece digests it is unknown which piece is."""
        self.was_wrong = True
        self.missing = list(self.blob.pieces)
        self._left = len(self.missing)
        self.hosts = set()
        self.prefix = PrefixHasher(self.blob)

    def reserve(self) -> None:
        """Create the file at its full size; reserve its blocks where the file system does so without writing them."""
        size = self.blob.size
        create = 0 if self._is_begun else os.O_CREAT | os.O_EXCL
        with disk_errors():
            handle = os.open(self.path, FLAGS | create, 0o644)
            try:
                check_inode(handle, self.inode, self.path)
                self.inode = os.fstat(handle).st_ino if has_stable_inodes(self.path) else 0
                os.ftruncate(handle, size)
                if size and preallocates(self.path.parent):
                    with optional():
                        os.posix_fallocate(handle, 0, size)
            finally:
                os.close(handle)

    def open(self, flags: int) -> int:
        """Open the file that was reserved, and no other one that has its name by now. Raises DiskFailed."""
        with disk_errors():
            handle = os.open(self.path, flags)
        try:
            check_inode(handle, self.inode, self.path)
        except BaseException:
            os.close(handle)
            raise
        return handle

    def open_piece(self, piece: Piece) -> FilePieceWriter:
        """Return a writer for a piece."""
        return ZstdChunkWriter(self, piece, self.blob.packed) if self.blob.packed else FilePieceWriter(self, piece)

    def abandon(self) -> None:
        """Do nothing: no worker waits for another one's pieces."""

    def finish(self, piece: Piece, handle: int) -> bool:
        """Record that a piece is on disk; return whether the blob is complete. Raises Mismatch at the blob's end."""
        if self.prefix:
            self.prefix.piece_done(piece, handle)
        with self._lock:
            self._left -= 1
            is_complete = self._left == 0
        if is_complete and self.prefix:
            self.prefix.verify(handle)
        return is_complete
