"""One request and its answer, on a connection that the transport opened.

Tests: tests/registry/net/test_limits.py
"""

import http.client
import io
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, Self, cast

from registry.errors import Fault, Mismatch, Refused, Unavailable, Untrusted
from registry.net.addresses import is_loopback
from registry.net.connection import Connection
from registry.net.limits import Bound, Overdue
from registry.net.origin import Origin, redacted
from registry.net.wire import Wire
from registry.printable import printable

from .trace import Exchange

_LASTING_ALERTS = frozenset(
    {
        "ACCESS_DENIED",
        "BAD_CERTIFICATE",
        "CERTIFICATE_EXPIRED",
        "CERTIFICATE_REQUIRED",
        "CERTIFICATE_REVOKED",
        "CERTIFICATE_UNKNOWN",
        "HANDSHAKE_FAILURE",
        "INSUFFICIENT_SECURITY",
        "PROTOCOL_VERSION",
        "UNKNOWN_CA",
        "UNSUPPORTED_CERTIFICATE",
    }
)
"""What a server says of a client whom it will not take the next time either (RFC 8446 6.2), as OpenSSL names it."""

_CLIENT_HINT = (
    "give a client certificate that it trusts (--cert-file and --key-file, or `client` in hosts.toml), "
    "or ask its operator which TLS it speaks"
)


class Pool(Protocol):
    """Keeps connections that can be used again."""

    def release(self, origin: Origin, connection: Connection) -> None:
        """Keep a connection for the next request to its origin."""
        ...

    def floor(self) -> Bound:
        """Return the bound of a large body that begins now."""
        ...

    def answer(self) -> Bound:
        """Return the bound of the answer to a body that was sent."""
        ...


class Response:
    """An answer whose body is not read yet. The caller must close it; a body read to its end frees its connection."""

    def __init__(self, pool: Pool, origin: Origin, connection: Connection, url: str) -> None:
        self._pool, self._origin, self._connection = pool, origin, connection
        self.url = url
        self.is_from_loopback = is_loopback(connection.peer)
        """Whether the host itself answered from this machine; a proxy's address does not tell."""
        self.proxy = connection.proxy
        """The proxy in between, which may have answered itself where there is no TLS."""
        self._wire = wire_of(connection)
        try:
            with explained(origin):
                self._answer = _head_of(connection)
        except BaseException:
            connection.close()
            raise
        self.status = self._answer.status
        self.headers = self._answer.headers
        self.length = self._answer.length
        """How many body bytes the server announced, or None."""
        self._left = self.length
        self._broke: Exception | None = None
        self._is_bulk = self._is_large = False

    def readinto(self, buffer: memoryview) -> int:
        """Fill the buffer from the body, as far as that is quick (Wire.fill); return 0 at the body's end.

        Bytes that http.client has buffered behind the head come first. After them the wire is read directly: a larger
        read by http.client would lose all of it on a break. Bytes that came before a break are returned first: the next
        call raises Unavailable.
        """
        if not self._is_large:
            self._is_large, self._wire.bound = True, self._pool.floor()
        if self._broke is not None:
            raise _explain(self._origin, self._broke) from self._broke
        if self._left is None:  # chunked, or until the connection closes: http.client knows where it ends
            with explained(self._origin):
                return self._answer.readinto(buffer)
        filled, wanted = 0, min(len(buffer), self._left)
        try:
            if not self._is_bulk:
                filled = self._answer.fp.readinto1(buffer[:wanted])
            if self._is_bulk or (filled and wanted > io.DEFAULT_BUFFER_SIZE):
                self._is_bulk = True
                filled += self._wire.fill(buffer[filled:wanted])
        except (OSError, http.client.HTTPException) as error:
            self._broke = error
            if not filled:
                raise _explain(self._origin, error) from error
        self._left -= filled
        return filled

    def read(self, limit: int) -> bytes:
        """Return the whole body; raise Mismatch if it is longer than `limit` bytes, Unavailable if it ends early."""
        with explained(self._origin):
            content = self._answer.read(limit + 1)
        if len(content) < min(self.length or 0, limit):
            raise Unavailable(f"{redacted(self.url)}: the connection ended at byte {len(content)} of {self.length}")
        if len(content) > limit:
            raise Mismatch(f"{redacted(self.url)}: answered more than {limit} bytes")
        return content

    def close(self) -> None:
        """Release the connection when its body is read to the end, else close it."""
        is_clean = (self._left == 0 or self._answer.isclosed()) and not self._answer.will_close
        self._answer.close()
        if is_clean:
            self._pool.release(self._origin, self._connection)
        else:
            self._connection.close()

    def abort(self) -> None:
        """Break the connection, from any thread: a read in another thread fails."""
        self._wire.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class StreamingRequest:
    """A request whose body is written in parts; `finish` returns the answer."""

    def __init__(self, pool: Pool, origin: Origin, connection: Connection, url: str, exchange: Exchange) -> None:
        self._pool, self._origin, self._connection, self._url = pool, origin, connection, url
        self._exchange = exchange
        self._wire = wire_of(connection)
        self._wire.bound = pool.floor()

    def write(self, content: bytes | memoryview) -> bool:
        """Send the next bytes; return False when the server accepts no more: `finish` may then read the reason."""
        try:
            self._wire.send(memoryview(content))
        except (BrokenPipeError, ConnectionResetError):
            return False
        except OSError as error:
            if isinstance(error, Overdue) and self._wire.is_readable:
                return False
            raise _explain(self._origin, error) from error
        return True

    def finish(self) -> Response:
        """Read the answer's head, within the time that the registry may take for it: see limits.committing."""
        self._wire.bound = self._pool.answer()
        with self._exchange.failure_noted():
            return self._exchange.answered(Response(self._pool, self._origin, self._connection, self._url))

    def abort(self) -> None:
        """Close the connection before the request is complete."""
        self._connection.close()


