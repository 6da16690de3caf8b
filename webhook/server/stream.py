"""The bytes of one connection, in the clear or behind TLS, without a thread that waits for them.

Tests: tests/webhook/test_connection.py
"""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, TypeVar

RECEIVE_BYTES = 64 << 10

T = TypeVar("T")


class Stream(Protocol):
    """A connection's bytes. What the peer breaks is an OSError, of which ssl.SSLError is one."""

    async def open(self) -> None:
        """Make the stream ready for bytes."""

    async def receive(self) -> bytes:
        """Return the next bytes, none at the peer's end."""

    async def send(self, content: bytes) -> None:
        """Send all bytes, and wait until the kernel has them."""

    async def close(self) -> None:
        """Send what ends the stream, if anything does."""


class PlainStream:
    """A connection in the clear."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        # Whoever waits for a write waits until the kernel has it all: deadlines hold for clients that do not read.
        writer.transport.set_write_buffer_limits(high=0)

    async def open(self) -> None:
        """Return at once: there is no handshake."""

    async def receive(self) -> bytes:
        """Return the next bytes, none at the peer's end."""
        return await self._reader.read(RECEIVE_BYTES)

    async def send(self, content: bytes) -> None:
        """Send all bytes, and wait until the kernel has them."""
        self._writer.write(content)
        await self._writer.drain()

    async def close(self) -> None:
        """Return at once: the socket's end says it."""


class TlsStream:
    """A connection behind TLS, by OpenSSL in memory: asyncio's own transport takes 256 KiB for each connection."""

    def __init__(self, plain: PlainStream, context: ssl.SSLContext) -> None:
        self._plain = plain
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    async def open(self) -> None:
        """Shake hands."""
        await self._driven(self._tls.do_handshake)

    async def receive(self) -> bytes:
        """Return the next bytes, none at the peer's end."""
        try:
            return await self._driven(lambda: self._tls.read(RECEIVE_BYTES))
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""

    async def send(self, content: bytes) -> None:
        """Send all bytes, and wait until the kernel has them."""
        self._tls.write(content)
        await self._flush()

    async def close(self) -> None:
        """Announce to the peer that nothing follows."""
        with suppress(ssl.SSLError):  # it waits for the peer's own word, or there never was a session
            self._tls.unwrap()
        await self._flush()

    async def _driven(self, step: Callable[[], T]) -> T:
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                await self._flush()
                await self._fill()
            except ssl.SSLError:
                await self._flush()  # an alert says to the peer what is wrong
                raise
            else:
                await self._flush()
                return result

    async def _fill(self) -> None:
        if chunk := await self._plain.receive():
            self._incoming.write(chunk)
        else:
            self._incoming.write_eof()

    async def _flush(self) -> None:
        if self._outgoing.pending:
            await self._plain.send(self._outgoing.read())
