"""TLS over a connected socket, in large blocks: one read in the kernel serves many TLS records.

`ssl.SSLSocket` reads each record of 16 KiB by two system calls and waits for the interpreter's lock after each
(docs/decisions/0013). Here a block of ciphertext is received straight into the reader's own buffer, handed
to OpenSSL's memory, and decrypted over itself.

Tests: tests/registry/net/test_tls_socket.py
"""

import io
import select
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress

_BLOCK_BYTES = 256 << 10
"""The most ciphertext that is received at once: it stays in a core's own cache until it is decrypted."""

_RECORD_BYTES = (16 << 10) + 1024
"""More than a record with its header and tag (RFC 8446 5.2): OpenSSL may hold that much of one that is not whole."""


WAIT_FOR_ALL = int(socket.MSG_WAITALL)
"""The flag as a number: each operation on a member of an enumeration takes longer than a small system call."""


class Incomplete(BlockingIOError):
    """Bytes came, `received` of them, and make no whole record yet: who waits has limits to look at before the next."""

    def __init__(self, received: int) -> None:
        super().__init__("a part of a TLS record")
        self.received = received


def is_readable(sock: socket.socket) -> bool:
    """Return whether a read would not block: bytes have come, or the end."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


class TlsSocket:
    """A client's TLS connection, with the socket methods that a Wire calls. One thread at a time, but for `shutdown`.

    A call that a time limit ended may be repeated: nothing is lost, unlike with SSLSocket.
    """

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, host: str) -> None:
        """`host` is the name that the server's certificate must have."""
        self._socket = sock
        self._received, self._to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        name = host.encode("ascii") if host.isascii() else host  # for a text, Python loads the codec of other scripts
        self._tls = context.wrap_bio(self._received, self._to_send, server_hostname=name)
        self._unsent = memoryview(b"")
        self._accepted = 0
        """The bytes of the caller's that `_unsent` is the rest of."""

        self._first = b""
        """A byte that `is_readable` decrypted, or none."""

    def do_handshake(self, wait: Callable[[], float]) -> None:
        """Shake hands; `wait` returns the seconds that each wait may take, and raises when all are spent.

        Raises OSError, including ssl.SSLError.
        """
        block = memoryview(bytearray(_RECORD_BYTES))
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._flush(wait)
                self._socket.settimeout(wait())
                if not self._receive(block, 0):
                    raise ConnectionResetError("the connection ended within the TLS handshake") from None
            except ssl.SSLError:
                with suppress(OSError):
                    self._flush(wait)  # the alert that tells the server why
                raise
            else:
                self._flush(wait)
                return

    def recv_into(self, buffer: memoryview, count: int = 0, flags: int = 0) -> int:
        """Decrypt into the first `count` bytes of the buffer, or all; return 0 when the other end closed.

        With WAIT_FOR_ALL so much must be still to come: then a whole block is waited for. At most a block is returned.
        Raises Incomplete, after which the call may be repeated, and OSError.
        """
        buffer, received = buffer[: count or len(buffer)], 0
        while True:
            filled = self._decrypt(buffer)
            if filled:
                return filled
            if filled is None:
                return 0
            if received:
                raise Incomplete(received)
            certain = len(buffer) - _RECORD_BYTES if flags & WAIT_FOR_ALL else 0
            wanted = buffer[: certain if 0 < certain < _BLOCK_BYTES else _BLOCK_BYTES]
            received = self._receive(wanted, WAIT_FOR_ALL if certain > 0 else 0)
            if not received:
                self._received.write_eof()

    def send(self, content: memoryview) -> int:
        """Encrypt and send; return how many of the bytes were sent. Raises OSError, an alert rather than what broke."""
        if not self._unsent:
            self._accepted = self._tls.write(content[:_BLOCK_BYTES])
            self._unsent = memoryview(self._to_send.read())
        try:
            while self._unsent:
                self._unsent = self._unsent[self._socket.send(self._unsent) :]
        except ConnectionError:
            self._raise_alert()
            raise
        return self._accepted

    def is_readable(self) -> bool:
        """Return whether a read would not block: content has come, an error, or the end.

        Records without content, such as the session tickets after a handshake (RFC 8446 4.6.1), are read on the way.
        """
        block = memoryview(bytearray(_RECORD_BYTES))
        try:
            while True:
                try:
                    self._first = self._first or self._tls.read(1)
                except ssl.SSLWantReadError:
                    self._flush(None)
                    if not is_readable(self._socket):
                        return False
                    if not self._receive(block, socket.MSG_DONTWAIT):
                        self._received.write_eof()
                else:
                    return True
        except OSError:  # which the next read raises again
            return True

    def fileno(self) -> int:
        """Return the descriptor of the socket."""
        return self._socket.fileno()

    def setsockopt(self, level: int, option: int, value: int | bytes) -> None:
        """Set an option of the socket."""
        self._socket.setsockopt(level, option, value)

    def settimeout(self, seconds: float | None) -> None:
        """Set the time limit of each wait."""
        self._socket.settimeout(seconds)

    def makefile(self, mode: str, buffering: int) -> io.RawIOBase:
        """Return a file that keeps the socket open until it is closed."""
        return self._socket.makefile(mode, buffering)  # type: ignore[call-overload,no-any-return] # one mode alone is used

    def shutdown(self, how: int) -> None:
        """Break the connection, from any thread."""
        self._socket.shutdown(how)

    def close(self) -> None:
        """Close the socket, after its last file is closed."""
        self._socket.close()

    def _decrypt(self, buffer: memoryview) -> int | None:
        """Decrypt what was received; return how many bytes that gave, 0 when more is needed first, None at the end."""
        filled, read = len(self._first), self._tls.read
        buffer[:filled], self._first = self._first, b""
        try:
            while filled < len(buffer):
                count: int = read(len(buffer) - filled, buffer[filled:])  # type: ignore[assignment] # with a buffer it counts
                if not count:
                    return filled or None
                filled += count
        except ssl.SSLWantReadError:
            self._flush(None)  # the answer to a change of keys
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            return filled or None
        return filled

    def _raise_alert(self) -> None:
        """Raise what the other end said before it hung up: in TLS 1.3 a client is refused behind its handshake."""
        block = memoryview(bytearray(_RECORD_BYTES))
        with suppress(BlockingIOError, ConnectionError, TimeoutError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
            while is_readable(self._socket) and self._receive(block, socket.MSG_DONTWAIT):
                with suppress(ssl.SSLWantReadError):
                    self._first = self._first or self._tls.read(1)

    def _receive(self, block: memoryview, flags: int) -> int:
        count = self._socket.recv_into(block, len(block), flags)
        self._received.write(block[:count])
        return count

    def _flush(self, wait: Callable[[], float] | None) -> None:
        if self._to_send.pending:
            if wait:
                self._socket.settimeout(wait())
            self._socket.sendall(self._to_send.read())
