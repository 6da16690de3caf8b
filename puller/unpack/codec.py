"""Compressed streams, decoded as they arrive: a decoder is fed compressed bytes, and calls its sink with output.

A decoder does not know how much output is allowed: the sink raises when it gets more than was promised. So one call of
the sink never gets more than _STEP_BYTES, however few bytes were fed.
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
"""The longest zstd window that is decoded, which is what the `zstd` command accepts by default."""

MAGIC_BYTES = 4
"""How many bytes tell one codec from another."""

Sink = Callable[[bytes | memoryview], None]


class Decoder(Protocol):
    """Takes a stream's bytes in order, and calls its sink with what they decode to."""

    def feed(self, content: memoryview, /) -> None:
        """Decode the next bytes. Raises BadArtifact, and what the sink raises."""
        ...

    def finish(self) -> None:
        """Raise BadArtifact when the stream ends in the middle of a frame or member."""
        ...


def decoder_for(start: bytes, sink: Sink) -> Decoder:
    """Return the decoder of a stream by its first MAGIC_BYTES; media types are not trusted."""
    if start.startswith(_GZIP):
        return _Gzip(sink)
    if is_zstd(start):
        return _Zstd(sink, _zstd_decompressor())
    return Plain(sink)


_of_thread = threading.local()


def zstd_decoder(sink: Sink) -> Decoder:
    """Return a zstd decoder for this thread; it is valid until the thread asks for another one.

    libzstd's buffers are kept for each thread: allocated for each chunk they would take more memory than all the rest.
    """
    if not hasattr(_of_thread, "decompressor"):
        _of_thread.decompressor = _zstd_decompressor()
    return _Zstd(sink, _of_thread.decompressor)


class Plain:
    """No codec."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def feed(self, content: memoryview) -> None:
        """Call the sink with the bytes as they are."""
        self._sink(content)

    def finish(self) -> None:
        """Do nothing: an uncompressed stream may end anywhere."""


class _Gzip:
    """gzip with any number of members; zeros may follow the last one, as tape writers leave them (RFC 1952)."""

    _INPUT_BYTES = 1 << 16  # zlib copies what it leaves of its input

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
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
        """Decode until a member or the input ends; return the input that is left."""
        try:
            while True:
                output = self._member.decompress(content, _STEP_BYTES)
                if output:
                    self._sink(output)
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
    """zstd with any number of frames, skippable ones included (RFC 8878)."""

    def __init__(self, sink: Sink, decompressor: Any) -> None:
        from zstandard import ZstdError  # noqa: PLC0415 - most models are not compressed

        self._error, self._frames = ZstdError, Frames()
        output: Any = _SinkFile(sink)  # a file, as far as zstandard needs one
        self._writer = decompressor.stream_writer(output, write_size=_STEP_BYTES, closefd=False)

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


class _SinkFile:
    """Calls a sink with what is written to it."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def write(self, content: bytes) -> int:
        self._sink(content)
        return len(content)
