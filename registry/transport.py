"""HTTP/1.1 over blocking sockets: TLS, proxies, time limits, connections used again.

The one module of this room that opens sockets. Redirects are answers here, not errands: who follows one must
decide what to send along.
"""

import http.client
import socket
import ssl
import struct
import threading
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import SplitResult, unquote, urlsplit
from weakref import WeakSet

from .errors import Unavailable
from .exchange import Outgoing, Response, explained
from .origin import Origin
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
    ) -> None:
        """`proxies` maps schemes to URLs and `no` to exceptions, as `urllib.request.getproxies_environment` does.

        `connect_seconds` limits the connecting alone, where that is not to take as long as other waits.
        """
        self._proxies, self._tls, self._timeout = dict(proxies), tls, timeout_seconds
        self._connect_seconds = timeout_seconds if connect_seconds is None else connect_seconds
        self._siblings: list[Transport] = []
        self._idle: dict[Origin, list[http.client.HTTPConnection]] = {}
        self._sockets = WeakSet[socket.socket]()
        self._lock = threading.Lock()
        self._context: ssl.SSLContext | None = None

    def sibling(self, tls: Tls, proxy: str, connect_seconds: float | None) -> "Transport":
        """Give one that reaches a host of its own kind, and closes with this one; an empty proxy is this one's."""
        other = Transport(
            proxies={"http": proxy, "https": proxy} if proxy else self._proxies,
            tls=self._tls.joined(tls),
            timeout_seconds=self._timeout,
            connect_seconds=connect_seconds,
        )
        with self._lock:
            self._siblings.append(other)
        return other

    def request(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Response:
        """Send a request and read the head of its answer, whatever its status.

        A connection that was kept may have been closed by the server in the meantime: then, and only then,
        the request is sent a second time, on a fresh one. Raises Unavailable, Untrusted.
        """
        origin = Origin.of(url)
        kept = self._take(origin)
        if kept is not None:
            try:
                return self._send(kept, origin, method, url, headers, body)
            except Unavailable:
                kept.close()
        return self._send(self._connect(origin), origin, method, url, headers, body)

    def stream(self, method: str, url: str, headers: Mapping[str, str]) -> Outgoing:
        """Begin a request whose body follows; `headers` must hold its Content-Length."""
        origin = Origin.of(url)
        connection = self._connect(origin)
        with explained(origin):
            self._head(connection, origin, method, url, headers)
        return Outgoing(self, origin, connection, url)

    def give_back(self, origin: Origin, connection: http.client.HTTPConnection) -> None:
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

    def _take(self, origin: Origin) -> http.client.HTTPConnection | None:
        with self._lock:
            idle = self._idle.get(origin)
            return idle.pop() if idle else None

    def _send(  # noqa: PLR0913, PLR0917 - one call, private, and each part is a part of HTTP's request line
        self,
        connection: http.client.HTTPConnection,
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
        connection: http.client.HTTPConnection,
        origin: Origin,
        method: str,
        url: str,
        headers: Mapping[str, str],
    ) -> None:
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        proxy = self._proxy(origin) if origin.scheme == "http" else None
        connection.putrequest(method, f"{origin}{target}" if proxy else target, skip_accept_encoding=True)
        connection.putheader("User-Agent", USER_AGENT)
        connection.putheader("Accept-Encoding", "identity")
        for name, value in {**(_proxy_authorization(proxy) if proxy else {}), **headers}.items():
            connection.putheader(name, value)
        connection.endheaders()

    def _connect(self, origin: Origin) -> http.client.HTTPConnection:
        proxy = self._proxy(origin)
        host, port = (proxy.hostname or "", proxy.port or 80) if proxy else (origin.host, origin.port)
        connection: http.client.HTTPConnection
        if origin.scheme == "https":
            connection = http.client.HTTPSConnection(host, port, timeout=self._connect_seconds, context=self._secured())
        else:
            connection = http.client.HTTPConnection(host, port, timeout=self._connect_seconds)
        if proxy and origin.scheme == "https":
            connection.set_tunnel(origin.host, origin.port, headers=_proxy_authorization(proxy))
        with explained(origin):
            connection.connect()
            connection.timeout = self._timeout
            connection.sock.settimeout(self._timeout)
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _limit_waits_in_the_kernel(connection.sock, self._timeout)
        with self._lock:
            self._sockets.add(connection.sock)
        return connection

    def _proxy(self, origin: Origin) -> SplitResult | None:
        address = self._proxies.get(origin.scheme)
        if not address or origin.is_loopback or self._is_bypassed(origin):
            return None
        return urlsplit(address if "://" in address else f"http://{address}")

    def _is_bypassed(self, origin: Origin) -> bool:
        from urllib.request import (  # type: ignore[attr-defined] # noqa: PLC0415 - public; needed with a proxy alone
            proxy_bypass_environment,
        )

        return bool(proxy_bypass_environment(f"{origin.host}:{origin.port}", self._proxies))

    def _secured(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = self._tls.context()
        return self._context


def _proxy_authorization(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {b64encode(pair.encode()).decode()}"}


def _limit_waits_in_the_kernel(sock: socket.socket, seconds: float) -> None:
    """Set the time limits for bulk reads and writes, which do not go through Python's own (socket(7), SO_RCVTIMEO)."""
    limit = struct.pack("@ll", int(seconds), int(seconds % 1 * 1_000_000))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
