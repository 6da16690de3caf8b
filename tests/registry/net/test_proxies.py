"""Registries behind a proxy: HTTP_PROXY, HTTPS_PROXY and NO_PROXY mean what they mean to every tool."""

import socket
from contextlib import closing
from typing import Any

import pytest

from registry.access.access import Access
from registry.auth.credentials import Credentials
from registry.digest import Digest
from registry.errors import BadProxy, Fault, ProxyRefused, Refused, Unauthorized, Unavailable
from registry.http.redirects import RedirectRule
from registry.http.transport import Transport
from registry.net.origin import Origin
from registry.net.proxies import Proxies, Proxy
from registry.open import open_pusher, open_repository
from registry.source import parse_source
from tests.fakes import faults
from tests.fakes.patience import HASTY
from tests.fakes.registry import Answer, fake_registry
from tests.puller.models import offer

ELSEWHERE = "registry.example"  # a name that nobody resolves: who reaches it went through the proxy


def reach(proxies: dict[str, str], *, plain: bool = True) -> Access:
    """Reach registries through proxies."""
    transport = Transport(proxies=proxies, timeout_seconds=5)
    return Access(
        transport=transport, credentials=Credentials(), plain_http=(ELSEWHERE,) if plain else (), patience=HASTY
    )


def resolve(access: Access, registry: str = ELSEWHERE) -> str:
    """Look a reference up."""
    with access:
        return str(open_repository(parse_source(f"{registry}/team/model:v1"), access).resolve().digest)


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
        with pytest.raises(ProxyRefused, match=f"the proxy {proxy.address} answered 501"):
            reach({"https": f"http://{proxy.address}"}, plain=False).transport.request(
                "GET", f"https://{ELSEWHERE}/v2/", {}
            )
        assert proxy.requests == []


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
    """Each address is looked at by itself: a registry on loopback is asked directly, its store through the proxy."""
    with fake_registry() as registry, fake_registry() as proxy:
        digest = offer(registry, {"a": b"x"})
        proxy.add_blob(b"x")
        registry.fail(faults.redirected("http://storage.example{path}"))
        with reach({"http": f"http://{proxy.address}"}) as access:
            repository = open_repository(parse_source(registry.reference()), access)
            resolved = repository.resolve()
            assert repository.read(resolved.manifest.layers[0], 10) == b"x"
        assert str(resolved.digest) == str(digest)
        assert [request.path.partition("/v2/")[0] for request in proxy.requests] == ["http://storage.example"]


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:1/", "http://127.1:1/", "http://2130706433:1/", "http://0x7f000001:1/", "http://0.0.0.0:1/",
        "http://[::1]:1/", "http://[::ffff:127.0.0.1]:1/", "http://[::]:1/", "http://[64:ff9b::7f00:1]:1/",
        "http://localhost:1/", "http://localhost.:1/", "http://LOCALHOST:1/", "http://a.localhost:1/",
        "http://169.254.169.254/latest/meta-data", "http://[fe80::1]/", "http://127.0.0.1.:1/", "http://017700000001:1/",
    ],
)  # fmt: skip
@pytest.mark.parametrize("what", ["redirect", "realm", "upload"])
def test_a_registry_elsewhere_leads_nobody_to_this_machine(target: str, what: str) -> None:
    """However the address is spelled, by a redirect, by a token's realm, or by where a blob is to be sent."""
    with fake_registry() as proxy:
        offer(proxy, {"a": b"x"})
        if what == "redirect":
            proxy.fail(faults.redirected(target), path="/manifests/")
        elif what == "realm":
            proxy.fail(faults.status(401, WWW_Authenticate=f'Bearer realm="{target}"'), path="/manifests/")
        else:
            proxy.fail(faults.status(202, Location=target), method="POST", path="/uploads/")
        source = parse_source(f"{ELSEWHERE}/team/model:v1")
        with reach({"http": f"http://{proxy.address}"}) as access:
            pusher, repository = open_pusher(source, access), open_repository(source, access)
            act = repository.resolve if what != "upload" else lambda: pusher.put(b"y", Digest.of(b"y"))
            with pytest.raises(Refused, match="very machine"):
                act()


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "169.254.169.254", "0.0.0.0", "::ffff:127.0.0.1", "fe80::1"])  # noqa: S104 - refused here
@pytest.mark.parametrize("what", ["redirect", "realm"])
def test_a_name_is_judged_by_the_address_that_it_is_connected_to(address: str, what: str) -> None:
    """Looked up once, judged, and then connected to: a name that turns into another address meanwhile wins nothing."""
    asked: list[str] = []

    def lookup(host: str, port: int, **_: object) -> list[tuple[Any, ...]]:
        asked.append(host)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        where = (address, port, 0, 0) if ":" in address else (address, port)
        return (
            [(family, socket.SOCK_STREAM, 0, "", where)]
            if host == "store.example"
            else socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )

    with fake_registry() as proxy:
        offer(proxy, {"a": b"x"})
        if what == "redirect":
            proxy.fail(faults.redirected("http://store.example/x"), path="/manifests/")
        else:
            proxy.fail(faults.status(401, WWW_Authenticate='Bearer realm="http://store.example/t"'), path="/manifests/")
        proxies = {"http": f"http://{proxy.address}", "no": "store.example"}
        transport = Transport(proxies=proxies, timeout_seconds=5, lookup=lookup)
        access = Access(transport=transport, credentials=Credentials(), plain_http=(ELSEWHERE,), patience=HASTY)
        with pytest.raises(Refused, match=r"store\.example: is .*very machine"):
            resolve(access)
    assert asked.count("store.example") == 1


