"""What the network may take ends, however it is cut up; and what lives is not ended."""

import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.access.access import Access
from registry.auth.credentials import Credentials
from registry.errors import Fault, Unavailable
from registry.http.retry import Patience
from registry.http.transport import Transport
from registry.net.limits import Bound, Floor, Limits, Overdue, committing, ending_within, for_answer, for_exchange
from registry.net.tls import Tls
from registry.open import open_repository
from registry.source import parse_source
from tests.fakes import faults
from tests.fakes.clock import Clock
from tests.fakes.hub import REPOSITORY, fake_hub
from tests.fakes.manner import Manner
from tests.fakes.patience import HASTY
from tests.fakes.registry import FakeRegistry, fake_registry, serving
from tests.fakes.silent import silent_server
from tests.parts.certificate import tls_for_localhost
from tests.puller.models import offer

LIMITS = Limits(exchange_seconds=0.4, hurried_seconds=0.2, commit_seconds=0.4, floor_seconds=0.3)
SECONDS = 5.0
"""Far more than any of these limits, and far less than a trickle would take."""

STEPS = st.lists(st.tuples(st.integers(0, 100), st.floats(0.001, 40)), max_size=300)


def lasted(bound: Bound, clock: Clock, steps: list[tuple[int, float]]) -> float | None:
    """Let bytes come after some seconds each, as a socket would; return when that was ended, or None."""
    for count, seconds in steps:
        left = seconds
        try:
            while left > 0:
                waited = min(bound.wait(), left)
                clock.sleep(waited)
                left -= waited
                bound.passed(count if left <= 0 else 0, waited)
        except Overdue:
            return clock.now
    return None


@given(STEPS)
def test_a_small_exchange_ends_as_a_whole(steps: list[tuple[int, float]]) -> None:
    """Law: however its bytes come, it has 30 s and a second for each 16 KiB, and no pause is longer than a silence."""
    clock = Clock()
    ended = lasted(for_exchange(Limits(clock=clock), 30), clock, [*steps, (1, 100.0)])
    assert ended is not None
    assert ended <= 30 + sum(count for count, _ in steps) / (16 << 10) + 0.1


@given(STEPS)
def test_a_large_body_that_trickles_ends(steps: list[tuple[int, float]]) -> None:
    """Law: what comes with less than a kilobyte a second ends within two minutes of waiting."""
    clock = Clock()
    trickle = [(min(count, int(seconds * 900)), seconds) for count, seconds in steps]
    ended = lasted(Floor(Limits(clock=clock), 30), clock, [*trickle, *[(20, 3.0)] * 100])
    assert ended is not None
    assert ended <= 120 + 40


@given(st.lists(st.floats(0.001, 25), min_size=1, max_size=300))
def test_a_slow_line_that_lives_is_not_cut(pauses: list[float]) -> None:
    """Law: 40 kB/s go on for ever, in pieces of any size."""
    clock = Clock()
    steps = [(int(seconds * 40_000) + 1, seconds) for seconds in pauses]
    assert lasted(Floor(Limits(clock=clock), 30), clock, steps * 20) is None


def test_a_large_manifest_over_a_slow_line_is_not_cut() -> None:
    """Four megabytes at 40 kB/s take longer than a small exchange may."""
    clock = Clock()
    assert lasted(for_exchange(Limits(clock=clock), 30), clock, [(40_000, 1.0)] * 105) is None


def test_a_host_that_is_not_the_last_has_little_time() -> None:
    """All that it does together, such as redirects and tokens, ends within ten seconds; nothing prolongs that."""
    clock = Clock()
    limits = Limits(clock=clock)
    with ending_within(10, limits):
        assert lasted(for_exchange(limits, 30), clock, [(0, 6.0)]) is None
        assert lasted(for_exchange(limits, 30), clock, [(50_000, 1.0)] * 20) == pytest.approx(10, abs=0.1)


def test_the_answer_to_a_commit_may_be_silent() -> None:
    """It is waited for as its size needs it, and told once."""
    clock = Clock()
    limits = Limits(clock=clock)
    said: list[float] = []
    with committing(10**11, said.append):
        assert lasted(for_answer(limits), clock, [(100, 2000.0)]) is None
    assert [round(left) for left in said] == [2010]
    clock = Clock()
    assert lasted(for_answer(Limits(clock=clock)), clock, [(0, 1e6)]) == pytest.approx(300, abs=0.1)


def reach(limits: Limits = LIMITS, hosts_dir: str = "", **changes: object) -> Access:
    """Reach registries with little time."""
    transport = Transport(proxies={}, timeout_seconds=0.4, limits=limits, **changes)  # type: ignore[arg-type] # each its own
    return Access(transport=transport, credentials=Credentials(), patience=HASTY, hosts_dir=hosts_dir)


