"""HTTP/1.1 over blocking sockets: TLS, proxies, time limits, connections used again.

Sockets are opened here and in `connection` alone. Redirects are answers here, not errands: who follows one must
decide what to send along.
"""

import socket
import ssl
import struct
import threading
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import urlsplit
from weakref import WeakSet

from .addresses import is_local
from .connection import Connection, Lookup, PlainConnection, SecuredConnection, connect
from .errors import Unavailable
from .exchange import Outgoing, Response, explained
from .origin import Origin
from .proxies import Proxies
from .tls import Tls

USER_AGENT = "weighbridge/0.1"
TIMEOUT_SECONDS = 30.0
"""How long a connection may bring nothing before it counts as broken."""

_SYSTEM = Tls()


class Transport:
    """Connections to any number of origins, safe to share between threads."""

    def __init__(
        self,
        *,
        proxies: Mapping[str, str],
        tls: Tls = _SYSTEM,
        timeout_seconds: float = TIMEOUT_SECONDS,
        connect_seconds: float | None = None,
        lookup: Lookup = socket.getaddrinfo,
    ) -> None:
        """`proxies` maps schemes to URLs and `no` to exceptions, as `urllib.request.getproxies_environment` does.

        `lookup` finds a name's addresses, as `socket.getaddrinfo` does.
        `connect_seconds` limits the connecting alone, where that is not to take as long as other waits.
        """
        self._addresses, self._tls, self._timeout = dict(proxies), tls, timeout_seconds
        self._proxies, self._lookup = Proxies(proxies), lookup
        self._connect_seconds = timeout_seconds if connect_seconds is None else connect_seconds
        self._siblings: list[Transport] = []
        self._idle: dict[Origin, list[Connection]] = {}
        self._sockets = WeakSet[socket.socket]()
        self._lock = threading.Lock()
        self._context: ssl.SSLContext | None = None

    def sibling(self, tls: Tls, proxy: str, connect_seconds: float | None) -> "Transport":
        """Give one that reaches a host of its own kind, and closes with this one; an empty proxy is this one's."""
        other = Transport(
            proxies={"http": proxy, "https": proxy} if proxy else self._addresses,
            tls=self._tls.joined(tls),
            lookup=self._lookup,
            timeout_seconds=self._timeout,
            connect_seconds=connect_seconds,
        )
        with self._lock:
            self._siblings.append(other)
        return other

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        *,
        is_elsewhere: bool = False,
    ) -> Response:
        """Send a request and read the head of its answer, whatever its status.

        `is_elsewhere` says that a host which may lead nobody to this machine named the URL: then no loopback,
        link-local or unspecified address is connected to, whatever the URL's name resolves to. A connection that was
        kept may have been closed by the server in the meantime: then, and only then, the request is sent a second
        time, on a fresh one. Raises Unavailable, Untrusted, Refused, BadProxy.
        """
        origin = Origin.of(url)
        kept = self._take(origin, is_elsewhere=is_elsewhere)
        if kept is not None:
            try:
                return self._send(kept, origin, method, url, headers, body)
            except Unavailable:
                kept.close()
        connection = self._connect(origin, is_elsewhere=is_elsewhere)
        return self._send(connection, origin, method, url, headers, body)

    def stream(self, method: str, url: str, headers: Mapping[str, str], *, is_elsewhere: bool = False) -> Outgoing:
        """Begin a request whose body follows; `headers` must hold its Content-Length. `is_elsewhere` as in request."""
        origin = Origin.of(url)
        connection = self._connect(origin, is_elsewhere=is_elsewhere)
        with explained(origin):
            self._head(connection, origin, method, url, headers)
        return Outgoing(self, origin, connection, url)

    def give_back(self, origin: Origin, connection: Connection) -> None:
        """Keep a connection for the next request to its origin."""
        with self._lock:
            self._idle.setdefault(origin, []).append(connection)

    def interrupt(self) -> None:
        """Break every connection: whoever waits for one gets Unavailable. Callable from any thread."""
        with self._lock:
            sockets, siblings = list(self._sockets), list(self._siblings)
        for sibling in siblings:
            sibling.interrupt()
        for opened in sockets:
            with suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Hang up every idle connection."""
        with self._lock:
            idle, self._idle = self._idle, {}
            siblings, self._siblings = self._siblings, []
        for sibling in siblings:
            sibling.close()
        for connections in idle.values():
            for connection in connections:
                connection.close()

    def _take(self, origin: Origin, *, is_elsewhere: bool) -> Connection | None:
        with self._lock:
            idle = self._idle.get(origin, [])
            for number in reversed(range(len(idle))):
                if not (is_elsewhere and is_local(idle[number].peer)):
                    return idle.pop(number)
        return None

    def _send(  # noqa: PLR0913, PLR0917 - one call, private, and each part is a part of HTTP's request line
        self,
        connection: Connection,
        origin: Origin,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> Response:
        extra = {} if body is None else {"Content-Length": str(len(body))}
        with explained(origin):
            self._head(connection, origin, method, url, {**headers, **extra})
            if body:
                connection.send(body)
        return Response(self, origin, connection, url)

    def _head(
        self,
        connection: Connection,
        origin: Origin,
        method: str,
        url: str,
        headers: Mapping[str, str],
    ) -> None:
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        proxy = connection.proxy if origin.scheme == "http" else None
        connection.putrequest(method, f"{origin}{target}" if proxy else target, skip_accept_encoding=True)
        connection.putheader("User-Agent", USER_AGENT)
        connection.putheader("Accept-Encoding", "identity")
        for name, value in {**(proxy.headers if proxy else {}), **headers}.items():
            connection.putheader(name, value)
        connection.endheaders()

    def _connect(self, origin: Origin, *, is_elsewhere: bool) -> Connection:
        proxy = self._proxies.choose(origin)
        host, port = (proxy.host, proxy.port) if proxy else (origin.host, origin.port)
        connection: Connection
        if origin.scheme == "https":
            connection = SecuredConnection(host, port, timeout=self._connect_seconds, context=self._secured())
        else:
            connection = PlainConnection(host, port, timeout=self._connect_seconds)
        connection.dialled_by(self._lookup, may_be_here=bool(proxy) or not is_elsewhere)
        if proxy and origin.scheme == "https":
            connection.set_tunnel(origin.host, origin.port, headers=proxy.headers)
        connection.proxy = proxy
        with explained(origin):
            connect(connection, origin)
            connection.timeout = self._timeout
            connection.sock.settimeout(self._timeout)
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _limit_waits_in_the_kernel(connection.sock, self._timeout)
        with self._lock:
            self._sockets.add(connection.sock)
        return connection

    def _secured(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = self._tls.context()
        return self._context


def _limit_waits_in_the_kernel(sock: socket.socket, seconds: float) -> None:
    """Set the time limits for bulk reads and writes, which do not go through Python's own (socket(7), SO_RCVTIMEO)."""
    limit = struct.pack("@ll", int(seconds), int(seconds % 1 * 1_000_000))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
