"""A zstd chunk of a file, unpacked while it arrives.

Tests: tests/packer/upload/test_zstd_encoder.py
"""

from bisect import bisect_right

from puller.errors import BadArtifact
from puller.plan import Piece
from puller.unpack.codec import zstd_decoder
from registry.chunk_index import PackedChunks

from .file_piece import FilePieceWriter, PieceFile, SharedPiece

_TAR_TAIL_BYTES = 512 + 1024  # at most: padding to a block, and two blocks of zeros


class ZstdChunkWriter(FilePieceWriter):
    """Unpacks a zstd chunk to its final offset as it arrives; a PieceWriter.

    The chunk's digest is that of the compressed bytes, so it is verified after they were unpacked. The right chunk
    overwrites what a wrong one left; the file is not published before that.
    """

    def __init__(self, file_writer: PieceFile, piece: Piece, packed: PackedChunks) -> None:
        self._packed, self._number = packed, bisect_right(packed.stops, piece.start)
        self._broken: BadArtifact | None = None
        super().__init__(file_writer, piece)

    def split(self) -> None:
        """Return None: a chunk is unpacked from front to back."""

    def _verify(self) -> None:
        """Raise Mismatch when the chunk is wrong, BadArtifact when it is right and cannot be unpacked."""
        super()._verify()
        if self._broken is None:
            self._decoder.finish()
        if self._broken is not None or self._skip or self._left:
            raise self._broken or BadArtifact(f"{self._file_writer.name}: a chunk that holds less than it should")

    def _begin(self, shared: SharedPiece, start: int, stop: int) -> None:
        super()._begin(shared, start, stop)
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