def timed(call: Callable[[], object]) -> float:
    """Expect an Unavailable; return how long it took."""
    began = time.monotonic()
    with pytest.raises(Unavailable):
        call()
    return time.monotonic() - began


MANNERS = {
    "stops": Manner(stops_at=20),
    "stops in the body": Manner(stops_at=150),
    "trickles": Manner(trickles_at=0),
    "trickles in the body": Manner(trickles_at=150),
}


@pytest.mark.parametrize("manner", MANNERS)
def test_a_request_that_trickles_ends(manner: str) -> None:
    """In the head or the body, a byte each 20 ms."""
    with fake_registry() as fake, reach() as access:
        offer(fake, {"a": b"x" * 1000})
        fake.fail(faults.mannered(MANNERS[manner]), path="/manifests/")

        def whole() -> None:
            with access.transport.request("GET", f"http://{fake.address}/v2/team/model/manifests/v1", {}) as answer:
                answer.read(1 << 20)

        assert timed(whole) < SECONDS


@pytest.mark.parametrize("manner", ["stops in the body", "trickles in the body"])
@pytest.mark.parametrize("kind", ["with a length", "chunked", "through TLS"])
def test_a_large_body_is_held_to_its_floor(tmp_path: Path, manner: str, kind: str) -> None:
    """Its length known or not: a byte each 20 ms is too little, and what came is given first."""
    context, ca = tls_for_localhost(tmp_path)
    tls = context if kind == "through TLS" else None
    with serving(FakeRegistry(), tls) as fake, reach(tls=Tls.trusting(str(ca))) as access:
        digest = fake.add_blob(b"x" * 100_000)
        if kind == "chunked":
            fake.fail(faults.with_headers(Transfer_Encoding="chunked"))
            fake.fail(lambda _, answer: replace(answer, body=b"186a0\r\n" + answer.body))
        fake.fail(faults.mannered(MANNERS[manner]))
        url = f"{'https' if tls else 'http'}://{fake.address}/v2/team/model/blobs/{digest}"

        def whole() -> None:
            with access.transport.request("GET", url, {}) as answer:
                buffer = memoryview(bytearray(100_000))
                while answer.readinto(buffer):
                    pass

        assert timed(whole) < SECONDS


@pytest.mark.parametrize("kind", ["plain", "through TLS"])
@pytest.mark.parametrize("count", [0, 1, 9_000, 70_000])
def test_what_came_before_a_break_is_given_first(tmp_path: Path, kind: str, count: int) -> None:
    """A connection that is reset in mid-body costs nothing that had come, and is then a named failure, or an end."""
    context, ca = tls_for_localhost(tmp_path)
    transport = Transport(proxies={}, tls=Tls.trusting(str(ca)))
    with serving(FakeRegistry(), context if kind != "plain" else None) as fake, closing(transport):
        digest = fake.add_blob(b"x" * 100_000)
        fake.fail(faults.truncated(count))
        url = f"{'https' if kind != 'plain' else 'http'}://{fake.address}/v2/team/model/blobs/{digest}"
        buffer, came = memoryview(bytearray(100_000)), 0
        with transport.request("GET", url, {}) as answer:
            try:
                while got := answer.readinto(buffer):
                    came += got
            except Unavailable:
                pass
        assert came == count


def test_a_server_that_takes_no_bytes_ends_an_upload() -> None:
    """What nobody reads cannot be sent: the connection is given up, of a large body and of a small one."""
    with silent_server() as address, reach() as access:

        def stream() -> None:
            outgoing = access.transport.stream("PATCH", f"http://{address}/", {"Content-Length": str(1 << 30)})
            try:
                for _ in range(1 << 10):
                    outgoing.write(bytes(1 << 20))
            finally:
                outgoing.abort()

        assert timed(stream) < SECONDS
        assert timed(lambda: access.transport.request("PUT", f"http://{address}/", {}, bytes(64 << 20))) < SECONDS


def test_tls_and_tunnels_end_too() -> None:
    """A handshake, and a proxy's word, are waited for no longer than an answer."""
    with silent_server() as address:
        with reach() as access:
            assert timed(lambda: access.transport.request("GET", f"https://{address}/", {})) < SECONDS
        proxied = Transport(proxies={"https": f"http://{address}"}, timeout_seconds=0.4, limits=LIMITS)
        assert timed(lambda: proxied.request("GET", "https://registry.example/", {})) < SECONDS
    with fake_registry() as fake:
        fake.fail(faults.mannered(Manner(trickles_at=0)), method="CONNECT", path="")
        proxied = Transport(proxies={"https": f"http://{fake.address}"}, timeout_seconds=0.4, limits=LIMITS)
        with pytest.raises(Fault):
            proxied.request("GET", "https://registry.example/", {})


