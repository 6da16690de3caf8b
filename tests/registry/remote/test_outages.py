"""Outages that end, at each request of a pull: they cost time, and waits of over a second are told."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from puller.pull import pull
from puller.settings import Settings
from registry.access.access import Access
from registry.auth.credentials import Credentials
from registry.errors import Fault, Unavailable
from registry.http.transport import Transport
from registry.progress.reporter import QuietReporter
from tests.fakes import faults
from tests.fakes.clock import Clock
from tests.fakes.hub import REPOSITORY, fake_hub
from tests.fakes.manner import Manner
from tests.fakes.registry import Answer, Change, FakeRegistry, Request, fake_registry
from tests.fakes.tokens import TokenServer
from tests.puller.models import noise, offer, read_tree

MODEL = {"config.json": b"{}", "weights": noise(200_000)}
DATE = "Wed, 25 Nov 2026 18:20:01 GMT"
SEVEN_LATER = (
    "Wed, 25 Nov 2026 18:20:08 GMT",
    "Wednesday, 25-Nov-26 18:20:08 GMT",
    "Wed Nov 25 18:20:08 2026",
    "7",
)


def reach(clock: Clock, **changes: object) -> Access:
    """Reach registries by a clock."""
    transport = Transport(proxies={}, timeout_seconds=5)
    values = {"credentials": Credentials(), "patience": clock.patience(), **changes}
    return Access(transport=transport, **values)  # type: ignore[arg-type] # each test its own


def bring(source: str, folder: Path, access: Access) -> None:
    """Pull a model, and see that it is the right one."""
    settings = Settings(source=source, destination=str(folder / "model"), piece_bytes=50_000, connections=4)
    with access:
        pull(settings, access, QuietReporter())
    assert read_tree(folder / "model") == MODEL


OUTAGES: dict[str, Change] = {
    "500": faults.status(500),
    "502": faults.status(502),
    "503": faults.status(503),
    "504": faults.status(504),
    "429": faults.status(429),
    "408": faults.status(408),
    "hangs up": faults.mannered(Manner(cut_at=0)),
    "hangs up in the body": faults.mannered(Manner(cut_at=300)),
}


@pytest.mark.parametrize("path", ["/manifests/", "/blobs/"])
@pytest.mark.parametrize("outage", OUTAGES)
def test_an_outage_of_half_a_minute_is_waited_out(tmp_path: Path, path: str, outage: str) -> None:
    """Whatever a registry answers meanwhile, or nothing."""
    clock = Clock()
    with fake_registry() as fake:
        offer(fake, MODEL)
        fake.fail(OUTAGES[outage], path=path, until=lambda: clock.now > 30)
        bring(fake.reference(), tmp_path, reach(clock))
        assert clock.waits
        assert all(fake.address in str(wait) for wait in clock.waits)


@pytest.mark.parametrize("asked", SEVEN_LATER)
@pytest.mark.parametrize("path", ["/manifests/", "/blobs/"])
def test_a_registry_that_says_when_it_is_back_is_asked_then(tmp_path: Path, path: str, asked: str) -> None:
    """Seconds or a date: the next request comes then, and one wait is enough."""
    clock = Clock()
    with fake_registry() as fake:
        offer(fake, {"weights": noise(50_000)})
        fake.fail(faults.status(429, Retry_After=asked, Date=DATE), path=path, until=lambda: clock.now >= 7)
        settings = Settings(source=fake.reference(), destination=str(tmp_path / "model"), connections=1)
        with reach(clock) as access:
            pull(settings, access, QuietReporter())
        assert [round(wait.seconds) for wait in clock.waits] == [7]


def test_a_registry_that_stays_away_ends_the_pull(tmp_path: Path) -> None:
    """After a minute, by its name."""
    clock = Clock()
    with fake_registry() as fake:
        offer(fake, MODEL)
        fake.fail(faults.status(503), path="/manifests/")
        with pytest.raises(Unavailable, match=fake.address):
            bring(fake.reference(), tmp_path, reach(clock))
    assert 55 < clock.now < 70


@pytest.mark.parametrize("asked", SEVEN_LATER)
def test_a_token_server_is_waited_for_as_it_asks(tmp_path: Path, asked: str) -> None:
    """Its Retry-After counts like any registry's."""
    clock = Clock()
    with TokenServer() as tokens, fake_registry() as fake, fake_registry() as before:
        tokens.script.anonymous_actions = frozenset({"pull"})
        offer(fake, MODEL)
        before.fail(faults.status(429, Retry_After=asked, Date=DATE), path="/token", until=lambda: clock.now >= 7)
        before.fail(forwarded(tokens, lambda: clock.now >= 7), path="/token")
        realm = f'Bearer realm="http://{before.address}/token",service="registry"'
        fake.fail(faults.status(401, WWW_Authenticate=realm), path="/manifests/", times=1)
        bring(fake.reference(), tmp_path, reach(clock))
    assert [round(wait.seconds) for wait in clock.waits] == [7]


