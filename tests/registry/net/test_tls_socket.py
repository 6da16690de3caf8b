"""TLS in large blocks, against OpenSSL's own server at the other end of a socket pair."""

import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.net.limits import Bound, Deadline, Floor, Limits, Overdue
from registry.net.tls_socket import WAIT_FOR_ALL, Incomplete, TlsSocket
from registry.net.wire import Wire
from tests.fakes.clock import Clock
from tests.parts.certificate import tls_for_localhost
from tests.puller.models import noise

CONTENT = noise(1 << 20)
WAIT_SECONDS = 30.0


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return a server's context and one that trusts it."""
    server, certificate = tls_for_localhost(tmp_path_factory.mktemp("tls"))
    return server, ssl.create_default_context(cafile=str(certificate))


@contextmanager
def connected(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> Iterator[tuple[ssl.SSLSocket, TlsSocket]]:
    """Yield both ends of a connection after their handshake."""
    ours, theirs = socket.socketpair()
    with theirs, ours:
        ends = list[ssl.SSLSocket]()

        def accept() -> None:
            ends.append(contexts[0].wrap_socket(theirs, server_side=True))

        thread = threading.Thread(target=accept)
        thread.start()
        client = TlsSocket(ours, contexts[1], "127.0.0.1")
        client.do_handshake(lambda: WAIT_SECONDS)
        thread.join()
        with ends[0]:
            yield ends[0], client


def received(client: TlsSocket, buffer: memoryview) -> int:
    """Receive content; what has none, such as a session ticket, is passed over."""
    while True:
        with suppress(Incomplete):
            return client.recv_into(buffer)


def read(client: TlsSocket, sizes: list[int]) -> bytes:
    """Read as many bytes as the sizes say, in buffers of those sizes, and wait for whole blocks as a Wire does."""
    client.settimeout(None)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("@ll", int(WAIT_SECONDS), 0))
    got = b""
    for size in sizes:
        buffer, filled = memoryview(bytearray(size)), 0
        while filled < size:
            with suppress(Incomplete):
                filled += client.recv_into(buffer[filled:], size - filled, WAIT_FOR_ALL)
        got += bytes(buffer)
    return got


@settings(deadline=10_000, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    writes=st.lists(st.integers(1, 60_000), min_size=1, max_size=8),
    cuts=st.lists(st.integers(1, 100_000), max_size=8),
)
def test_what_is_still_to_come_is_never_waited_for_in_vain(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext], writes: list[int], cuts: list[int]
) -> None:
    """Law: whatever records the bytes come in, and whatever buffers ask for them, no read waits for more than comes."""
    total = sum(writes)
    sizes, left = list[int](), total
    for cut in cuts:
        if cut < left:
            sizes.append(cut)
            left -= cut
    with connected(contexts) as (server, client):

        def write() -> None:
            sent = 0
            for size in writes:
                server.sendall(CONTENT[sent : sent + size])
                sent += size

        thread = threading.Thread(target=write)
        thread.start()
        assert read(client, [*sizes, left]) == CONTENT[:total]
        thread.join()
        assert not client.is_readable()


@settings(deadline=10_000, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from(["look", "write", "read"]), max_size=30), size=st.integers(1, 40_000))
def test_looking_whether_content_has_come_takes_none_of_it(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext], steps: list[str], size: int
) -> None:
    """Law: it is there when what was written is not read, then and only then; tickets after the handshake are none."""
    with connected(contexts) as (server, client):
        client.settimeout(WAIT_SECONDS)
        written = got = b""
        for step in steps:
            if step == "write":
                server.sendall(CONTENT[len(written) : len(written) + size])
                written = CONTENT[: len(written) + size]
            elif step == "read" and len(got) < len(written):
                buffer = memoryview(bytearray(size))
                got += bytes(buffer[: client.recv_into(buffer)])
            assert client.is_readable() == (len(got) < len(written))
            assert got == written[: len(got)]


@pytest.mark.parametrize("is_orderly", [True, False])
def test_the_end_is_something_to_read(contexts: tuple[ssl.SSLContext, ssl.SSLContext], *, is_orderly: bool) -> None:
    """A server that closed an idle connection is not asked on it."""
    with connected(contexts) as (server, client):
        if is_orderly:
            server.settimeout(0.01)
            with suppress(OSError):
                server.unwrap()
        else:
            server.shutdown(socket.SHUT_RDWR)
        assert client.is_readable()
        client.settimeout(WAIT_SECONDS)
        assert client.recv_into(memoryview(bytearray(10))) == 0


@pytest.mark.parametrize("size", [1, 16 << 10, (16 << 10) + 1, 700_000])
def test_bytes_sent_arrive(contexts: tuple[ssl.SSLContext, ssl.SSLContext], size: int) -> None:
    """However many there are: each call says how many it took."""
    with connected(contexts) as (server, client):
        client.settimeout(WAIT_SECONDS)

        def write() -> None:
            content = memoryview(CONTENT)[:size]
            while content:
                content = content[client.send(content) :]

        thread = threading.Thread(target=write)
        thread.start()
        got = b""
        while len(got) < size:
            got += server.recv(1 << 16)
        thread.join()
        assert got == CONTENT[:size]


