"""HTTP/1.1 over blocking sockets: TLS, proxies, time limits, connection reuse.

Sockets are opened by `dial` alone, and read and written through `wire` alone. Redirects are returned, not followed:
the caller that follows one must decide which headers to send.

Tests: tests/registry/net/test_limits.py
"""

import threading
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import urlsplit

from registry.errors import Unavailable
from registry.net.connection import Connection, Connector, closed_on_failure
from registry.net.dial import Dialler, Lookup, Waits, look_up
from registry.net.limits import Bound, Floor, Limits, for_answer, for_exchange
from registry.net.origin import Origin
from registry.net.proxies import Proxies
from registry.net.tls import Contexts, Tls
from registry.version import VERSION

from .pool import ConnectionPool
from .redirects import RedirectRule
from .response import Response, StreamingRequest, explained, wire_of
from .trace import SILENT, Trace

USER_AGENT = f"weighbridge/{VERSION}"
TIMEOUT_SECONDS = 30.0
"""How long a connection may be silent before it counts as broken."""

_SYSTEM = Tls()
_LIMITS = Limits()
_WRITES = ("PUT", "PATCH")
"""Methods after which the registry processes bytes before it answers, which may take long."""

_SAFE = ("GET", "HEAD")
"""Methods that may be sent again in any case: they change nothing (RFC 9110 9.2.1)."""