def forwarded(tokens: TokenServer, is_well: Callable[[], bool]) -> Change:
    """Answer with a token, once all is well."""

    def change(request: Request, answer: Answer) -> Answer:
        del request
        if not is_well():
            return answer
        return Answer(200, b'{"token": "%s"}' % tokens.token([]).encode())

    return change


def test_the_hub_is_waited_for_too(tmp_path: Path) -> None:
    """At its listing, at small files, and at its network for large ones."""
    clock = Clock()
    with fake_hub() as hub:
        hub.commit(MODEL)
        for fake in (hub, hub.cdn):
            fake.fail(faults.status(503), path="", until=lambda: clock.now > 20)
        bring(f"hf://{REPOSITORY}", tmp_path, reach(clock, hub_endpoint=hub.endpoint))
    assert clock.waits


def test_a_mirror_that_is_away_is_not_waited_for(tmp_path: Path) -> None:
    """Another host that is ready is asked at once."""
    clock = Clock()
    with fake_registry() as mirror, fake_registry() as origin:
        offer(origin, MODEL)
        offer(mirror, MODEL)
        mirror.fail(faults.status(503, Retry_After="100"), path="")
        place = tmp_path / "certs.d" / f"{origin.address.replace(':', '_')}_"
        place.mkdir(parents=True)
        (place / "hosts.toml").write_text(f'[host."http://{mirror.address}"]')
        bring(origin.reference(), tmp_path, reach(clock, hosts_dir=str(place.parent)))
    assert clock.waits == []


def test_a_name_that_does_not_exist_is_given_up_soon(tmp_path: Path) -> None:
    """It may be a moment's failure of the resolver, but seldom is."""
    clock = Clock()

    def lookup(*_: object, **__: object) -> list[tuple[object, ...]]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    transport = Transport(proxies={}, timeout_seconds=5, lookup=lookup)
    access = Access(transport=transport, credentials=Credentials(), patience=clock.patience())
    with pytest.raises(Unavailable, match="not known"):
        bring("registry.example/team/model:v1", tmp_path, access)
    assert clock.now <= 6


def count(fake: FakeRegistry, path: str) -> int:
    """Return how many requests for a path came."""
    return len([request for request in fake.requests if path in request.path])


@pytest.mark.parametrize("status", [400, 403, 404, 410, 501])
def test_what_will_not_pass_is_asked_once(tmp_path: Path, status: int) -> None:
    """No patience for a verdict."""
    clock = Clock()
    with fake_registry() as fake:
        offer(fake, MODEL)
        fake.fail(faults.status(status), path="/manifests/")
        with pytest.raises(Fault, match=str(status)):
            bring(fake.reference(), tmp_path, reach(clock))
        assert count(fake, "/manifests/") == 1
    assert clock.now == 0


@pytest.mark.parametrize("stops_after", [0, 2])
def test_a_registry_that_is_started_anew_is_waited_for(tmp_path: Path, stops_after: int) -> None:
    """Connections are refused for a quarter of a minute, at once or in mid-pull: they cost that time."""
    clock = Clock()
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = server.getsockname()[1]

    with fake_registry() as fake:
        offer(fake, MODEL)
        fake.fail(faults.with_headers(Connection="close"), path="")

        def lookup(host: str, port: int, **kind: int) -> list[tuple[object, ...]]:
            is_away = len(fake.requests) >= stops_after and clock.now < 15
            return list(socket.getaddrinfo(host, closed if is_away else port, **kind))

        transport = Transport(proxies={}, timeout_seconds=5, lookup=lookup)
        access = Access(transport=transport, credentials=Credentials(), patience=clock.patience())
        bring(fake.reference(), tmp_path, access)
    assert 15 <= clock.now < 60
