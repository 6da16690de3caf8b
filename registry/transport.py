"""HTTP/1.1 over blocking sockets: TLS, proxies, time limits, connections used again.

The one module of this room that opens sockets. Redirects are answers here, not errands: who follows one must
decide what to send along.
"""

import http.client
import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined] # public, but not in typeshed

from .errors import Fault, Mismatch, Refused, Unavailable, Untrusted
from .reference import is_loopback

USER_AGENT = "weighbridge/0.1"
TIMEOUT_SECONDS = 60.0
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port: what credentials are bound to (RFC 6454)."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> Self:
        """Read the origin of an absolute URL; raise Refused for other schemes."""
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise Refused(f"not an HTTP URL: {redacted(url)}")
        return cls(parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme])

    @property
    def is_loopback(self) -> bool:
        """Whether the origin is on this very machine."""
        return is_loopback(self.host)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"


def redacted(url: str) -> str:
    """Give a URL without its query and user, where signatures and passwords live."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"


class Response:
    """An answer whose body is still on the wire. Close it; a body read to its end frees its connection."""

    def __init__(self, pool: "Transport", origin: Origin, connection: http.client.HTTPConnection, url: str) -> None:
        self._pool, self._origin, self._connection = pool, origin, connection
        self.url = url
        with _explained(origin):
            self._answer = connection.getresponse()
        self.status = self._answer.status
        self.headers = self._answer.headers

    @property
    def length(self) -> int | None:
        """How many body bytes are still to come, when the server said."""
        return self._answer.length

    def readinto(self, buffer: memoryview) -> int:
        """Fill the buffer from the body; 0 at its end. Raises Unavailable when the connection breaks."""
        with _explained(self._origin):
            return self._answer.readinto(buffer)

    def read(self, limit: int) -> bytes:
        """Give the whole body; raise Mismatch when it is longer than `limit` bytes."""
        with _explained(self._origin):
            content = self._answer.read(limit + 1)
        if len(content) > limit:
            raise Mismatch(f"{redacted(self.url)}: answered more than {limit} bytes")
        return content

    def close(self) -> None:
        """Give the connection back when it is clean, else hang up."""
        if self._answer.isclosed() and not self._answer.will_close:
            self._pool.give_back(self._origin, self._connection)
        else:
            self._connection.close()
        self._answer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Outgoing:
    """A request whose body is written bit by bit; `finish` gives the answer."""

    def __init__(self, pool: "Transport", origin: Origin, connection: http.client.HTTPConnection, url: str) -> None:
        self._pool, self._origin, self._connection, self._url = pool, origin, connection, url
        self._hung_up = False

    def write(self, content: bytes | memoryview) -> None:
        """Send the next bytes. When the server hung up, its answer says why: `finish` reads it."""
        if self._hung_up:
            return
        try:
            self._connection.send(content)
        except (BrokenPipeError, ConnectionResetError):
            self._hung_up = True
        except OSError as error:
            raise _explain(self._origin, error) from error

    def finish(self) -> Response:
        """Read the answer's head."""
        return Response(self._pool, self._origin, self._connection, self._url)

    def abort(self) -> None:
        """Hang up in the middle."""
        self._connection.close()


class Transport:
    """Connections to any number of origins, safe to share between threads."""

    def __init__(
        self, *, proxies: Mapping[str, str], ca_file: str = "", timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        """`proxies` maps schemes to URLs and `no` to exceptions, as `urllib.request.getproxies_environment` does."""
        self._proxies, self._ca_file, self._timeout = dict(proxies), ca_file, timeout_seconds
        self._idle: dict[Origin, list[http.client.HTTPConnection]] = {}
        self._lock = threading.Lock()
        self._context: ssl.SSLContext | None = None

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
        with _explained(origin):
            self._head(connection, origin, method, url, headers)
        return Outgoing(self, origin, connection, url)

    def give_back(self, origin: Origin, connection: http.client.HTTPConnection) -> None:
        """Keep a connection for the next request to its origin."""
        with self._lock:
            self._idle.setdefault(origin, []).append(connection)

    def close(self) -> None:
        """Hang up every idle connection."""
        with self._lock:
            idle, self._idle = self._idle, {}
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
        with _explained(origin):
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
        through = origin.scheme == "http" and self._proxy(origin) is not None
        connection.putrequest(method, f"{origin}{target}" if through else target, skip_accept_encoding=True)
        connection.putheader("User-Agent", USER_AGENT)
        connection.putheader("Accept-Encoding", "identity")
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()

    def _connect(self, origin: Origin) -> http.client.HTTPConnection:
        proxy = self._proxy(origin)
        host, port = (proxy.hostname or "", proxy.port or 80) if proxy else (origin.host, origin.port)
        connection: http.client.HTTPConnection
        if origin.scheme == "https":
            connection = http.client.HTTPSConnection(host, port, timeout=self._timeout, context=self._tls())
        else:
            connection = http.client.HTTPConnection(host, port, timeout=self._timeout)
        if proxy and origin.scheme == "https":
            connection.set_tunnel(origin.host, origin.port, headers=_proxy_authorization(proxy))
        with _explained(origin):
            connection.connect()
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def _proxy(self, origin: Origin) -> SplitResult | None:
        address = self._proxies.get(origin.scheme)
        if not address or origin.is_loopback or proxy_bypass_environment(f"{origin.host}:{origin.port}", self._proxies):
            return None
        return urlsplit(address if "://" in address else f"http://{address}")

    def _tls(self) -> ssl.SSLContext:
        if self._context is None:
            context = ssl.create_default_context()
            if self._ca_file:
                context.load_verify_locations(self._ca_file)
            self._context = context
        return self._context


def _proxy_authorization(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {b64encode(pair.encode()).decode()}"}


@contextmanager
def _explained(origin: Origin) -> Iterator[None]:
    try:
        yield
    except (OSError, http.client.HTTPException) as error:
        raise _explain(origin, error) from error


def _explain(origin: Origin, error: Exception) -> Fault:
    if isinstance(error, ssl.SSLCertVerificationError):
        return Untrusted(f"{origin}: its certificate is not trusted: {error.verify_message}")
    if isinstance(error, ssl.SSLError) and error.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"):
        return Untrusted(f"{origin}: does not speak TLS", remedy="use --plain-http if this registry speaks HTTP")
    if isinstance(error, TimeoutError):
        return Unavailable(f"{origin}: no answer within the time limit")
    return Unavailable(f"{origin}: {error or type(error).__name__}")
