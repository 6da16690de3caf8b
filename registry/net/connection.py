"""Connections of http.client, on sockets that dial.py connected.

Tests: tests/registry/net/test_limits.py
"""

import http.client
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from .dial import Dialler, secure, tunnel
from .limits import Bound, Limits
from .origin import Origin
from .proxies import Proxy
from .tls_socket import TlsSocket
from .wire import Wire


class PlainConnection(http.client.HTTPConnection):
    """A connection without TLS. `peer` is the host's own address, empty behind a proxy."""

    peer = ""
    proxy: Proxy | None = None


class SecuredConnection(http.client.HTTPSConnection):
    """A connection with TLS; `peer` as in PlainConnection."""

    peer = ""
    proxy: Proxy | None = None


Connection = PlainConnection | SecuredConnection


@dataclass(frozen=True, slots=True)
class Connector:
    """Opens connections for one transport: address, proxy and TLS, all under one bound."""

    dialler: Dialler
    limits: Limits
    timeout_seconds: float
    connect_seconds: float

    def connect(
        self, origin: Origin, proxy: Proxy | None, context: ssl.SSLContext | None, bound: Bound, *, may_be_here: bool
    ) -> Connection:
        """Connect to a host, or through its proxy; `context` is for TLS. Raises OSError, Refused, ProxyRefused."""
        host, port = (proxy.host, proxy.port) if proxy else (origin.host, origin.port)
        sock = self.dialler.dial(
            host,
            port,
            lambda: min(self.connect_seconds, bound.wait()),
            may_be_here=bool(proxy) or may_be_here,
        )
        with closed_on_failure(sock):
            peer = "" if proxy else str(sock.getpeername()[0])
            if context and proxy:
                self._tunnel(sock, origin, proxy, bound)
        secured = secure(sock, context, origin.host, bound.wait) if context else sock
        with closed_on_failure(sock):
            wire = self._wire(secured, bound)
        connection: Connection
        if context:
            connection = SecuredConnection(origin.host, origin.port, context=context)
        else:
            connection = PlainConnection(origin.host, origin.port)
        connection.proxy, connection.peer = proxy, peer
        connection.sock = wire  # has the socket methods that http.client calls
        return connection

    def _tunnel(self, sock: socket.socket, origin: Origin, proxy: Proxy, bound: Bound) -> None:
        host = f"[{origin.host}]" if ":" in origin.host else origin.host
        status = tunnel(self._wire(sock, bound), f"{host}:{origin.port}", proxy.headers)
        if status != 200:
            raise proxy.refusal(origin, status)

    def _wire(self, sock: socket.socket | TlsSocket, bound: Bound) -> Wire:
        return Wire(sock, bound, self.limits.clock)


@contextmanager
def closed_on_failure(opened: Connection | socket.socket) -> Iterator[None]:
    """Close `opened` when the block raises."""
    try:
        yield
    except BaseException:
        opened.close()
        raise
