"""Hosts of the internet on loopback: an HTTP proxy leads every tunnel to one TLS server, which answers by host name.

Endpoints on a node, which are asked without a proxy and without TLS, answer at a loopback address of their own.
"""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path

from cryptography import x509

from registry.access.access import Access
from registry.access.environment import access_from
from tests.parts.certificate import certificate_of

from .registry import Answer, FakeRegistry, Request, serving

Site = Callable[[Request], Answer]

_HOP_BY_HOP = ("connection", "transfer-encoding", "content-length", "date", "keep-alive")


class Internet(FakeRegistry):
    """Sites by host name; each request is noted in `requests`, and its host in `asked`."""

    def __init__(self) -> None:
        super().__init__()
        self.sites: dict[str, Site] = {}
        self.asked: list[str] = []
        self.proxy, self.node, self.ca_file = "", "", ""

    def honest(self, request: Request) -> Answer:
        """Answer as the site of the Host header; the node's endpoints are the site "node"."""
        host = request.headers["host"]
        self.asked.append("node" if host == self.node else host)
        site = self.sites.get("node" if host == self.node else host)
        return site(request) if site else Answer(404)

    def environ(self, **variables: str) -> dict[str, str]:
        """Return a pod's environment: the proxy, and what the test adds."""
        return {"HTTPS_PROXY": f"http://{self.proxy}", "HOME": "/nonexistent", **variables}

    def access(self, environ: dict[str, str], token: tuple[str, str] | None = None) -> Access:
        """Return the access of a program in that environment."""
        return access_from(environ, ca_file=self.ca_file, token=token)


@contextmanager
def internet(folder: Path, hosts: Sequence[str]) -> Iterator[Internet]:
    """Serve an internet in which `hosts` have certificates, until the block ends."""
    with ExitStack() as stack:
        fake = Internet()
        certificate, key = certificate_of([x509.DNSName(host) for host in hosts], folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        stack.enter_context(serving(fake))
        fake.node = fake.address
        stack.enter_context(serving(fake, context))
        fake.ca_file = str(certificate)
        fake.proxy = stack.enter_context(_tunnels(("127.0.0.1", int(fake.address.rpartition(":")[2]))))
        yield fake


def forwarded(address: str) -> Site:
    """Return a site that is a real registry's front: it passes each request on, and the answer back."""

    def site(request: Request) -> Answer:
        connection = HTTPConnection(address, timeout=30)
        try:
            headers = {name: value for name, value in request.headers.items() if name not in ("host", "authorization")}
            connection.request(request.method, request.path, request.body or None, headers)
            answer = connection.getresponse()
            kept = {name: value for name, value in answer.getheaders() if name.lower() not in _HOP_BY_HOP}
            if "Location" in kept:
                kept["Location"] = kept["Location"].replace(f"http://{address}", "")
            body = answer.read()
            return Answer(answer.status, body, kept, int(answer.headers.get("Content-Length", len(body))))
        finally:
            connection.close()

    return site


def guarded(site: Site, is_let_in: Callable[[str], bool], challenge: str) -> Site:
    """Return a site that asks for what the challenge says until the Authorization header is let in."""

    def guard(request: Request) -> Answer:
        if is_let_in(request.headers.get("authorization", "")):
            return site(request)
        return Answer(401, headers={"WWW-Authenticate": challenge})

    return guard


@contextmanager
def _tunnels(target: tuple[str, int]) -> Iterator[str]:
    """Run a proxy that opens every tunnel (CONNECT) to one address; yield its own."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=tunnel, args=(client,), daemon=True).start()

    def tunnel(client: socket.socket) -> None:
        with suppress(OSError), client, socket.create_connection(target) as server:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                piece = client.recv(1)
                if not piece:
                    return
                head += piece
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            back = threading.Thread(target=_copy, args=(server, client), daemon=True)
            back.start()
            _copy(client, server)
            back.join()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while content := source.recv(1 << 16):
            sink.sendall(content)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
