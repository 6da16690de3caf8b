"""A blob that becomes a file: pieces are written at their final offsets in any order, and verified as they arrive.

Tests: tests/puller/test_pull.py
"""

import os
import threading
import time
from bisect import bisect_right
from collections.abc import Collection
from pathlib import Path

from puller.errors import BadArtifact, disk_errors
from puller.plan import Blob, Piece
from puller.store.filesystem import optional, preallocates
from puller.unpack.codec import zstd_decoder
from registry.chunk_index import PackedChunks
from registry.digest import Verifier
from registry.progress.stats import TransferStats

from .blob import PieceListener
from .prefix_hash import PrefixHasher

_EARLIER = "an earlier pull"

_TAR_TAIL_BYTES = 512 + 1024  # at most: padding to a block, and two blocks of zeros
_FLAGS = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC


class FileBlobWriter:
    """Writes a blob to its file; a BlobWriter. Every method may be called from any thread."""

    is_ordered = False

    def __init__(self, blob: Blob, path: Path, landed: Collection[Piece] = ()) -> None:
        """`landed` are the pieces that an earlier pull wrote; without any, the file must not exist."""
        self.blob, self.path = blob, path
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
    def has_all(self) -> bool:
        """Whether every piece is written; the whole may still be wrong."""
        return self._left == 0

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
            handle = os.open(self.path, _FLAGS | create, 0o644)
            try:
                os.ftruncate(handle, size)
                if size and preallocates(self.path.parent):
                    with optional():
                        os.posix_fallocate(handle, 0, size)
            finally:
                os.close(handle)

    def open_piece(self, piece: Piece) -> "FilePieceWriter":
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


class FilePieceWriter:
    """Writes a piece at its final offset; a PieceWriter."""

    def __init__(self, file_writer: FileBlobWriter, piece: Piece) -> None:
        self._file_writer, self.piece = file_writer, piece
        self._hash_seconds = self._disk_seconds = 0.0
        with disk_errors():
            self._handle = os.open(file_writer.path, _FLAGS)
        self._begin()

    def reset(self) -> None:
        """Discard the piece's bytes, so that it can be downloaded again."""
        self._begin()

    def write(self, content: memoryview) -> None:
        """Hash the next bytes while they are in the CPU's cache, and write them."""
        began = time.perf_counter()
        if self._verifier:
            self._verifier.update(content)
        elif self._file_writer.prefix:
            self._file_writer.prefix.feed(self.piece, self.position, content, self._handle)
        hashed = time.perf_counter()
        self._write(content, self.position)
        self.position += len(content)
        self._hash_seconds += hashed - began
        self._disk_seconds += time.perf_counter() - hashed

    def commit(self, stats: TransferStats, listener: PieceListener) -> None:
        """Verify the piece, and the blob after its last piece. Raises Mismatch."""
        began = time.perf_counter()
        if self._verifier:
            self._verifier.finish()
        is_complete = self._file_writer.finish(self.piece, self._handle)
        stats.spend("hash", self._hash_seconds + time.perf_counter() - began)
        stats.spend("disk", self._disk_seconds)
        listener.landed(self._file_writer.layer, self.piece, self._span, self._handle)
        if is_complete:
            listener.complete(self._handle)

    def close(self) -> None:
        """Close the file."""
        os.close(self._handle)

    @property
    def _span(self) -> tuple[int, int]:
        """The start and stop of the piece's bytes in the file."""
        return self.piece.start, self.piece.stop

    def _write(self, content: memoryview, offset: int) -> None:
        with disk_errors():
            written = 0
            while written < len(content):
                written += os.pwrite(self._handle, content[written:], offset + written)

    def _begin(self) -> None:
        self.position = self.piece.start
        digest = self.piece.digest
        size = self.piece.stop - self.piece.start
        self.hosts = set() if digest else self._file_writer.hosts
        self._verifier = Verifier(self._file_writer.name, size, digest) if digest else None


class ZstdChunkWriter(FilePieceWriter):
    """Unpacks a zstd chunk to its final offset as it arrives; a PieceWriter.

    The chunk's digest is that of the compressed bytes, so it is verified after they were unpacked. The right chunk
    overwrites what a wrong one left; the file is not published before that.
    """

    def __init__(self, file_writer: FileBlobWriter, piece: Piece, packed: PackedChunks) -> None:
        self._packed, self._number = packed, bisect_right(packed.stops, piece.start)
        self._broken: BadArtifact | None = None
        super().__init__(file_writer, piece)

    def commit(self, stats: TransferStats, listener: PieceListener) -> None:
        """Verify the chunk; raise Mismatch when it is wrong, BadArtifact when it is right and cannot be unpacked."""
        if self._verifier:
            self._verifier.finish()
        if self._broken is None:
            self._decoder.finish()
        if self._broken is not None or self._skip or self._left:
            raise self._broken or BadArtifact(f"{self._file_writer.name}: a chunk that holds less than it should")
        super().commit(stats, listener)

    def _begin(self) -> None:
        super()._begin()
        self._broken = None
        start = self._number * self._packed.size
        self._offset = start
        self._left = min(self._packed.size, self._packed.content_bytes - start)
        self._skip = 0 if self._number else self._packed.content_start
        is_last = self._number == len(self._packed.stops) - 1
        self._tail = _TAR_TAIL_BYTES if is_last else 0
        self._decoder = zstd_decoder(self._unpacked)

    def _write(self, content: memoryview, offset: int) -> None:  # noqa: ARG002 - the offset of the packed bytes is not used
        if self._broken is None:
            try:
                self._decoder.feed(content)
            except BadArtifact as error:
                self._broken = error

    @property
    def _span(self) -> tuple[int, int]:
        return self._number * self._packed.size, self._offset

    def _unpacked(self, content: bytes | memoryview) -> None:
        """Write the bytes that belong to the file: those after the tar's header and before its end."""
        body = memoryview(content)[min(self._skip, len(content)) :]
        self._skip -= len(content) - len(body)
        kept = body[: self._left]
        super()._write(kept, self._offset)
        self._offset += len(kept)
        self._left -= len(kept)
        self._tail -= len(body) - len(kept)
        if self._tail < 0:
            raise BadArtifact(f"{self._file_writer.name}: a chunk that holds more than it should")
