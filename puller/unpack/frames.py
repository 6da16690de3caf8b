"""Where zstd frames begin and end, found from their headers alone (RFC 8878, 3.1).

libzstd's streaming decoder takes any number of frames one after the other, and does not report whether it stopped
between two frames or in the middle of one. The headers of frames and blocks tell that; the blocks are skipped.

Tests: tests/puller/unpack/test_codec.py
"""

from collections.abc import Callable

from puller.errors import BadArtifact

MAGIC = b"\x28\xb5\x2f\xfd"
_SKIPPABLE = b"\x2a\x4d\x18"  # behind one byte from 0x50 to 0x5f
_CHECKSUM_BYTES = 4
_RLE, _RESERVED = 1, 3


def is_zstd(start: bytes) -> bool:
    """Return whether a stream that begins with these four bytes is zstd."""
    return start == MAGIC or (start[1:4] == _SKIPPABLE and start[0] >> 4 == 5)


class Frames:
    """Follows the frames of a zstd stream as its bytes arrive."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._expect(4, self._magic)
        self._skip = 0
        self._has_checksum = False

    @property
    def are_whole(self) -> bool:
        """Whether the stream may end here: after a frame, or before the first one."""
        return self._then == self._magic and not self._head and not self._skip

    def feed(self, content: memoryview) -> None:
        """Read the next bytes; raise BadArtifact where a frame should begin and none does."""
        while content:
            if self._skip:
                step = min(self._skip, len(content))
                self._skip -= step
            else:
                step = min(self._wanted - len(self._head), len(content))
                self._head += content[:step]
                if len(self._head) == self._wanted:
                    head = bytes(self._head)
                    self._head.clear()
                    self._then(head)
            content = content[step:]

    def _expect(self, count: int, then: Callable[[bytes], None]) -> None:
        self._wanted = count
        self._then = then

    def _magic(self, head: bytes) -> None:
        if not is_zstd(head):
            raise BadArtifact(f"broken zstd: {head!r} where a frame should begin")
        if head == MAGIC:
            self._expect(1, self._descriptor)
        else:
            self._expect(4, self._skippable)

    def _skippable(self, head: bytes) -> None:
        self._skip = int.from_bytes(head, "little")
        self._expect(4, self._magic)

    def _descriptor(self, head: bytes) -> None:
        flags = head[0]
        is_single, self._has_checksum = bool(flags & 0x20), bool(flags & 0x04)
        content_size = (int(is_single), 2, 4, 8)[flags >> 6]
        self._skip = (not is_single) + (0, 1, 2, 4)[flags & 3] + content_size
        self._expect(3, self._block)

    def _block(self, head: bytes) -> None:
        header = int.from_bytes(head, "little")
        kind, size = header >> 1 & 3, header >> 3
        if kind == _RESERVED:
            raise BadArtifact("broken zstd: a block of a kind that there is none of")
        self._skip = 1 if kind == _RLE else size
        if header & 1:
            self._skip += _CHECKSUM_BYTES * self._has_checksum
            self._expect(4, self._magic)
