"""Connections as http.client makes them, at addresses that were looked at: resolved once, judged, then connected to."""

import http.client
import re
import socket
from collections.abc import Callable
from typing import Any

from .addresses import is_local
from .errors import Fault, Refused
from .origin import Origin
from .proxies import Proxy

Lookup = Callable[..., list[tuple[Any, ...]]]
"""Finds the addresses of a host and a port, in the shape of `socket.getaddrinfo`."""

_REFUSED = re.compile(r"Tunnel connection failed: (\d+)")


class _Dialled:
    """A connection to a host or its proxy. `peer` is the host's own address, empty behind a proxy."""

    peer = ""
    proxy: Proxy | None = None

    def dialled_by(self, lookup: Lookup, *, may_be_here: bool) -> None:
        """Have addresses found by `lookup`; those of this machine are passed over unless they are meant."""
        self._create_connection = _dialler(lookup, may_be_here=may_be_here)


class PlainConnection(_Dialled, http.client.HTTPConnection):
    """A connection without TLS."""


class SecuredConnection(_Dialled, http.client.HTTPSConnection):
    """A connection with TLS."""


Connection = PlainConnection | SecuredConnection


def connect(connection: Connection, origin: Origin) -> None:
    """Open a connection. Raises OSError, Refused, and what a proxy's refusal means."""
    try:
        connection.connect()
    except OSError as error:
        answered = _REFUSED.match(str(error))
        if answered and connection.proxy:
            raise connection.proxy.refusal(origin, int(answered[1])) from None
        raise
    except Fault:
        connection.close()
        raise
    if not connection.proxy:
        connection.peer = str(connection.sock.getpeername()[0])


def _dialler(lookup: Lookup, *, may_be_here: bool) -> Callable[..., socket.socket]:
    def dial(address: tuple[str, int], timeout: float | None = None, *_: object) -> socket.socket:
        failure: Exception = OSError(f"{address[0]}: has no address")
        for family, kind, protocol, _name, where in lookup(*address, type=socket.SOCK_STREAM):
            if not may_be_here and is_local(str(where[0])):
                failure = Refused(f"{address[0]}: is {where[0]}, of this very machine, and another host leads there")
                continue
            opened = socket.socket(family, kind, protocol)
            try:
                opened.settimeout(timeout)
                opened.connect(where)
            except OSError as error:
                opened.close()
                failure = error
            else:
                return opened
        raise failure

    return dial
