"""Sockets with time limits, which another thread can shut down.

All reads and writes of http.client go through a Wire, so that the limits hold for every answer, redirect, proxy's or
token server's answer, in however small pieces it arrives.

Tests: tests/registry/net/test_limits.py
"""

import io
import socket
import struct
from collections.abc import Callable
from contextlib import suppress

from .limits import Bound
from .tls_socket import WAIT_FOR_ALL, Incomplete, TlsSocket, is_readable

_SLICE_SECONDS = 0.25
"""The longest wait of one call in the kernel, and about the longest of a bulk read."""


class Wire:
    """A connected socket under a bound, with the socket methods that http.client calls."""

    def __init__(self, sock: socket.socket | TlsSocket, bound: Bound, clock: Callable[[], float]) -> None:
        self.bound = bound
        self._socket, self._clock = sock, clock
        self._is_bulk = False
        self.received = 0
        """Bytes of answers so far; the sender of a new request may reset it."""

        self._credited = 0
        """The bytes of a TLS record that is not whole yet, of which the bound knows."""

        self.is_over = False
        """Whether the other end is known to have closed the connection."""

        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _limit_waits_in_the_kernel(sock)

    @property
    def is_readable(self) -> bool:
        """Whether a read would not block: bytes have arrived, or the other end closed the connection."""
        return self._socket.is_readable() if isinstance(self._socket, TlsSocket) else is_readable(self._socket)

    def receive(self, buffer: memoryview) -> int:
        """Wait for bytes and receive them; return 0 when the other end closed the connection. Raises OSError."""
        count = self._moved(lambda: self._socket.recv_into(buffer))
        self.received += count
        self.is_over = not count
        return count

    def fill(self, buffer: memoryview) -> int:
        """Fill the buffer with bytes that are certain to come, by few calls that wait in the kernel.

        Fewer bytes are returned after _SLICE_SECONDS, so that a slow connection's progress is seen, when the other end
        closed the connection, or before an error, which the next call raises again.
        """
        self._go_bulk()
        began, filled = self._clock(), 0
        while filled < len(buffer):
            try:
                count = self._receive_bulk(buffer[filled:])
            except OSError:
                if filled:
                    break
                raise
            filled += max(count, 0)
            if not count or (filled and self._clock() - began >= _SLICE_SECONDS):
                break
        self.received += filled
        return filled

    def _receive_bulk(self, buffer: memoryview) -> int:
        """Receive by one call; return 0 at the end, and -1 when nothing came in time. Raises OSError, Overdue."""
        began = self._clock()
        try:
            count = self._socket.recv_into(buffer, len(buffer), WAIT_FOR_ALL)
        except Incomplete as part:
            self._passed_part(part.received, self._clock() - began)
            return -1
        except BlockingIOError:  # SO_RCVTIMEO ended the wait
            self.bound.passed(0, self._clock() - began)
            return -1
        if count:
            self._passed(count, self._clock() - began)
        return count

    def _passed_part(self, count: int, seconds: float) -> None:
        self._credited += count
        self.bound.passed(count, seconds)

    def _passed(self, count: int, seconds: float) -> None:
        """Record bytes that were read, each once, though parts of their record were before."""
        credited, self._credited = self._credited, 0
        self.bound.passed(max(count - credited, 1), seconds)

    def send(self, content: memoryview) -> None:
        """Send all of it, in large parts."""
        while content:
            content = content[self._send_some(content) :]

    def sendall(self, content: bytes) -> None:
        """Send a request's head, for http.client."""
        self.send(memoryview(content))

    def makefile(self, *_: object) -> io.BufferedReader:
        """Return the file that http.client reads an answer from."""
        return io.BufferedReader(_Reader(self, self._socket))

    def shutdown(self, how: int = socket.SHUT_RDWR) -> None:
        """Break the connection, from any thread."""
        with suppress(OSError):
            self._socket.shutdown(how)

    def close(self) -> None:
        """Close the connection, after its last reader is closed."""
        self._socket.close()

    def _send_some(self, content: memoryview) -> int:
        self._go_bulk()
        began = self._clock()
        try:
            count = self._socket.send(content)
        except BlockingIOError:
            count = 0
        self.bound.passed(count, self._clock() - began)
        return count

    def _moved(self, move: Callable[[], int]) -> int:
        """Read or write once; check the bound whenever the wait times out."""
        while True:
            self._is_bulk = False
            self._socket.settimeout(self.bound.wait())
            began = self._clock()
            try:
                count = move()
            except TimeoutError:
                self.bound.passed(0, self._clock() - began)
                continue
            except Incomplete as part:
                self._passed_part(part.received, self._clock() - began)
                continue
            if count:
                self._passed(count, self._clock() - began)
            return count

    def _go_bulk(self) -> None:
        if not self._is_bulk:
            self._socket.settimeout(None)  # the kernel enforces the limit now (SO_RCVTIMEO, SO_SNDTIMEO)
            self._is_bulk = True


class _Reader(io.RawIOBase):
    """Reads from a wire, and keeps its socket open meanwhile, as socket.makefile does."""

    def __init__(self, wire: Wire, sock: socket.socket | TlsSocket) -> None:
        self._wire, self._held = wire, sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override] # what BufferedReader hands over
        """Wait for bytes and receive them."""
        return self._wire.receive(memoryview(buffer))

    def close(self) -> None:
        """Release the socket."""
        if not self.closed:
            self._held.close()
        super().close()


def _limit_waits_in_the_kernel(sock: socket.socket | TlsSocket) -> None:
    """Set the time limits of bulk reads and writes, for which Python's own do not apply (socket(7), SO_RCVTIMEO)."""
    limit = struct.pack("@ll", 0, int(_SLICE_SECONDS * 1_000_000))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
