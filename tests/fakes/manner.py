"""How the bytes of an answer go out: late, byte by byte, or not all of them."""

import io
import select
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass


@dataclass(frozen=True)
class Manner:
    """Offsets count from the head's first byte. What is None does not happen."""

    late_seconds: float = 0.0
    """How long nothing comes at first."""

    trickles_at: int | None = None
    """From where bytes come one at a time, `trickle_seconds` apart."""

    trickle_seconds: float = 0.02
    stops_at: int | None = None
    """Where nothing more comes, though the connection stays."""

    cut_at: int | None = None
    """Where the connection ends."""

    def begin(self, connection: socket.socket, over: threading.Event) -> "Outlet":
        """Return what writes an answer so; it goes on until the client hangs up, or until `over`."""
        over.wait(self.late_seconds)
        return Outlet(self, connection, over)


class Outlet(io.BufferedIOBase):
    """A socket's writing end that keeps to a manner."""

    def __init__(self, manner: Manner, connection: socket.socket, over: threading.Event) -> None:
        self._manner, self._connection, self._over = manner, connection, over
        self._position = 0
        self._is_over = False

    def writable(self) -> bool:
        """Tell that it is."""
        return True

    def write(self, content: bytes, /) -> int:  # type: ignore[override] # http.server writes bytes alone
        """Send bytes as the manner wants it."""
        left = content
        while left and not self._is_over:
            size = self._next(len(left))
            self._connection.sendall(left[:size])
            self._position += size
            left = left[size:]
        return len(content)

    def _next(self, most: int) -> int:
        """Return how many bytes may go now, having waited for that."""
        manner, position = self._manner, self._position
        if manner.cut_at is not None and position >= manner.cut_at:
            return self._end()
        if manner.stops_at is not None and position >= manner.stops_at:
            while not self._over.wait(manner.trickle_seconds) and not self._is_hung_up:
                pass
            return self._end()
        if manner.trickles_at is not None and position >= manner.trickles_at:
            self._over.wait(manner.trickle_seconds)
            return 1
        marks = (manner.cut_at, manner.stops_at, manner.trickles_at)
        return min([most, *(mark - position for mark in marks if mark is not None)])

    def _end(self) -> int:
        self._is_over = True
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        return 0

    @property
    def _is_hung_up(self) -> bool:
        poll = select.poll()
        poll.register(self._connection, select.POLLRDHUP)
        return bool(poll.poll(0))