def test_a_kept_connection_to_this_machine_is_no_way_round_the_rule() -> None:
    """The operator's own mirror on loopback is asked; who is led to its address gets no use of that connection."""
    with fake_registry() as mirror:
        offer(mirror, {"a": b"x"})
        with closing(Transport(proxies={}, timeout_seconds=5)) as transport:
            url = f"http://{mirror.address}/v2/team/model/manifests/v1"
            with transport.request("GET", url, {}) as response:
                response.read(1 << 20)
            with pytest.raises(Refused, match="very machine"):
                transport.request("GET", url, {}, rule=RedirectRule(Origin.of("https://registry.example")))
            with transport.request("GET", url, {}) as response:
                assert response.status == 200


@pytest.mark.parametrize(
    ("no_proxy", "host", "is_direct"),
    [
        ("10.0.0.0/8", "http://10.1.2.3:5000", True),
        ("10.0.0.0/8", "http://11.1.2.3:5000", False),
        ("10.1.2.3/8", "http://10.200.0.1", True),
        ("fd00::/8", "http://[fd12::1]:5000", True),
        ("fd00::/8", "http://[fe12::1]:5000", False),
        ("10.0.0.0/8", "http://[::ffff:10.1.1.1]", True),
        ("10.0.0.0/8", "http://ten.example", False),
        ("10.0.0.0/999", "http://10.1.2.3", False),
        ("10.1.2.3", "http://10.1.2.3:5000", True),
        ("10.1.2.3:5000", "http://10.1.2.3:5000", True),
        ("10.1.2.3:5001", "http://10.1.2.3:5000", False),
        ("[fd00::1]:5000", "http://[fd00::1]:5000", True),
        ("[fd00::1]:5001", "http://[fd00::1]:5000", False),
        ("[fd00::1]", "http://[fd00:0::1]", True),
        ("fd00::1", "http://[fd00::1]", True),
        ("reg.example", "http://reg.example", True),
        ("reg.example", "http://a.reg.example", True),
        ("reg.example", "http://areg.example", False),
        (".reg.example", "http://a.b.reg.example", True),
        (".reg.example", "http://reg.example", False),
        ("*.reg.example", "http://a.reg.example", True),
        ("*.reg.example", "http://reg.example", False),
        ("REG.example.", "http://reg.EXAMPLE", True),
        ("reg.example", "http://reg.example.", True),
        ("reg.example:443", "https://reg.example", True),
        ("reg.example:80", "https://reg.example", False),
        (" a.example , , reg.example ", "http://reg.example", True),
        ("a,*", "http://reg.example", True),
        ("example", "http://example.com", False),
        (",.,:,/,[,]:,:80,[]:80,*.", "http://reg.example", False),
        ("", "http://127.0.0.1:5000", True),
        ("", "http://127.9.9.9", True),
        ("", "http://[::1]", True),
        ("", "http://localhost", True),
        ("", "http://localhost.", True),
        ("", "http://reg.example", False),
    ],
)
def test_no_proxy_is_read_as_go_reads_it(no_proxy: str, host: str, is_direct: bool) -> None:  # noqa: FBT001 - a table
    """Names, networks, ports, blanks, capitals and dots (golang.org/x/net/http/httpproxy)."""
    proxies = Proxies({"http": "http://proxy:3128", "https": "http://proxy:3128", "no": no_proxy})
    assert (proxies.choose(Origin.of(host)) is None) == is_direct


