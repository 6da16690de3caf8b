"""Redirects of every method, by one rule."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from registry.access.access import Access
from registry.auth.credentials import Credentials
from registry.digest import Digest
from registry.errors import Fault, Refused, Unavailable
from registry.http.transport import Transport
from registry.net.origin import Origin, redacted, resolved
from registry.net.tls import Tls
from registry.open import open_pusher, open_repository
from registry.source import parse_source
from tests.fakes import faults
from tests.fakes.patience import HASTY
from tests.fakes.registry import Answer, FakeRegistry, Request, fake_registry, serving
from tests.parts.certificate import tls_for_localhost
from tests.puller.models import layer, manifest_of, offer, put_manifest

CONTENT = b"x" * 1000
MANIFEST = manifest_of([layer("a", CONTENT)])


@pytest.fixture
def fake() -> Iterator[FakeRegistry]:
    """Serve an empty registry."""
    with fake_registry() as running:
        yield running


def nobody(tls: Tls | None = None) -> Access:
    """Reach registries without credentials."""
    transport = Transport(proxies={}, timeout_seconds=5, tls=tls or Tls())
    return Access(transport=transport, credentials=Credentials(), patience=HASTY)


def moved_once(status: int, method: str, fake: FakeRegistry, path: str) -> None:
    """Have the first request to a path redirected; what it brought is not taken."""

    def change(request: Request, _answer: Answer) -> Answer:
        fake.forget(request)
        where, _, query = request.path.partition("?")
        return Answer(status, headers={"Location": f"{where}?moved=1&{query}"})

    fake.fail(change, method=method, path=path, times=1)


@pytest.mark.parametrize("status", [307, 308])
@pytest.mark.parametrize(("method", "path"), [("POST", "/uploads/$"), ("PUT", "/uploads/"), ("PUT", "/manifests/")])
def test_a_write_that_is_led_on_is_sent_again_whole(fake: FakeRegistry, status: int, method: str, path: str) -> None:
    """307 and 308 keep the method and the body (RFC 9110, 15.4)."""
    moved_once(status, method, fake, path)
    with nobody() as access:
        pusher = open_pusher(parse_source(fake.reference()), access)
        pusher.put(CONTENT, Digest.of(CONTENT))
        put_manifest(pusher, MANIFEST)
    assert fake.blobs == {str(Digest.of(CONTENT)): CONTENT}
    assert fake.manifests["v1"] == MANIFEST.to_bytes()
    again = [request for request in fake.requests if "moved=1" in request.path]
    assert {request.method for request in again} >= {method}


@pytest.mark.parametrize(("status", "words"), [(301, "301"), (302, "302"), (303, "404")])
def test_a_write_that_would_become_a_read_is_not_taken_for_done(fake: FakeRegistry, status: int, words: str) -> None:
    """301 and 302 are not followed, 303 is, as a GET, whose answer is none to a write."""
    fake.fail(faults.status(status, Location="/elsewhere"), method="POST", path="/uploads/$")
    with nobody() as access, pytest.raises(Fault, match=words):
        open_pusher(parse_source(fake.reference()), access).put(CONTENT, Digest.of(CONTENT))
    assert [request.method for request in fake.requests if request.path == "/elsewhere"] == ["GET"] * (status == 303)


def test_what_is_secret_goes_to_no_other_host(fake: FakeRegistry, tmp_path: Path) -> None:
    """A body goes where it is led, credentials do not."""
    file = tmp_path / "config.json"
    file.write_text(f'{{"auths":{{"{fake.address}":{{"username":"me","password":"hush"}}}}}}')

    def asking(request: Request, answer: Answer) -> Answer:
        return (
            answer if "authorization" in request.headers else Answer(401, headers={"WWW-Authenticate": "Basic realm=r"})
        )

    with fake_registry() as store:

        def leading(request: Request, answer: Answer) -> Answer:
            there = {"Location": f"http://{store.address}{request.path}"}
            return replace(answer, status=307, headers=there) if answer.status == 201 else answer

        fake.fail(asking, method="PUT", path="/manifests/")
        fake.fail(leading, method="PUT", path="/manifests/")
        transport = Transport(proxies={}, timeout_seconds=5)
        with Access(transport=transport, credentials=Credentials.load([file])) as access:
            put_manifest(open_pusher(parse_source(fake.reference()), access), MANIFEST)
        assert [request.method for request in store.requests] == ["PUT"]
        assert store.requests[0].body == MANIFEST.to_bytes()
        assert "authorization" not in store.requests[0].headers


def test_an_answer_is_the_word_of_the_host_that_gave_it(fake: FakeRegistry) -> None:
    """A store that refuses says nothing of the user's login at the registry; one that is down will be back."""
    offer(fake, {"a": CONTENT})
    with fake_registry() as store, nobody() as access:
        fake.fail(faults.redirected(f"http://{store.address}/x"), path="/blobs/")
        repository = open_repository(parse_source(fake.reference()), access)
        layers = repository.resolve().manifest.layers
        for status, fault in ((403, Refused), (401, Refused), (404, Refused), (500, Unavailable)):
            store.fail(faults.status(status), path="/x", times=20)
            with pytest.raises(fault, match=f"{store.address}/x.* leads to: {status}") as caught:
                repository.read(layers[0], 2000)
            assert "login" not in caught.value.hint
            store.faults.clear()


