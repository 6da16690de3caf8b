"""Connections as http.client makes them, on sockets that were connected by ourselves (dial.py)."""

import http.client

from .proxies import Proxy


class PlainConnection(http.client.HTTPConnection):
    """A connection without TLS. `peer` is the host's own address, empty behind a proxy."""

    peer = ""
    proxy: Proxy | None = None


class SecuredConnection(http.client.HTTPSConnection):
    """A connection with TLS; as above."""

    peer = ""
    proxy: Proxy | None = None


Connection = PlainConnection | SecuredConnection
