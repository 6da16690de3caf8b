"""Connecting, and every other wait of a transport, which any thread can interrupt.

Tests: tests/registry/net/test_limits.py
"""

import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any
from weakref import WeakSet

from registry.errors import Refused

from .addresses import is_local
from .tls_socket import TlsSocket
from .wire import Wire

Lookup = Callable[..., list[tuple[Any, ...]]]
"""Finds the addresses of a host and a port, with the signature of `socket.getaddrinfo`."""


def look_up(host: str, port: int, **wanted: int) -> list[tuple[Any, ...]]:
    """Call socket.getaddrinfo; ASCII as bytes, which spares a millisecond for the codec of other scripts."""
    return socket.getaddrinfo(host.encode("ascii") if host.isascii() else host, port, **wanted)


class Waits:
    """All waits of one program, which any thread can interrupt."""

    def __init__(self) -> None:
        self._sockets = WeakSet[socket.socket]()
        self._changed = threading.Condition()
        self._breaks = 0

    def add(self, sock: socket.socket) -> None:
        """Add a socket, which `interrupt` will shut down."""
        with self._changed:
            self._sockets.add(sock)

    def pause(self, seconds: float) -> bool:
        """Wait for `seconds`; return True at once when interrupted."""
        return not self.until(lambda: False, seconds)

    def until(self, is_done: Callable[[], bool], seconds: float) -> bool:
        """Wait until `is_done`, for `seconds` at most; return False when interrupted before."""
        with self._changed:
            breaks = self._breaks
            self._changed.wait_for(lambda: is_done() or self._breaks != breaks, seconds)
            return self._breaks == breaks

    def notify(self) -> None:
        """Wake `until`, to check its condition again."""
        with self._changed:
            self._changed.notify_all()

    def interrupt(self) -> None:
        """Interrupt every wait that is under way."""
        with self._changed:
            self._breaks += 1
            self._changed.notify_all()
            sockets = list(self._sockets)
        for opened in sockets:
            with suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)


@dataclass(frozen=True, slots=True)
class Dialler:
    """Connects to names and addresses for one transport. `lookup` finds addresses as `socket.getaddrinfo` does."""

    waits: Waits
    lookup: Lookup = look_up

    def dial(self, host: str, port: int, wait: Callable[[], float], *, may_be_here: bool) -> socket.socket:
        """Connect to the first of a name's addresses that answers. `wait` returns the seconds that are left.

        Addresses of this machine are skipped unless `may_be_here`. Raises OSError, Refused.
        """
        addresses = self._resolved(host, port, wait)
        failure: Exception = OSError(f"{host}: has no address")
        for number, (family, kind, protocol, _name, where) in enumerate(addresses):
            if not may_be_here and is_local(str(where[0])):
                failure = Refused(f"{host}: is {where[0]}, of this very machine, and another host leads there")
                continue
            sock = socket.socket(family, kind, protocol)
            self.waits.add(sock)
            try:
                sock.settimeout(wait() / (len(addresses) - number))
                sock.connect(where)
            except OSError as error:
                sock.close()
                failure = error
            except BaseException:
                sock.close()
                raise
            else:
                return sock
        raise failure

    def _resolved(self, host: str, port: int, wait: Callable[[], float]) -> list[tuple[Any, ...]]:
        """Return a name's addresses, looked up in a separate thread: the system's lookup cannot be interrupted."""
        found: list[list[tuple[Any, ...]] | Exception] = []

        def look_up() -> None:
            try:
                found.append(self.lookup(host, port, type=socket.SOCK_STREAM))
            except UnicodeError:
                found.append(OSError(f"{host!r} is no name"))
            except Exception as error:  # noqa: BLE001 - raised again by who waits for it
                found.append(error)
            self.waits.notify()

        if _is_address(host):
            look_up()
        else:
            threading.Thread(target=look_up, daemon=True).start()
            self.waits.until(lambda: bool(found), wait())
        if not found:
            raise TimeoutError(f"{host}: its address was not found in time")
        if isinstance(found[0], Exception):
            raise found[0]
        return found[0]


def secure(sock: socket.socket, context: ssl.SSLContext, host: str, wait: Callable[[], float]) -> TlsSocket:
    """Start TLS on a connected socket. Raises OSError, including ssl.SSLError; then the socket is closed."""
    try:
        secured = TlsSocket(sock, context, host)
        secured.do_handshake(wait)
    except BaseException:
        sock.close()
        raise
    return secured


def tunnel(wire: Wire, target: str, headers: Mapping[str, str]) -> int:
    """Ask a proxy to connect to `target`, a host and port (RFC 9110 9.3.6); return its status. Raises OSError."""
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}", *(f"{name}: {text}" for name, text in headers.items())]
    wire.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
    answer = http.client.HTTPResponse(wire, method="CONNECT")  # type: ignore[arg-type] # a wire is enough of a socket
    with closing(answer):
        answer.begin()
    return answer.status


def _is_address(host: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        with suppress(OSError, UnicodeError):
            socket.inet_pton(family, host)
            return True
    return False
