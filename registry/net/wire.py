"""Sockets that wait no longer than they may, and that another thread can break.

Reads and writes of http.client go through a Wire, whatever they are part of, so that no cutting up of an answer, a
redirect, a proxy's or a token server's word escapes the clock.
"""

import io
import select
import socket
import ssl
import struct
from collections.abc import Callable
from contextlib import suppress

from .limits import Bound

_SLICE_BYTES = 64 << 10
"""What is given to TLS at once: it reports no part of a write."""


_TOGETHER_SECONDS = 1.0
"""How long TLS records are read without looking at the bound: each for itself would cost a tenth of their speed."""


class Wire:
    """A connected socket under a bound, in the shape that http.client wants of sockets."""

    def __init__(self, sock: socket.socket, bound: Bound, clock: Callable[[], float], longest: float) -> None:
        """`longest` is the most seconds that a bulk read or write waits in the kernel at once."""
        self.bound = bound
        self._socket, self._clock = sock, clock
        self._is_bulk = False
        self.received = 0
        """Bytes of answers so far; whoever asks anew may begin it anew."""

        self.is_over = False
        """Whether the other end was found to have hung up."""

        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _limit_waits_in_the_kernel(sock, longest)

    @property
    def is_secured(self) -> bool:
        """Whether TLS stands between the socket and its reader."""
        return isinstance(self._socket, ssl.SSLSocket)

    @property
    def is_readable(self) -> bool:
        """Whether there is something to read: an answer's bytes, or that the other end hung up."""
        if isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
            return True
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return bool(poll.poll(0))

    def receive(self, buffer: memoryview) -> int:
        """Receive what there is, waiting for it; 0 when the other end hung up. Raises OSError."""
        count = self._moved(lambda: self._socket.recv_into(buffer))
        self.received += count
        self.is_over = not count
        return count

    def fill(self, buffer: memoryview) -> int:
        """Fill the buffer in one call, which waits in the kernel: one for a buffer, not one for each packet that came.

        Fewer bytes come when its time is over, or when the other end hung up.
        """
        if self.is_secured:
            return self._fill_secured(buffer)
        self._go_bulk()
        began = self._clock()
        while True:
            try:
                count = self._socket.recv_into(buffer, len(buffer), socket.MSG_WAITALL)
            except BlockingIOError:  # so does SO_RCVTIMEO end a wait
                count = -1
            now = self._clock()
            if count == 0:
                return 0
            self.bound.passed(max(count, 0), now - began)
            if count > 0:
                self.received += count
                return count
            began = now

    def _fill_secured(self, buffer: memoryview) -> int:
        """Fill the buffer record by record, and count them together."""
        filled = first = self.receive(buffer)
        began = now = self._clock()
        while 0 < filled < len(buffer) and now - began < _TOGETHER_SECONDS:
            try:
                count = self._socket.recv_into(buffer[filled:])
            except OSError:  # what came before it is given first; the next read finds it again
                break
            if not count:
                break
            filled += count
            now = self._clock()
        if filled > first:
            self.bound.passed(filled - first, now - began)
        return filled

    def send(self, content: memoryview) -> None:
        """Send all of it, a large part at a time."""
        while content:
            content = content[self._send_some(content) :]

    def sendall(self, content: bytes) -> None:
        """Send a request's head, for http.client."""
        self.send(memoryview(content))

    def makefile(self, *_: object) -> io.BufferedReader:
        """Return what an answer is read from, for http.client."""
        return io.BufferedReader(_Reader(self, self._socket))

    def shutdown(self, how: int = socket.SHUT_RDWR) -> None:
        """Break the connection, from any thread."""
        with suppress(OSError):
            self._socket.shutdown(how)

    def close(self) -> None:
        """Hang up, once nobody reads from it any more."""
        self._socket.close()

    def _send_some(self, content: memoryview) -> int:
        if self.is_secured:
            return self._moved(lambda: self._socket.send(content[:_SLICE_BYTES]))
        self._go_bulk()
        began = self._clock()
        try:
            count = self._socket.send(content)
        except BlockingIOError:
            count = 0
        self.bound.passed(count, self._clock() - began)
        return count

    def _moved(self, move: Callable[[], int]) -> int:
        """Read or write once, however often the wait for it must be looked after."""
        while True:
            self._is_bulk = False
            self._socket.settimeout(self.bound.wait())
            began = self._clock()
            try:
                count = move()
            except TimeoutError:
                self.bound.passed(0, self._clock() - began)
                continue
            if count:
                self.bound.passed(count, self._clock() - began)
            return count

    def _go_bulk(self) -> None:
        if not self._is_bulk:
            self._socket.settimeout(None)  # the kernel keeps the limit now (SO_RCVTIMEO, SO_SNDTIMEO)
            self._is_bulk = True


class _Reader(io.RawIOBase):
    """Reads from a wire, and keeps its socket from being closed meanwhile, as socket.makefile does."""

    def __init__(self, wire: Wire, sock: socket.socket) -> None:
        self._wire, self._held = wire, sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override] # what BufferedReader hands over
        """Receive what there is."""
        return self._wire.receive(memoryview(buffer))

    def close(self) -> None:
        """Let go of the socket."""
        if not self.closed:
            self._held.close()
        super().close()


def _limit_waits_in_the_kernel(sock: socket.socket, seconds: float) -> None:
    """Set the time limits for bulk reads and writes, which do not go through Python's own (socket(7), SO_RCVTIMEO)."""
    limit = struct.pack("@ll", int(seconds), int(seconds % 1 * 1_000_000))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