class Transport:
    """Connections to any number of origins, safe to share between threads."""

    def __init__(  # noqa: PLR0913 - one setting each, and all by name
        self,
        *,
        proxies: Mapping[str, str],
        tls: Tls = _SYSTEM,
        timeout_seconds: float = TIMEOUT_SECONDS,
        connect_seconds: float | None = None,
        limits: Limits = _LIMITS,
        lookup: Lookup = look_up,
        waits: Waits | None = None,
        contexts: Contexts | None = None,
        trace: Trace = SILENT,
    ) -> None:
        """`proxies` maps schemes to URLs and `no` to exceptions, as `urllib.request.getproxies_environment` does.

        `timeout_seconds` is how long a connection may be silent, `connect_seconds` limits connecting alone, and
        `limits` bound exchanges that a few bytes now and then would prolong. `lookup` finds a name's addresses, as
        `socket.getaddrinfo` does. `waits` are another transport's, to be interrupted together with this one's, and
        `contexts` another one's, to be made once for both. `trace` writes what is asked and answered.
        """
        self._addresses, self._tls, self._timeout = dict(proxies), tls, timeout_seconds
        self._proxies, self._limits = Proxies(proxies), limits
        self._dialler = Dialler(waits or Waits(), lookup)
        connect_seconds = timeout_seconds if connect_seconds is None else connect_seconds
        self._connector = Connector(self._dialler, limits, timeout_seconds, connect_seconds)
        self.trace = trace
        self._siblings: dict[tuple[Tls, str | None, float | None], Transport] = {}
        self._lock = threading.Lock()
        self._pool, self._contexts = ConnectionPool(), contexts or Contexts()

    def with_options(self, tls: Tls, proxy: str | None, connect_seconds: float | None) -> "Transport":
        """Return the transport with these other options, which closes with this one; the same one each time.

        An empty proxy means this one's proxies, None no proxy at all.
        """
        options = tls, proxy, connect_seconds
        with self._lock:
            if options not in self._siblings:
                self._siblings[options] = self._made_with(*options)
            return self._siblings[options]

    def _made_with(self, tls: Tls, proxy: str | None, connect_seconds: float | None) -> "Transport":
        own = {"http": proxy, "https": proxy} if proxy else {}
        return Transport(
            proxies=self._addresses if proxy == "" else own,
            tls=self._tls.joined(tls),
            limits=self._limits,
            lookup=self._dialler.lookup,
            waits=self._dialler.waits,
            contexts=self._contexts,
            timeout_seconds=self._timeout,
            connect_seconds=connect_seconds,
            trace=self.trace,
        )

    @property
    def limits(self) -> Limits:
        """The time limits."""
        return self._limits

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        *,
        rule: RedirectRule | None = None,
    ) -> Response:
        """Send a request and read the head of its answer, whatever its status.

        `rule` is that of the host that the user named: where the rule says so, no loopback, link-local or unspecified
        address is connected to, whatever the URL's name resolves to. The server may have closed a kept connection in
        the meantime: a request that fails so, without a byte of an answer, is sent a second time when its method
        changes nothing.
        Raises Unavailable, Untrusted, Refused, BadProxy.
        """
        exchange = self.trace.begin(method, url, headers)
        with exchange.failure_noted():
            origin, bound = Origin.of(url), for_exchange(self._limits, self._timeout)
            is_elsewhere = rule is not None and rule.is_elsewhere(url)
            with explained(origin):
                kept = self._pool.take(origin, bound, is_elsewhere=is_elsewhere)
            if kept is not None:
                wire = wire_of(kept)
                wire.bound, wire.received = bound, 0
                try:
                    return exchange.answered(self._send(kept, origin, method, url, headers, body, rule))
                except Unavailable as error:
                    kept.close()
                    was_closed = not wire.received and not isinstance(error.__cause__, TimeoutError)
                    if method not in _SAFE or not was_closed:
                        raise
            connection = self._connect(origin, bound, is_elsewhere=is_elsewhere)
            return exchange.answered(self._send(connection, origin, method, url, headers, body, rule))

    def stream(
        self, method: str, url: str, headers: Mapping[str, str], *, rule: RedirectRule | None = None
    ) -> StreamingRequest:
        """Begin a request whose body follows; `headers` must hold its Content-Length. `rule` as in request."""
        origin = Origin.of(url)
        bound = for_exchange(self._limits, self._timeout)
        exchange = self.trace.begin(method, url, headers)
        with exchange.failure_noted():
            connection = self._connect(origin, bound, is_elsewhere=rule is not None and rule.is_elsewhere(url))
            with closed_on_failure(connection), explained(origin):
                self._head(connection, origin, method, url, headers)
        return StreamingRequest(self, origin, connection, url, exchange)

    def release(self, origin: Origin, connection: Connection) -> None:
        """Keep a connection for the next request to its origin."""
        self._pool.keep(origin, connection)

    def floor(self) -> Bound:
        """Return the bound of a large body that begins now."""
        return Floor(self._limits, self._timeout)

    def answer(self) -> Bound:
        """Return the bound of the answer to a body that was sent."""
        return for_answer(self._limits)

    def pause(self, seconds: float) -> bool:
        """Wait for `seconds`; return True at once when `interrupt` is called."""
        return self._dialler.waits.pause(seconds)

    def interrupt(self) -> None:
        """Break every connection and every pause: waiting calls raise Unavailable. Callable from any thread."""
        self._dialler.waits.interrupt()

    def prepare(self, url: str) -> None:
        """Begin to connect to a URL's host, in a thread: its first request, which may never come, waits for that."""
        origin, bound = Origin.of(url), for_exchange(self._limits, self._timeout)
        self._pool.open_ahead(origin, lambda: self._connect(origin, bound, is_elsewhere=False))

    def close(self) -> None:
        """Close every idle connection, and end what `prepare` began."""
        self._pool.close(self.interrupt)
        with self._lock:
            siblings = list(self._siblings.values())
        for sibling in siblings:
            sibling.close()

    def _send(  # noqa: PLR0913, PLR0917 - one call, private, and each part is a part of HTTP's request line
        self,
        connection: Connection,
        origin: Origin,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        rule: RedirectRule | None,
    ) -> Response:
        extra = {} if body is None else {"Content-Length": str(len(body))}
        with closed_on_failure(connection), explained(origin):
            self._head(connection, origin, method, url, {**headers, **extra})
            if body:
                wire_of(connection).bound = self.floor()
                with suppress(BrokenPipeError, ConnectionResetError):  # the answer may say why the server closed it
                    wire_of(connection).send(memoryview(body))
        if method in _WRITES:
            wire_of(connection).bound = self.answer()
        elif body:
            wire_of(connection).bound = for_exchange(self._limits, self._timeout)
        response = Response(self, origin, connection, url)
        if rule is not None:
            rule.record(response)
        return response

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

    def _connect(self, origin: Origin, bound: Bound, *, is_elsewhere: bool) -> Connection:
        proxy = self._proxies.choose(origin)
        context = self._contexts.get(self._tls) if origin.scheme == "https" else None
        with explained(origin):
            return self._connector.connect(origin, proxy, context, bound, may_be_here=not is_elsewhere)
