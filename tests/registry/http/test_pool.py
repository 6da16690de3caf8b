"""A connection opened ahead is the first request's, with its failure; one that nobody needs disturbs nobody."""

import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from registry.errors import BadCaFile, Fault, Unavailable, Untrusted
from registry.http.pool import ConnectionPool
from registry.http.transport import Transport
from registry.net.dial import look_up
from registry.net.limits import ending_within
from registry.net.tls import Tls
from tests.fakes.registry import FakeRegistry, fake_registry, serving
from tests.fakes.silent import silent_server
from tests.parts.certificate import tls_for_localhost

SECONDS = 3.0
"""Far less than a connection may take, and far more than its end does."""

NAME = "registry.example"


def ask(transport: Transport, url: str) -> int:
    """Ask for a URL; return the status."""
    with transport.request("GET", url, {}) as answer:
        answer.read(1 << 20)
        return answer.status


@pytest.mark.parametrize("is_encrypted", [False, True])
def test_the_first_request_uses_the_connection_that_was_opened_ahead(tmp_path: Path, *, is_encrypted: bool) -> None:
    """Law: with options of the host's own too, for which each caller gets the same transport."""
    context, ca = tls_for_localhost(tmp_path)
    trusted = Tls.trusting(str(ca))
    with serving(FakeRegistry(), context if is_encrypted else None) as fake:
        url = f"{'https' if is_encrypted else 'http'}://{fake.address}/v2/"
        whole = Transport(proxies={})
        whole.with_options(trusted, "", None).prepare(url)
        for _ in range(2):
            ask(whole.with_options(trusted, "", None), url)
        whole.close()
        assert fake.connections == 1


@pytest.mark.parametrize(("idle_seconds", "connections"), [(0.0, 3), (600.0, 1)])
def test_a_connection_that_was_idle_for_long_is_not_trusted(
    monkeypatch: pytest.MonkeyPatch, idle_seconds: float, connections: int
) -> None:
    """A gateway may have forgotten it without a word: a request on it would wait for its whole time, and fail."""
    monkeypatch.setattr("registry.http.transport.ConnectionPool", partial(ConnectionPool, idle_seconds))
    with fake_registry() as fake:
        transport = Transport(proxies={})
        for _ in range(3):
            ask(transport, f"http://{fake.address}/v2/")
        transport.close()
        assert fake.connections == connections


def test_requests_that_come_together_do_not_wait_for_one_connection() -> None:
    """One of them gets it; the others open their own."""
    with fake_registry() as fake:
        transport, url = Transport(proxies={}), f"http://{fake.address}/v2/"
        transport.prepare(url)
        together = threading.Barrier(8)

        def one() -> None:
            together.wait()
            ask(transport, url)

        threads = [threading.Thread(target=one) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(fake.requests) == 8
        assert 1 <= fake.connections <= 8
        transport.close()


@pytest.mark.parametrize(
    ("tls", "failure"),
    [
        (Tls(), Untrusted),
        (Tls.trusting("absent.pem"), BadCaFile),
    ],
)
def test_a_failure_is_the_first_requests(tmp_path: Path, tls: Tls, failure: type[Fault]) -> None:
    """Law: as if it had opened the connection itself; and the next request opens one anew."""
    context, _ = tls_for_localhost(tmp_path)
    with serving(FakeRegistry(), context) as fake:
        transport, url = Transport(proxies={}, tls=tls), f"https://{fake.address}/v2/"
        transport.prepare(url)
        for _ in range(2):
            with pytest.raises(failure):
                transport.request("GET", url, {})
        transport.close()


def test_a_host_that_is_away_is_the_first_requests_failure() -> None:
    """And no reason to fail for whoever comes when it is back."""
    with silent_server() as address:
        url = f"http://{address}/v2/"
    transport = Transport(proxies={})
    transport.prepare(url)
    with pytest.raises(Unavailable, match="refused"):
        transport.request("GET", url, {})


def begin(url: str) -> Transport:
    """Return a transport that opens a connection ahead, and that no name is known to."""
    transport = Transport(proxies={}, lookup=look_up_in_vain)
    transport.prepare(url)
    return transport


def look_up_in_vain(host: str, port: int, **wanted: int) -> list[tuple[Any, ...]]:
    """Look an address up, and a name without an end."""
    if host == NAME:
        threading.Event().wait(60)
    return look_up(host, port, **wanted)


def leave(transport: Transport, _: str) -> None:
    """Ask nothing."""
    transport.close()


def ask_in_vain(transport: Transport, url: str) -> None:
    """Ask with less time than the connection has."""
    with ending_within(0.2, transport.limits), pytest.raises(Unavailable, match="no whole answer within"):
        transport.request("GET", url, {})
    transport.close()


@pytest.mark.parametrize("way", [leave, ask_in_vain])
@pytest.mark.parametrize("name", ["{silent}", NAME])
def test_a_connection_that_nobody_waits_for_is_given_up(way: Callable[[Transport, str], None], name: str) -> None:
    """Law: closing ends it at once, in a handshake or a lookup, and leaves no thread that holds a lock over a fork."""
    before = set(threading.enumerate())
    with silent_server() as address:
        url = f"https://{name.format(silent=address)}/v2/"
        began = time.monotonic()
        way(begin(url), url)
        assert time.monotonic() - began < SECONDS
        left = set(threading.enumerate()) - before
        assert not [thread for thread in left if "_open" in thread.name]


def test_a_connection_that_nobody_needs_is_closed() -> None:
    """The server is not kept waiting."""
    with fake_registry() as fake:
        transport = Transport(proxies={})
        transport.prepare(f"http://{fake.address}/v2/")
        transport.close()
        assert fake.requests == []
