"""Clients that mean no good, or are merely slow: each holds a connection open in another phase of its life."""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

_PATIENCE_SECONDS = 20
_HEAD = b"POST /mutate/pods HTTP/1.1\r\nHost: webhook\r\nContent-Type: application/json\r\n"


@dataclass(frozen=True)
class Target:
    """A server behind TLS."""

    address: tuple[str, int]
    trusted: ssl.SSLContext

    def connect(self) -> socket.socket:
        """Return a TCP connection."""
        return socket.create_connection(self.address, _PATIENCE_SECONDS)

    def shake_hands(self) -> ssl.SSLSocket:
        """Return a connection behind TLS."""
        return self.trusted.wrap_socket(self.connect(), server_hostname=self.address[0])


def _silent(target: Target) -> socket.socket:
    return target.connect()


def _half_a_client_hello(target: Target) -> socket.socket:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    hello = target.trusted.wrap_bio(incoming, outgoing, server_hostname=target.address[0])
    try:
        hello.do_handshake()
    except ssl.SSLWantReadError:
        written = outgoing.read()
    client = target.connect()
    client.sendall(written[: len(written) // 2])
    return client


def _silent_behind_tls(target: Target) -> socket.socket:
    return target.shake_hands()


def _sends(content: bytes) -> Callable[[Target], socket.socket]:
    def connect(target: Target) -> socket.socket:
        client = target.shake_hands()
        client.settimeout(0.5)  # a server that reads no further is no concern of a hostile client's
        with suppress(OSError):
            client.sendall(content)
        return client

    return connect


PHASES: dict[str, Callable[[Target], socket.socket]] = {
    "a connection without a byte": _silent,
    "half a ClientHello": _half_a_client_hello,
    "a handshake and nothing after it": _silent_behind_tls,
    "half a request line": _sends(b"POST /mut"),
    "half a head": _sends(_HEAD),
    "a head without its body": _sends(_HEAD + b"Content-Length: 1000\r\n\r\n"),
    "half a small body": _sends(_HEAD + b"Content-Length: 20000\r\n\r\n" + b" " * 10_000),
    "half a large body": _sends(_HEAD + b"Content-Length: 4000000\r\n\r\n" + b" " * 2_000_000),
    "a body that waits for 100 Continue": _sends(_HEAD + b"Content-Length: 1000\r\nExpect: 100-continue\r\n\r\n"),
    "chunks without an end": _sends(_HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"5\r\n     \r\n" * 1000),
    "a head without an end": _sends(_HEAD + b"X-Padding: " + b"x" * 30_000),
    "answers that nobody reads": _sends(b"GET /healthz HTTP/1.1\r\nHost: webhook\r\n\r\n" * 5000),
}
"""What a client does before it stalls, by its description."""


@contextmanager
def stalled(target: Target, phase: str, count: int) -> Iterator[list[socket.socket]]:
    """Hold `count` connections open in one phase until the block ends."""
    with ExitStack() as open_connections:
        yield [open_connections.enter_context(PHASES[phase](target)) for _ in range(count)]


def trickle(client: socket.socket, content: bytes) -> int:
    """Send a byte at a time, ever again, until the server hangs up; return how many it took."""
    client.settimeout(0.2)
    for sent, byte in enumerate(content):
        try:
            client.sendall(bytes([byte]))
            if not client.recv(1):
                return sent
        except TimeoutError:
            continue  # the pause between two bytes
        except OSError:
            return sent
    return len(content)