def test_https_leads_to_no_plain_http(fake: FakeRegistry, tmp_path: Path) -> None:
    """Neither a read nor a write nor a realm, on the same machine or on another."""
    context, certificate = tls_for_localhost(tmp_path)
    hosts = tmp_path / "certs.d"
    with serving(FakeRegistry(), context) as secured:
        (hosts / secured.address.replace(":", "_")).parent.mkdir()
        place = hosts / f"{secured.address.replace(':', '_')}_"
        place.mkdir()
        (place / "hosts.toml").write_text(f'server = "https://{secured.address}"\nca = "{certificate}"')
        offer(secured, {"a": CONTENT})
        plain = f"http://{fake.address}"
        secured.fail(faults.redirected(plain), path="/manifests/v1")
        secured.fail(faults.status(202, Location=plain), method="POST", path="/uploads/")
        secured.fail(faults.status(401, WWW_Authenticate=f'Bearer realm="{plain}/token"'), path="/manifests/v2")
        transport = Transport(proxies={}, timeout_seconds=5)
        with Access(transport=transport, credentials=Credentials(), hosts_dir=str(hosts)) as access:
            source = parse_source(secured.reference())
            with pytest.raises(Refused, match="without TLS"):
                open_repository(source, access).resolve()
            with pytest.raises(Refused, match="without TLS"):
                open_repository(parse_source(secured.reference("v2")), access).resolve()
            with pytest.raises(Refused, match="without TLS"):
                open_pusher(source, access).put(CONTENT, Digest.of(CONTENT))
    assert fake.requests == []


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/store/modèle/", "https://h/store/mod%C3%A8le/"),
        ("/a b/?c= d", "https://h/a%20b/?c=%20d"),
        ("//other/x", "https://other/x"),
        ("1", "https://h/v2/m/uploads/1"),
        ("?x=1", "https://h/v2/m/uploads/0?x=1"),
        ("../../y", "https://h/v2/y"),
        ("  https://h:5000/%20%e2?sig=a%2Fb+c==  ", "https://h:5000/%20%e2?sig=a%2Fb+c=="),
        ("HTTPS://H/X", "https://H/X"),
        ("http://[::2]:5000/", "http://[::2]:5000/"),
        ("/模型", "https://h/%E6%A8%A1%E5%9E%8B"),
        ("/\xff", "https://h/%FF"),
    ],
)
def test_a_location_becomes_a_url(location: str, url: str) -> None:
    """Relative to what was asked, and with everything encoded that no request line can carry."""
    as_header = location.encode().decode("latin-1") if location != "/\xff" else location
    assert resolved("https://h/v2/m/uploads/0", as_header) == url


@pytest.mark.parametrize(
    "location",
    [
        "http://[::1", "http://h:99999/", "http://h:abc/", "http://a b/", "http://h:0/", "http://h:-1/", "ftp://h/",
        "http://", "http:///x", "javascript:alert(1)", "http://h\x1b[2J/", "/a\r\nX: y", "/\x00", "http://é/", "http://a..b/",
        f"http://{'a' * 64}.b/", f"http://{'a.' * 200}b/", "http://[fe80::1%25eth0]/", "http://[v1.x]/", "http://h]/",
        "http://a%00b/", "http://<h>/", "//[", "http://\\h/",
    ],
)  # fmt: skip
def test_a_location_that_is_no_url_is_refused_by_name(location: str) -> None:
    """Never another exception, and the message prints."""
    with pytest.raises(Refused) as caught:
        resolved("https://h/v2/", location)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("url", ["http://[::1", "http://u:secret@h:x/secret?secret", "secret", "", "http://h/\x1b[2J"])
def test_a_url_in_a_message_never_fails_and_always_prints(url: str) -> None:
    """Even where it is none."""
    shown = redacted(url)
    assert shown.isprintable()
    assert "u:secret" not in shown


def test_origins_are_compared_as_browsers_do() -> None:
    """Case and the port that a scheme has anyway make no difference; a user in front does not, either."""
    assert Origin.of("HTTP://H:80/x") == Origin.of("http://user:pass@h/")
    assert Origin.of("https://h") != Origin.of("http://h")