def wire_of(connection: Connection) -> Wire:
    """Return the wire of one of our own connections."""
    return cast("Wire", connection.sock)


def _head_of(connection: Connection) -> http.client.HTTPResponse:
    """Read an answer's head; raise ConnectionError when it is cut off, which http.client takes for its end."""
    wire = wire_of(connection)
    answer = connection.getresponse()  # clears the `sock` of a connection that will close
    if wire.is_over:
        answer.close()
        raise ConnectionError("the connection ended within the head of an answer")
    return answer


@contextmanager
def explained(origin: Origin) -> Iterator[None]:
    """Convert the errors of sockets, TLS and http.client to Unavailable, Untrusted and Refused."""
    try:
        yield
    except (OSError, http.client.HTTPException) as error:
        raise _explain(origin, error) from error


def _explain(origin: Origin, error: Exception) -> Fault:
    if isinstance(error, ssl.SSLCertVerificationError):
        return Untrusted(f"{origin}: its certificate is not trusted: {printable(error.verify_message)}")
    if isinstance(error, ssl.SSLError) and error.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"):
        return Untrusted(f"{origin}: does not speak TLS", hint="use --plain-http if this registry speaks HTTP")
    if isinstance(error, ssl.SSLError) and (alert := (error.reason or "").partition("_ALERT_")[2]) in _LASTING_ALERTS:
        words = alert.replace("_", " ").lower()
        return Refused(f"{origin}: refuses TLS with this client: {words}", hint=_CLIENT_HINT)
    if isinstance(error, TimeoutError):
        return Unavailable(f"{origin}: {error if isinstance(error, Overdue) else 'no answer within the time limit'}")
    is_lasting = isinstance(error, socket.gaierror) and error.errno != socket.EAI_AGAIN
    return Unavailable(f"{origin}: {printable(str(error)) or type(error).__name__}", is_lasting=is_lasting)