def test_a_lookup_that_does_not_end_is_left_behind() -> None:
    """The system's resolver keeps its own time: neither a request nor an interruption waits for it."""
    stuck = threading.Event()

    def lookup(*_: object, **__: object) -> list[tuple[object, ...]]:
        stuck.wait(60)
        return []

    with reach(lookup=lookup) as access:
        assert timed(lambda: access.transport.request("GET", "http://registry.example/", {})) < SECONDS
    with reach(Limits(), lookup=lookup) as patient:
        breaker = threading.Timer(0.05, patient.transport.interrupt)
        breaker.start()
        assert timed(lambda: patient.transport.request("GET", "http://registry.example/", {})) < SECONDS
        breaker.join()
    stuck.set()


@pytest.mark.parametrize("manner", MANNERS)
def test_a_mirror_that_trickles_is_left_for_the_registry(tmp_path: Path, manner: str) -> None:
    """With another host to ask it has little time, and the registry answers."""
    with fake_registry() as mirror, fake_registry() as origin:
        for fake in (mirror, origin):
            digest = offer(fake, {"a": b"x" * 1000})
        mirror.fail(faults.mannered(MANNERS[manner]), path="")
        place = tmp_path / f"{origin.address.replace(':', '_')}_"
        place.mkdir()
        (place / "hosts.toml").write_text(f'[host."http://{mirror.address}"]')
        with reach(hosts_dir=str(tmp_path)) as access:
            began = time.monotonic()
            repository = open_repository(parse_source(origin.reference()), access)
            assert repository.resolve().digest == digest
            assert time.monotonic() - began < SECONDS


def asked(fake: FakeRegistry, method: str) -> int:
    """Return how many requests with a method came."""
    return len([request for request in fake.requests if request.method == method])


@pytest.mark.parametrize(("method", "times"), [("GET", 2), ("HEAD", 2), ("POST", 1), ("PUT", 1), ("PATCH", 1)])
def test_only_what_changes_nothing_is_sent_again_blindly(method: str, times: int) -> None:
    """A kept connection that the server closes under a request: a read is asked again, and a write may have acted."""
    with fake_registry() as fake, reach() as access:
        fake.add_blob(b"x")
        url = f"http://{fake.address}/v2/team/model/blobs/uploads/"
        with access.transport.request("GET", url, {}) as answer:
            answer.read(1 << 20)
        fake.requests.clear()
        fake.fail(faults.mannered(Manner(cut_at=0)), method=method, path="", times=1)
        try:
            access.transport.request(method, url, {}, None if times == 2 else b"").close()
        except Unavailable:
            assert times == 1
        assert asked(fake, method) == times


def test_a_read_that_was_late_is_not_sent_again_blindly() -> None:
    """A time limit says nothing of whether the server is at work: one request, one failure."""
    with fake_registry() as fake, reach() as access:
        url = f"http://{fake.address}/v2/team/model/manifests/v1"
        with access.transport.request("GET", url, {}) as answer:
            answer.read(1 << 20)
        fake.fail(faults.mannered(Manner(late_seconds=2)), path="")
        assert timed(lambda: access.transport.request("GET", url, {})) < SECONDS
        assert asked(fake, "GET") == 2


def test_a_handshake_that_is_broken_off_is_a_named_failure() -> None:
    """Interrupting while TLS begins ends it at once."""
    with silent_server() as address, reach(Limits()) as access:
        breaker = threading.Timer(0.05, access.transport.interrupt)
        breaker.start()
        assert timed(lambda: access.transport.request("GET", f"https://{address}/", {})) < SECONDS
        breaker.join()


def test_the_hubs_listing_ends_too() -> None:
    """What the package `huggingface_hub` reads goes over the same wires."""
    with fake_hub() as hub:
        hub.commit({"config.json": b"{}" * 200})
        hub.fail(faults.mannered(MANNERS["trickles in the body"]), path="/api/models/")
        transport = Transport(proxies={}, timeout_seconds=0.4, limits=LIMITS)
        access = Access(
            transport=transport,
            credentials=Credentials(),
            hub_endpoint=hub.endpoint,
            patience=Patience(seconds=0.5, sleep=lambda _: None),
        )
        assert timed(lambda: open_repository(parse_source(f"hf://{REPOSITORY}"), access).resolve()) < SECONDS


def test_a_connection_behind_tls_is_kept(tmp_path: Path) -> None:
    """Looking whether the server hung up takes no healthy connection for a dead one."""
    context, ca = tls_for_localhost(tmp_path)
    with serving(FakeRegistry(), context) as fake, reach(Limits(), tls=Tls.trusting(str(ca))) as access:
        url = f"https://{fake.address}/v2/team/model/blobs/{fake.add_blob(b'x' * 100_000)}"
        for _ in range(5):
            with access.transport.request("GET", url, {}) as answer:
                answer.read(1 << 20)
        assert context.session_stats()["accept"] == 1