@pytest.mark.parametrize(
    "address",
    [
        "https://me:hush@h:3128", "socks5://me:hush@h:1080", "http://me:hush@h:port", "http://", "http://me:hush@[::1",
        "h:99999", "ftp://h", "http://a b/", "me:hush@", "socks5h://h", "://", "http://h:0",
    ],
)  # fmt: skip
def test_a_proxy_that_is_not_spoken_to_is_refused_before_connecting(address: str) -> None:
    """Plain HTTP to what speaks TLS or SOCKS would show the password; what is no URL is told as such."""
    for scheme in ("http", "https"):
        with pytest.raises(BadProxy, match="the proxy") as caught:
            Transport(proxies={scheme: address}, lookup=unasked).request("GET", f"{scheme}://{ELSEWHERE}/v2/", {})
        assert "hush" not in str(caught.value)
    excepted = Transport(proxies={"http": address, "no": ELSEWHERE}, lookup=unasked)
    with pytest.raises(LookupError):
        excepted.request("GET", f"http://{ELSEWHERE}/v2/", {})


def unasked(host: str, *_: object, **__: object) -> list[tuple[Any, ...]]:
    """Fail whoever connects."""
    raise LookupError(host)


@pytest.mark.parametrize("status", [403, 407])
def test_a_proxys_own_refusal_is_called_so_and_tried_once(status: int) -> None:
    """Nobody is sent to `docker login` for it."""
    with fake_registry() as proxy:
        proxy.fail(lambda *_: Answer(status, b"<html>denied"), path="")
        with pytest.raises(ProxyRefused, match=f"the proxy {proxy.address} answered itself") as caught:
            resolve(reach({"http": f"http://{proxy.address}"}))
        assert "login" not in caught.value.hint
        assert len(proxy.requests) == 1


def test_a_registrys_refusal_behind_a_proxy_stays_the_registrys() -> None:
    """It speaks as registries do."""
    with fake_registry() as proxy:
        proxy.fail(lambda *_: Answer(403, b'{"errors":[{"code":"DENIED","message":"not you"}]}'), path="")
        with pytest.raises(Unauthorized, match=r"DENIED: not you \(through the proxy"):
            resolve(reach({"http": f"http://{proxy.address}"}))


@pytest.mark.parametrize(
    ("status", "fault"), [(403, ProxyRefused), (407, ProxyRefused), (502, Unavailable), (503, Unavailable)]
)
def test_a_tunnel_that_is_refused_is_the_proxys_word(status: int, fault: type[Fault]) -> None:
    """A refusal is tried once; a proxy that is overloaded may be back."""
    origin = Origin.of(f"https://{ELSEWHERE}")
    said = Proxy.parse("me:hush@proxy:3128").refusal(origin, status)
    assert isinstance(said, fault)
    assert str(said) == f"the proxy proxy:3128 answered {status} when asked for a tunnel to https://{ELSEWHERE}"
