"""Registries behind a proxy: HTTP_PROXY, HTTPS_PROXY and NO_PROXY mean what they mean to every tool."""

import pytest

from registry.client import Access
from registry.credentials import Credentials
from registry.errors import Unavailable
from registry.places import repository_at
from registry.source import parse_source
from registry.transport import Transport
from tests.fakes import faults
from tests.fakes.registry import FakeRegistry, fake_registry
from tests.puller.models import offer

ELSEWHERE = "registry.example"  # a name that nobody resolves: who reaches it went through the proxy


def reach(proxies: dict[str, str], *, plain: bool = True) -> Access:
    """Reach registries through proxies."""
    transport = Transport(proxies=proxies, timeout_seconds=5)
    return Access(transport=transport, credentials=Credentials(), plain_http=(ELSEWHERE,) if plain else ())


def resolve(access: Access, registry: str = ELSEWHERE) -> str:
    """Look a reference up."""
    with access:
        return str(repository_at(parse_source(f"{registry}/team/model:v1"), access).resolve().digest)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for no registry."""
    monkeypatch.setattr("registry.retry._FIRST_SECONDS", 0.0)


def test_plain_http_goes_through_the_proxy_with_its_credentials() -> None:
    """The proxy is asked with the whole URL, and gets the user that its own URL names."""
    with fake_registry() as proxy:
        digest = offer(proxy, {"a": b"x"})
        assert resolve(reach({"http": f"http://me:h%40sh@{proxy.address}"})) == str(digest)
        request = proxy.requests[0]
        assert request.path == f"http://{ELSEWHERE}/v2/team/model/manifests/v1"
        assert request.headers["proxy-authorization"] == "Basic bWU6aEBzaA=="
        assert request.headers["host"] == ELSEWHERE


def test_https_asks_the_proxy_for_a_tunnel_and_nothing_more() -> None:
    """A proxy that refuses the tunnel has seen neither path nor credentials."""
    with fake_registry() as proxy:
        with pytest.raises(Unavailable, match="Tunnel connection failed"):
            reach({"https": f"http://{proxy.address}"}, plain=False).transport.request(
                "GET", f"https://{ELSEWHERE}/v2/", {}
            )
        assert proxy.requests == []


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("exception", [ELSEWHERE, ".example", "*"])
def test_no_proxy_means_no_proxy(exception: str) -> None:
    """A registry that is excepted is not asked through the proxy, reachable or not."""
    with fake_registry() as proxy:
        offer(proxy, {"a": b"x"})
        with pytest.raises(Unavailable):
            resolve(reach({"http": f"http://{proxy.address}", "no": exception}))
        assert proxy.requests == []


def test_loopback_is_never_proxied() -> None:
    """A registry on this machine is asked directly."""
    with fake_registry() as registry, fake_registry() as proxy:
        digest = offer(registry, {"a": b"x"})
        access = reach({"http": f"http://{proxy.address}"})
        assert resolve(access, registry.address) == str(digest)
        assert proxy.requests == []


def test_a_redirect_out_of_the_proxys_reach_keeps_to_the_rules() -> None:
    """Each address is looked at by itself: a blob on loopback is fetched directly, though its registry was proxied."""
    with fake_registry() as storage, fake_registry() as proxy:
        digest = offer(proxy, {"a": b"x"})
        _forward_blobs(proxy, storage)
        with reach({"http": f"http://{proxy.address}"}) as access:
            repository = repository_at(parse_source(f"{ELSEWHERE}/team/model:v1"), access)
            resolved = repository.resolve()
            assert repository.read(resolved.manifest.layers[0], 10) == b"x"
        assert str(resolved.digest) == str(digest)
        assert len(storage.requests) == 1


def _forward_blobs(proxy: FakeRegistry, storage: FakeRegistry) -> None:
    storage.add_blob(b"x")
    blob = next(iter(storage.blobs))
    proxy.fail(faults.redirected(f"http://{storage.address}/v2/team/model/blobs/{blob}"))
