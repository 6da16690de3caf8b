"""The connections of a transport that no request uses: kept after one, or opened ahead of the first.

Tests: tests/registry/http/test_pool.py
"""

import threading
import time
from collections.abc import Callable

from registry.net.addresses import is_local
from registry.net.connection import Connection
from registry.net.limits import Bound
from registry.net.origin import Origin

from .response import wire_of

_ABANDON_SECONDS = 0.02


class ConnectionPool:
    """Connections to any number of origins, safe to share between threads."""

    def __init__(self, idle_seconds: float = 30.0) -> None:
        """`idle_seconds` is how long a connection may be kept: gateways and NAT forget them after minutes."""
        self._idle_seconds = idle_seconds
        self._idle: dict[Origin, list[tuple[float, Connection]]] = {}
        self._ahead: dict[Origin, _Ahead] = {}
        self._late: list[_Ahead] = []
        self._lock = threading.Lock()

    def keep(self, origin: Origin, connection: Connection) -> None:
        """Keep a connection for the next request to its origin."""
        with self._lock:
            self._idle.setdefault(origin, []).append((time.monotonic(), connection))

    def open_ahead(self, origin: Origin, connect: Callable[[], Connection]) -> None:
        """Begin to connect, in a thread. The first request to the origin waits for it, and raises what it raised."""
        with self._lock:
            if origin not in self._ahead:
                self._ahead[origin] = _Ahead(connect)

    def take(self, origin: Origin, bound: Bound, *, is_elsewhere: bool) -> Connection | None:
        """Return a connection that the server has not closed yet, as far as the socket shows, or None.

        One that was idle for long is closed: what lies between may have forgotten it without a word. With
        `is_elsewhere` none to this machine is returned. Raises what opening one ahead raised, and Overdue.
        """
        with self._lock:
            ahead = self._ahead.pop(origin, None)
        if ahead is not None:
            self._wait(ahead, bound)
            self.keep(origin, ahead.connection())
        with self._lock:
            idle, oldest = self._idle.get(origin, []), time.monotonic() - self._idle_seconds
            for number in reversed(range(len(idle))):
                if is_elsewhere and is_local(idle[number][1].peer):
                    continue
                since, kept = idle.pop(number)
                if since > oldest and not wire_of(kept).is_readable:
                    return kept
                kept.close()
        return None

    def close(self, interrupt: Callable[[], None]) -> None:
        """Close every connection; `interrupt` breaks those that are being opened. No thread is left."""
        with self._lock:
            idle, self._idle = self._idle, {}
            ahead, self._ahead, self._late = [*self._ahead.values(), *self._late], {}, []
        for one in ahead:
            one.abandon(interrupt)
        for connections in idle.values():
            for _, connection in connections:
                connection.close()

    def _wait(self, ahead: "_Ahead", bound: Bound) -> None:
        try:
            ahead.wait(bound)
        except BaseException:
            with self._lock:
                self._late.append(ahead)
            raise


class _Ahead:
    """A connection that a thread opens."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._outcome: Connection | Exception = RuntimeError("the thread ended before its work")
        self._thread = threading.Thread(target=self._open, daemon=True)
        self._thread.start()

    def wait(self, bound: Bound) -> None:
        """Wait until it is open, or has failed. Raises Overdue."""
        while self._thread.is_alive():
            seconds = bound.wait()
            self._thread.join(seconds)
            if self._thread.is_alive():
                bound.passed(0, seconds)

    def connection(self) -> Connection:
        """Return the connection that was waited for, or raise what opening it raised."""
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome

    def abandon(self, interrupt: Callable[[], None]) -> None:
        """Close it, and wait for its thread: a process that is forked meanwhile would wait for its locks for ever."""
        while self._thread.is_alive():
            interrupt()  # again: a connection may begin right after
            self._thread.join(_ABANDON_SECONDS)
        if not isinstance(self._outcome, Exception):
            self._outcome.close()

    def _open(self) -> None:
        try:
            self._outcome = self._connect()
        except Exception as error:  # noqa: BLE001 - raised to who needs the connection, and to nobody else
            self._outcome = error
