"""What the worker serves: admission behind TLS, and probes in the clear on a port of their own.

Tests: tests/webhook/test_serving.py
"""

import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from .tls import ServedCertificate
from .wsgi import Application


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """Two WSGI applications. Called as one, which gunicorn asks for, it is the admission."""

    admission: Application
    probes: Application
    probe_listen: str
    """HOST:PORT, or :PORT; empty means no port for probes."""

    certificate: ServedCertificate

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request to the admission."""
        return self.admission(environ, start_response)

    def bind_probes(self) -> socket.socket:
        """Return a socket that is bound to the probes' port."""
        host, _, port = bind_address(self.probe_listen).rpartition(":")
        host = host.strip("[]")
        if ":" not in host:
            return socket.create_server((host, int(port)))
        return socket.create_server((host, int(port)), family=socket.AF_INET6, dualstack_ipv6=True)


def bind_address(listen: str) -> str:
    """Return HOST:PORT; for :PORT, all addresses of the machine, those of IPv6 as well unless it has none."""
    if not listen.startswith(":"):
        return listen
    return f"[::]{listen}" if socket.has_dualstack_ipv6() else f"0.0.0.0{listen}"  # noqa: S104 - the pod's own