def test_a_time_limit_loses_nothing(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    """A read that ended for want of bytes, and a write for want of room, go on where they were."""
    with connected(contexts) as (server, client):
        client.settimeout(0.01)
        with pytest.raises(TimeoutError):
            received(client, memoryview(bytearray(10)))
        content, timeouts = memoryview(CONTENT), 0
        got = bytearray()
        server.settimeout(0.01)
        while content or len(got) < len(CONTENT):
            try:
                content = content[client.send(content) :] if content else content
            except TimeoutError:
                timeouts += 1
            try:
                got += server.recv(1 << 16)
            except TimeoutError:
                continue
        assert timeouts
        assert bytes(got) == CONTENT
        server.sendall(b"0123456789")
        assert read(client, [10]) == b"0123456789"


@pytest.mark.parametrize("is_polite", [True, False])
def test_the_end_is_the_end(contexts: tuple[ssl.SSLContext, ssl.SSLContext], *, is_polite: bool) -> None:
    """With a farewell of TLS or without one, as most servers close: bytes before it are read, then there are none."""
    with connected(contexts) as (server, client):
        server.sendall(b"last words")
        client.settimeout(WAIT_SECONDS)
        if is_polite:
            server.settimeout(0.01)
            with pytest.raises(TimeoutError):  # it waits for ours, too
                server.unwrap()
        else:
            server.shutdown(socket.SHUT_RDWR)
        buffer = memoryview(bytearray(100))
        assert [received(client, buffer) for _ in range(3)] == [10, 0, 0]


def test_a_server_that_hangs_up_in_the_handshake_is_no_server(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    """An error, and no endless wait."""
    ours, theirs = socket.socketpair()
    with ours:
        theirs.close()
        with pytest.raises(OSError, match=r"handshake|Broken pipe|reset"):
            TlsSocket(ours, contexts[1], "127.0.0.1").do_handshake(lambda: WAIT_SECONDS)


def test_a_certificate_of_another_name_is_refused(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    """And the server is told why, by an alert."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        told = list[str]()

        def accept() -> None:
            try:
                contexts[0].wrap_socket(theirs, server_side=True).recv(1)
            except ssl.SSLError as error:
                told.append(str(error.reason))

        thread = threading.Thread(target=accept)
        thread.start()
        with pytest.raises(ssl.SSLCertVerificationError):
            TlsSocket(ours, contexts[1], "registry.example").do_handshake(lambda: WAIT_SECONDS)
        ours.close()
        thread.join()
        assert told == ["SSLV3_ALERT_BAD_CERTIFICATE"]


def test_what_a_server_said_before_it_hung_up_is_told(tmp_path: Path) -> None:
    """It wants a certificate, says so behind the handshake (TLS 1.3), and is gone when the first request comes."""
    server, certificate = tls_for_localhost(tmp_path)
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_verify_locations(certificate)
    ours, theirs = socket.socketpair()

    def refuse() -> None:
        with theirs, suppress(OSError):
            server.wrap_socket(theirs, server_side=True)

    thread = threading.Thread(target=refuse)
    thread.start()
    with ours:
        client = TlsSocket(ours, ssl.create_default_context(cafile=str(certificate)), "127.0.0.1")
        client.do_handshake(lambda: WAIT_SECONDS)
        thread.join()
        with pytest.raises(ssl.SSLError, match="certificate required"):
            client.send(memoryview(b"GET / HTTP/1.1"))


class Packets(socket.socket):
    """One end of a pair that receives what was sent at once by itself, and has no options of TCP."""

    def setsockopt(self, level: int, *option: Any) -> None:
        """Pass options on, but for those of TCP."""
        if level != socket.IPPROTO_TCP:
            super().setsockopt(level, *option)


@contextmanager
def trickled(contexts: tuple[ssl.SSLContext, ssl.SSLContext], content: bytes) -> Iterator[TlsSocket]:
    """Yield a client to which one record came byte by byte."""
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    contexts[0].num_tickets = 0  # each would be a record of its own
    received, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = contexts[0].wrap_bio(received, sent, server_side=True)
    with other, Packets(fileno=one.detach()) as ours:

        def accept() -> None:
            while True:
                try:
                    server.do_handshake()
                except ssl.SSLWantReadError:
                    if sent.pending:
                        other.send(sent.read())
                    received.write(other.recv(1 << 16))
                else:
                    return

        thread = threading.Thread(target=accept)
        thread.start()
        client = TlsSocket(ours, contexts[1], "127.0.0.1")
        client.do_handshake(lambda: WAIT_SECONDS)
        thread.join()
        server.write(content)
        for byte in sent.read():
            other.send(bytes([byte]))
        yield client


def test_whoever_waits_is_asked_after_each_part_of_a_record(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    """Law: no call receives more than once without a word: time limits are looked at between."""
    with trickled(contexts, b"x" * 50) as client:
        client.settimeout(WAIT_SECONDS)
        buffer, parts, count = memoryview(bytearray(100)), list[int](), 0
        while not count:
            try:
                count = client.recv_into(buffer)
            except Incomplete as part:
                parts.append(part.received)
    assert bytes(buffer[:count]) == b"x" * 50
    assert parts == [1] * len(parts)
    assert len(parts) > count


@pytest.mark.parametrize("is_bulk", [False, True])
def test_a_record_that_trickles_is_over_when_its_time_is(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext], *, is_bulk: bool
) -> None:
    """Each byte takes a second of a clock: an exchange has eight, a large body a minute."""
    clock = Clock()

    def second() -> float:
        clock.sleep(1)  # it is read before each receive, and after it
        return clock.now

    limits = Limits(clock=lambda: clock.now)
    with trickled(contexts, b"x" * 50) as client:
        bound: Bound = Floor(limits, 30) if is_bulk else Deadline(limits, 8, 30, None)
        wire = Wire(client, bound, second)
        with pytest.raises(Overdue):
            (wire.fill if is_bulk else wire.receive)(memoryview(bytearray(100)))
    assert clock.now < 2 * 70
