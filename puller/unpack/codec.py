"""Streams behind a codec, decoded as they come: what goes in is compressed, what comes out is given on bit by bit.

Nothing here knows how much may come out: whoever takes it stops at what was promised, by raising. So no output is
ever larger than one step, however little went in.
"""

import threading
import zlib
from collections.abc import Callable
from typing import Any, Protocol

from puller.errors import BadArtifact

from .frames import Frames, is_zstd

_STEP_BYTES = 1 << 19
_GZIP = b"\x1f\x8b"

WINDOW_BYTES = 128 << 20
"""The longest zstd window that is decoded, which is what the `zstd` command takes without being asked."""

MAGIC_BYTES = 4
"""How many bytes tell one codec from another."""

Give = Callable[[bytes | memoryview], None]


class Decoder(Protocol):
    """What takes a stream's bytes in order, and gives on what they stand for."""

    def feed(self, content: memoryview, /) -> None:
        """Take the next bytes; raises BadArtifact, and what the taker raises."""
        ...

    def finish(self) -> None:
        """Raise BadArtifact when the stream ends in the middle of something."""
        ...


def decoder_for(start: bytes, give: Give) -> Decoder:
    """Return the decoder of a stream by its first MAGIC_BYTES: what the media type says is a hint at most."""
    if start.startswith(_GZIP):
        return _Gzip(give)
    if is_zstd(start):
        return _Zstd(give, _zstd_decompressor())
    return Plain(give)


_of_thread = threading.local()


def zstd_decoder(give: Give) -> Decoder:
    """Return the decoder of a stream that is known to be zstd, for this thread alone, until it asks for another.

    libzstd's buffers stay with the thread: made anew for each chunk they would cost more memory than all the rest.
    """
    if not hasattr(_of_thread, "decompressor"):
        _of_thread.decompressor = _zstd_decompressor()
    return _Zstd(give, _of_thread.decompressor)


class Plain:
    """No codec."""

    def __init__(self, give: Give) -> None:
        self._give = give

    def feed(self, content: memoryview) -> None:
        """Return on what comes."""
        self._give(content)

    def finish(self) -> None:
        """Do nothing: any end is one."""


class _Gzip:
    """gzip, of any number of members, zeros behind the last one as tape writers leave them (RFC 1952)."""

    _INPUT_BYTES = 1 << 16  # zlib copies what it leaves of its input

    def __init__(self, give: Give) -> None:
        self._give = give
        self._member = zlib.decompressobj(wbits=31)
        self._has_begun = False

    def feed(self, content: memoryview) -> None:
        for start in range(0, len(content), self._INPUT_BYTES):
            self._feed(bytes(content[start : start + self._INPUT_BYTES]))

    def _feed(self, content: bytes) -> None:
        while content:
            if self._member.eof:
                content = content.lstrip(b"\0")
                if not content:
                    return
                self._member, self._has_begun = zlib.decompressobj(wbits=31), False
            self._has_begun = True
            content = self._decode(content)

    def _decode(self, content: bytes) -> bytes:
        """Decode until a member ends or the input does; give the input that is left."""
        try:
            while True:
                output = self._member.decompress(content, _STEP_BYTES)
                if output:
                    self._give(output)
                if self._member.eof:
                    return self._member.unused_data
                content = self._member.unconsumed_tail
                if not content and len(output) < _STEP_BYTES:
                    return b""
        except zlib.error as error:
            raise BadArtifact(f"broken gzip: {error}") from None

    def finish(self) -> None:
        if not (self._member.eof and self._has_begun):
            raise BadArtifact("the gzip stream ends in the middle")


class _Zstd:
    """zstd, of any number of frames, skippable ones among them (RFC 8878)."""

    def __init__(self, give: Give, decompressor: Any) -> None:
        from zstandard import ZstdError  # noqa: PLC0415 - most models come as they are

        self._error, self._frames = ZstdError, Frames()
        taker: Any = _Taker(give)  # a file, as far as zstandard needs one
        self._writer = decompressor.stream_writer(taker, write_size=_STEP_BYTES, closefd=False)

    def feed(self, content: memoryview) -> None:
        self._frames.feed(content)
        try:
            self._writer.write(content)
        except self._error as error:
            raise BadArtifact(f"broken zstd, or a window of more than {WINDOW_BYTES} bytes: {error}") from None

    def finish(self) -> None:
        if not self._frames.are_whole:
            raise BadArtifact("the zstd stream ends in the middle")


def _zstd_decompressor() -> Any:
    from zstandard import ZstdDecompressor  # noqa: PLC0415 - as above

    return ZstdDecompressor(max_window_size=WINDOW_BYTES)


class _Taker:
    """Gives on what is written to it."""

    def __init__(self, give: Give) -> None:
        self._give = give

    def write(self, content: bytes) -> int:
        self._give(content)
        return len(content)
