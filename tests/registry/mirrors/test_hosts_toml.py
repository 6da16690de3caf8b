"""Who serves a registry: containerd's hosts.toml read, looked up, and refused with the key that is wrong."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.access.access import Access
from registry.access.environment import access_from
from registry.auth.credentials import Credentials
from registry.digest import Digest
from registry.errors import BadCaFile, BadMirrors, NotFound, Untrusted
from registry.http.transport import Transport
from registry.mirrors.directory import find_hosts, folder_names
from registry.mirrors.host import Host
from registry.mirrors.hosts_toml import MIRROR_CONNECT_SECONDS, parse_hosts
from registry.mirrors.pod_text import check_text
from registry.net.tls import Tls
from registry.open import open_pusher, open_repository
from registry.reference import Reference
from registry.source import parse_source
from tests.conftest import Part
from tests.fakes import faults
from tests.fakes.patience import HASTY
from tests.fakes.registry import FakeRegistry, fake_registry, serving
from tests.fakes.tokens import TokenServer
from tests.parts.certificate import certificate_for_localhost, tls_for_localhost
from tests.parts.distribution import Registry, running_registry
from tests.puller.models import offer
from tests.registry.remote.test_pull import access as as_porter
from tests.registry.remote.test_pull import there_and_back

ITSELF = Host(root="https://reg.example/v2")
FILE = Path("/certs.d/reg.example/hosts.toml")


def parse(text: str) -> tuple[Host, ...]:
    """Read a hosts.toml of reg.example."""
    return parse_hosts(text.encode(), FILE, ITSELF)


def roots(text: str) -> list[str]:
    """Return the addresses of a hosts.toml, in order."""
    return [host.root for host in parse(text)]


HOST_NAMES = st.from_regex(r"[a-z]{1,8}\.example(:[1-9][0-9]{3})?", fullmatch=True)


@given(st.lists(st.tuples(st.sampled_from(["http", "https"]), HOST_NAMES), unique=True, max_size=6))
def test_hosts_are_asked_in_the_order_of_the_file_and_the_registry_last(hosts: list[tuple[str, str]]) -> None:
    """Law: what is written first is asked first; the registry itself stands behind all, written or not."""
    addresses = [f"{scheme}://{name}" for scheme, name in hosts]
    text = "".join(f'[host."{address}"]\n' for address in addresses)
    assert roots(text) == [*(f"{address}/v2" for address in addresses), ITSELF.root]


@pytest.mark.parametrize(
    ("written", "override", "root"),
    [
        ("https://m.example", False, "https://m.example/v2"),
        ("https://m.example/", False, "https://m.example/v2"),
        ("https://m.example/v2", False, "https://m.example/v2"),
        ("https://m.example/us//", False, "https://m.example/us/v2"),
        ("https://m.example/v2/proxy/", True, "https://m.example/v2/proxy"),
        ("https://m.example", True, "https://m.example"),
        ("m.example:5000", False, "https://m.example:5000/v2"),
        ("http://10.0.0.1:4001", False, "http://10.0.0.1:4001/v2"),
        ("http://[::1]:5000", False, "http://[::1]:5000/v2"),
        ("https://docker.io", False, "https://registry-1.docker.io/v2"),
        ("https://user:secret@m.example", False, "https://m.example/v2"),
    ],
)
def test_an_address_becomes_the_root_of_an_api(written: str, override: bool, root: str) -> None:  # noqa: FBT001 - a case
    """/v2 stands at its end unless the file says that the path is whole; without a scheme it is https."""
    assert roots(f'[host."{written}"]\noverride_path = {str(override).lower()}')[0] == root


def test_server_takes_the_registrys_place() -> None:
    """Only if `server` is the registry is it asked; what is written twice is asked once, where it came first."""
    assert roots('server = "http://inner.example"') == ["http://inner.example/v2"]
    twice = 'server = "https://docker.io"\n[host."https://registry-1.docker.io"]\n[host."https://m.example"]'
    assert roots(twice) == ["https://registry-1.docker.io/v2", "https://m.example/v2"]


def test_capabilities_say_what_a_host_is_trusted_with() -> None:
    """None written means all; one that may not be pulled from is left out; push is nothing to a reader."""
    first, second, last = parse(
        '[host."https://a"]\ncapabilities = ["Pull"]\n'
        '[host."https://b"]\n[host."https://c"]\ncapabilities = ["push", "resolve"]'
    )
    assert (first.can_pull, first.can_resolve) == (True, False)
    assert (second.can_pull, second.can_resolve) == (True, True)
    assert last == ITSELF


def test_the_registry_keeps_its_trust_where_the_file_names_no_server() -> None:
    """Capabilities at the top speak of `server`; without one they take nothing from the registry, as in containerd."""
    (upstream,) = parse('capabilities = ["push"]\nca = "ca.pem"')
    assert (upstream.can_pull, upstream.can_resolve) == (True, True)
    assert upstream.tls.ca_files == ("/certs.d/reg.example/ca.pem",)


def test_every_key_of_a_host_is_read() -> None:
    """Paths are relative to the file; header values in a list are one header; unknown keys are passed over."""
    host, _ = parse(
        """
        [host."https://m.example"]
          ca = ["a.pem", "/etc/b.pem"]
          client = [["c.crt", "c.key"]]
          skip_verify = true
          dial_timeout = "1m1.5s"
          proxy = "http://proxy.example:3128"
          from_the_future = 7
          [host."https://m.example".header]
            x-dragonfly-registry = ["https://reg.example"]
            X-Parts = ["a", "b"]
        """
    )
    folder = str(FILE.parent)
    assert host.tls == Tls(
        ca_files=(f"{folder}/a.pem", "/etc/b.pem"), client=(f"{folder}/c.crt", f"{folder}/c.key"), skip_verify=True
    )
    assert host.headers == (("X-Dragonfly-Registry", "https://reg.example"), ("X-Parts", "a, b"))
    assert (host.connect_seconds, host.proxy) == (61.5, "http://proxy.example:3128")


def test_a_mirror_must_answer_the_door_soon() -> None:
    """Where nothing is written, connecting to a mirror takes less time than to the registry itself."""
    mirror, upstream = parse('[host."https://m.example"]')
    assert (mirror.connect_seconds, upstream.connect_seconds) == (MIRROR_CONNECT_SECONDS, None)


@pytest.mark.parametrize("client", ['"c.pem"', '["c.pem"]', '[["c.pem", ""]]'])
def test_a_client_certificate_may_stand_with_its_key(client: str) -> None:
    """One file for both, in each of the forms that containerd takes."""
    assert parse(f"client = {client}")[0].tls.client == ("/certs.d/reg.example/c.pem",) * 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[host", "not TOML"),
        ("a = " + "[" * 5000, "not TOML"),
        ("server = 5", "server: wanted a string"),
        ('server = "ftp://x"', "server: wanted an http:// or https:// URL"),
        ('server = "https://x:99999"', "server: wanted a URL"),
        ('server = "https://x\\r\\ny"', "server: wanted a URL"),
        ('server = "https://"', "server: wanted a URL"),
        ('host = "https://x"', "host: wanted a table"),
        ('[host]\n"https://x" = 1', 'host."https://x": wanted a table'),
        ('[host."https://"]', 'host."https://": wanted a URL'),
        ('[host."https://x"]\ncapabilities = ["fly"]', 'host."https://x".capabilities: wanted some of'),
        ('capabilities = "pull"\nserver = "x"\nca = 5', "ca: wanted a string or a list"),
        ('skip_verify = "yes"', "skip_verify: wanted true or false"),
        ('client = ["a", "b"]', "client: wanted one client certificate"),
        ('client = [["a", "b", "c"]]', "client: wanted one client certificate"),
        ('dial_timeout = "soon"', "dial_timeout: wanted a duration"),
        ('dial_timeout = "0s"', "dial_timeout: wanted a duration"),
        ('proxy = "socks5://x"', "proxy: wanted an http:// URL"),
        ("header = 5", "header: wanted a table"),
        ('[header]\nx = "a\\r\\nb"', "header.x: wanted a header"),
        ('[header]\n"a b" = "c"', "header.a b: wanted a header"),
        ('[header]\nrange = "bytes=0-1"', "header.range: wanted no header that each request sets itself"),
        ('server = "x"\ncapabilities = ["push"]', "capabilities: wanted a host that has pull"),
    ],
)
def test_a_wrong_file_is_refused_with_its_key(text: str, words: str) -> None:
    """The message names the file and the key, so that nobody searches; nothing is passed over in silence."""
    with pytest.raises(BadMirrors) as caught:
        parse(text)
    assert str(FILE) in str(caught.value)
    assert words in str(caught.value)


def test_secrets_in_headers_are_told_to_nobody() -> None:
    """Neither a host's text nor the error of a wrong header shows a value."""
    host, _ = parse('[host."https://m"]\n[host."https://m".header]\nauthorization = "Bearer hush"')
    assert "hush" not in repr(host)
    with pytest.raises(BadMirrors) as caught:
        parse('[header]\nauthorization = "hush\\u0000"')
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("namespace", "names"),
    [
        ("reg.example", ("reg.example", "_default")),
        ("reg.example:5000", ("reg.example_5000_", "reg.example:5000", "_default")),
        ("[::1]:5000", ("[::1]_5000_", "[::1]:5000", "_default")),
    ],
)
def test_a_registrys_folder_has_the_names_that_containerd_knows(namespace: str, names: tuple[str, ...]) -> None:
    """A port may be written without a colon, which no ConfigMap can hold; _default is for all others."""
    assert folder_names(namespace) == names


def test_the_first_folder_that_exists_counts(tmp_path: Path) -> None:
    """A registry's own folder hides _default, even one without a file; without any the registry stands alone."""
    assert find_hosts(tmp_path / "absent", "reg.example", ITSELF) == (ITSELF,)
    write(tmp_path, "_default", 'server = "https://default"')
    assert find_hosts(tmp_path, "reg.example:5000", ITSELF)[0].root == "https://default/v2"
    write(tmp_path, "reg.example:5000", 'server = "https://colon"')
    assert find_hosts(tmp_path, "reg.example:5000", ITSELF)[0].root == "https://colon/v2"
    (tmp_path / "reg.example_5000_").mkdir()
    assert find_hosts(tmp_path, "reg.example:5000", ITSELF) == (ITSELF,)


def test_dockers_certificates_are_read_where_there_is_no_file(tmp_path: Path) -> None:
    """*.crt are CAs, *.cert and *.key a client's pair, as in containerd."""
    folder = tmp_path / "reg.example"
    folder.mkdir()
    for name in ("b.crt", "a.crt", "client.cert", "client.key"):
        (folder / name).touch()
    (host,) = find_hosts(tmp_path, "reg.example", ITSELF)
    assert host.tls.ca_files == (str(folder / "a.crt"), str(folder / "b.crt"))
    assert host.tls.client == (str(folder / "client.cert"), str(folder / "client.key"))
    (folder / "other.cert").touch()
    with pytest.raises(BadMirrors, match="2 client certificates"):
        find_hosts(tmp_path, "reg.example", ITSELF)


def test_a_file_without_end_is_not_read(tmp_path: Path) -> None:
    """A hosts.toml has a size that people write."""
    write(tmp_path, "big.example", "#" * (1 << 20) + "\n")
    with pytest.raises(BadMirrors, match="are not read"):
        find_hosts(tmp_path, "big.example", ITSELF)


def test_docker_hub_has_its_own_host_and_its_own_name() -> None:
    """Its API's host is the registry itself; mirrors are told the name that references use."""
    for registry in ("docker.io", "index.docker.io"):
        reference = Reference.parse(f"{registry}/ai/phi:v1")
        assert reference.namespace == "docker.io"
        assert nobody().hosts(reference)[0].root == "https://registry-1.docker.io/v2"


TEXT = """
[_default.host."http://mirror.example"]
["reg.example_5000_"]
server = "http://reg.example:5000"
["reg.example_5000_".host."https://cache.example"]
ca = "cache.pem"
"""


def test_one_text_says_it_for_many_registries(tmp_path: Path) -> None:
    """Its tables are named as folders are, and what they hold is what a file would; it goes before the directory."""
    check_text(TEXT)
    directory = write(write(tmp_path, "reg.example", 'server = "http://file.example"'), "reg.example_5000_", "")
    cache, registry = find_hosts(directory, "reg.example:5000", ITSELF, TEXT)
    assert cache.tls == Tls(ca_files=(str(directory / "reg.example_5000_" / "cache.pem"),))
    assert registry.root == "http://reg.example:5000/v2"
    assert find_hosts(None, "reg.example", ITSELF, TEXT)[0].root == "http://mirror.example/v2"


def test_a_registry_that_the_text_does_not_name_is_looked_up_in_the_directory(tmp_path: Path) -> None:
    """Without a table _default, it speaks for the registries alone that it names."""
    directory = write(tmp_path, "reg.example", 'server = "http://file.example"')
    text = '["other.example"]\n'
    assert find_hosts(directory, "reg.example", ITSELF, text)[0].root == "http://file.example/v2"
    assert find_hosts(None, "reg.example", ITSELF, text) == (ITSELF,)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[registry.example.com]", '"registry": wanted a table under a registry\'s name, in quotes'),
        ('server = "https://reg.example"', '"server": wanted a table'),
        ('["reg.example".host."https://a"]\ndial_timeout = "soon"', '"reg.example".host."https://a".dial_timeout'),
        ("[", "mirrors: not TOML"),
    ],
)
def test_a_wrong_text_is_refused_by_its_key(text: str, named: str) -> None:
    """Before any pod is made: a name without quotes would be tables within tables, and nobody's."""
    with pytest.raises(BadMirrors) as caught:
        check_text(text)
    assert named in str(caught.value)


def write(directory: Path, folder: str, text: str) -> Path:
    """Write a hosts.toml; give the directory."""
    place = directory / folder
    place.mkdir(parents=True, exist_ok=True)
    (place / "hosts.toml").write_text(text)
    return directory


def nobody(hosts_dir: str = "", seconds: float = 5) -> Access:
    """Reach registries without credentials."""
    transport = Transport(proxies={}, timeout_seconds=seconds)
    return Access(transport=transport, credentials=Credentials(), hosts_dir=hosts_dir, patience=HASTY)


@contextmanager
def read_through(tmp_path: Path, registry: str, text: str) -> Iterator[Access]:
    """Reach registries with a hosts.toml for one of them."""
    directory = write(tmp_path / "certs.d", registry.replace(":", "_") + "_", text)
    with nobody(str(directory)) as access:
        yield access


def test_the_file_may_say_that_a_registry_speaks_plain_http(tmp_path: Path) -> None:
    """No --plain-http is needed where the operator wrote http://; reading and writing follow it."""
    directory = str(write(tmp_path, "reg.example", 'server = "http://reg.example"'))
    reference = Reference.parse("reg.example/team/model:v1")
    assert nobody(directory).upstream(reference).root == "http://reg.example/v2"
    assert [host.root for host in nobody(directory).hosts(reference)] == ["http://reg.example/v2"]


def test_nothing_is_ever_pushed_to_a_mirror(tmp_path: Path) -> None:
    """A push goes to the registry itself, whatever capabilities the mirrors have, and says no ?ns=."""
    with fake_registry() as origin, fake_registry() as mirror:
        text = (
            f'server = "http://{mirror.address}"\n[host."http://{mirror.address}/v2"]\ncapabilities = ["push", "pull"]'
        )
        with read_through(tmp_path, origin.address, text) as access:
            open_pusher(parse_source(origin.reference()), access).put(b"x", Digest.of(b"x"))
        assert mirror.requests == []
        assert all("ns=" not in request.path for request in origin.requests)


def test_a_host_is_held_to_the_cas_that_its_file_names(part: Part, tmp_path: Path) -> None:
    """The registry's own TLS is written like a mirror's; what is not written is not trusted."""
    certificate, key = certificate_for_localhost(tmp_path)
    tls = {"certificate": str(certificate), "key": str(key)}
    with running_registry(part("registry"), tmp_path, tls=tls) as running:
        server = f'server = "https://{running.address}"\n'
        for line in (f'ca = "{certificate}"', "skip_verify = true"):
            with read_through(tmp_path, running.address, server + line) as access:
                there_and_back(running.address, access)
        with read_through(tmp_path, running.address, server) as access, pytest.raises(Untrusted):
            there_and_back(running.address, access)


@pytest.mark.parametrize("line", ['ca = "CA"', ""])
def test_what_is_opened_ahead_is_what_the_first_request_uses(tmp_path: Path, line: str) -> None:
    """Law: one connection, whether the host's own file names the CA or an option does."""
    context, certificate = tls_for_localhost(tmp_path)
    with serving(FakeRegistry(), context) as fake:
        offer(fake, {"a": b"x"})
        text = f'server = "https://{fake.address}"\n{line.replace("CA", str(certificate))}\n'
        write(tmp_path / "certs.d", fake.address.replace(":", "_") + "_", text)
        with access_from({}, hosts_dir=str(tmp_path / "certs.d"), ca_file="" if line else str(certificate)) as access:
            access.prepare(Reference.parse(fake.reference()))
            open_repository(parse_source(fake.reference()), access).resolve()
        assert fake.connections == 1


def test_a_host_that_asks_for_a_client_certificate_gets_it(part: Part, tmp_path: Path) -> None:
    """`client` proves who asks; without it the handshake fails."""
    certificate, key = certificate_for_localhost(tmp_path)
    tls = {"certificate": str(certificate), "key": str(key), "clientcas": [str(certificate)]}
    with running_registry(part("registry"), tmp_path, tls=tls) as running:
        text = f'server = "https://{running.address}"\nca = "{certificate}"\n'
        with read_through(tmp_path, running.address, f'{text}client = [["{certificate}", "{key}"]]') as access:
            there_and_back(running.address, access)


@pytest.mark.parametrize("line", ['ca = "absent.pem"', 'client = "absent.pem"', r'ca = "absent.pem\u0000"'])
def test_a_file_that_hosts_toml_names_and_that_is_none_is_no_mirrors_failure(tmp_path: Path, line: str) -> None:
    """A mirror that can never be reached for a slip in the file is not passed over in silence."""
    with fake_registry() as origin:
        offer(origin, {"a": b"x"})
        text = f'[host."https://127.0.0.1:1"]\n{line}'
        with read_through(tmp_path, origin.address, text) as access, pytest.raises(BadCaFile, match=r"absent\.pem"):
            open_repository(parse_source(origin.reference()), access).resolve()


def test_a_mirror_is_reached_through_the_proxy_that_its_file_names(tmp_path: Path) -> None:
    """`proxy` stands in place of the environment's."""
    with fake_registry() as proxy, fake_registry() as origin:
        digest = offer(proxy, {"a": b"x"})
        text = f'[host."http://mirror.example"]\nproxy = "http://{proxy.address}"'
        with read_through(tmp_path, origin.address, text) as access:
            assert open_repository(parse_source(origin.reference()), access).resolve().digest == digest
        assert proxy.requests[0].path.startswith("http://mirror.example/v2/team/model/manifests/v1?ns=127.0.0.1%3A")
        assert origin.requests == []


def test_a_token_is_asked_for_by_the_name_that_the_mirror_has(
    token_registry: Registry, token_server: TokenServer, tmp_path: Path
) -> None:
    """A cache that keeps each registry in a project of its own, as Harbor and zot do, grants by that name."""
    with as_porter(tmp_path, token_registry.address) as access:
        there_and_back(token_registry.address, access)
    token_server.asked.clear()
    text = f'[host."http://{token_registry.address}/v2/there"]\noverride_path = true'
    with fake_registry() as origin:
        directory = write(tmp_path / "certs.d", origin.address.replace(":", "_") + "_", text)
        with as_porter(tmp_path, token_registry.address) as access:
            through = replace(access, hosts_dir=str(directory))
            open_repository(parse_source(f"{origin.address}/and-back:v1"), through).resolve()
        assert origin.requests == []
    assert set(token_server.asked) == {"repository:there/and-back:pull"}


def test_a_tag_is_asked_of_those_alone_that_are_trusted_with_it(tmp_path: Path) -> None:
    """Without `resolve` a mirror's word on a tag is not heard; with it, it counts; a digest may be asked of all."""
    with fake_registry() as mirror, fake_registry() as origin:
        old, new = offer(mirror, {"a": b"old"}), offer(origin, {"a": b"new"})
        host = f'[host."http://{mirror.address}"]\n'
        for capabilities, digest in (('["pull"]', new), ('["pull", "resolve"]', old)):
            with read_through(tmp_path, origin.address, f"{host}capabilities = {capabilities}") as access:
                assert open_repository(parse_source(origin.reference()), access).resolve().digest == digest
        asked = len(mirror.requests)
        with read_through(tmp_path, origin.address, f'{host}capabilities = ["pull"]') as access:
            open_repository(parse_source(f"{origin.reference()}@{old}"), access).resolve()
        assert len(mirror.requests) == asked + 1


def test_a_tag_that_nobody_may_resolve_is_an_error_of_the_file(tmp_path: Path) -> None:
    """The hint is a capability or a digest, not another try."""
    text = 'server = "http://127.0.0.1:1"\ncapabilities = ["pull"]'
    with read_through(tmp_path, "127.0.0.1:9", text) as access, pytest.raises(BadMirrors, match="resolve") as caught:
        open_repository(parse_source("127.0.0.1:9/team/model:v1"), access).resolve()
    assert "by its digest" in caught.value.hint


def test_when_all_fail_the_registry_is_heard_and_the_others_are_told_of(tmp_path: Path) -> None:
    """Whether a tag exists its registry must know: that is no reason to wait for a mirror that is down."""
    with fake_registry() as mirror, fake_registry() as origin:
        mirror.fail(faults.status(503), path="/manifests/")
        words = f"{origin.address}.*other hosts: .*{mirror.address}.* 503"
        host = f'[host."http://{mirror.address}"]'
        with read_through(tmp_path, origin.address, host) as access, pytest.raises(NotFound, match=words):
            open_repository(parse_source(origin.reference()), access).resolve()
        assert len(mirror.requests) == 1


def test_a_mirror_that_will_be_back_is_waited_for_when_the_registry_refuses(
    tmp_path: Path,
) -> None:
    """Nodes may have no access of their own to the registry: then patience belongs to the mirror."""
    with fake_registry() as mirror, fake_registry() as origin:
        digest = offer(mirror, {"a": b"x"})
        mirror.fail(faults.status(503), path="/manifests/", times=2)
        origin.fail(faults.status(403), path="/manifests/")
        with read_through(tmp_path, origin.address, f'[host."http://{mirror.address}"]') as access:
            assert open_repository(parse_source(origin.reference()), access).resolve().digest == digest


def test_each_host_gets_its_own_credentials_and_headers_and_nobody_elses(tmp_path: Path) -> None:
    """The docker config's entry for a mirror's name goes to the mirror, its headers too; a redirect gets neither."""
    with fake_registry() as mirror, fake_registry() as origin, fake_registry() as storage:
        content = b"x"
        offer(mirror, {"a": content})
        manifest_digest = offer(origin, {"a": content})
        storage.add_blob(content)
        for fake in (mirror, origin):
            fake.fail(faults.status(401, WWW_Authenticate='Basic realm="r"'), path="/manifests/", times=1)
        mirror.fail(faults.redirected(f"http://{storage.address}{{path}}"))
        file = tmp_path / "config.json"
        pairs = {mirror.address: {"username": "m", "password": "m"}, origin.address: {"username": "o", "password": "o"}}
        file.write_text(json.dumps({"auths": pairs}))
        host = f'host."http://{mirror.address}"'
        text = f'[{host}]\ncapabilities = ["pull"]\n[{host}.header]\nX-Key = "k"'
        directory = write(tmp_path / "certs.d", origin.address.replace(":", "_") + "_", text)
        with access_from({}, docker_configs=[str(file)], hosts_dir=str(directory)) as access:
            resolved = open_repository(parse_source(origin.reference()), access).resolve()
            repository = open_repository(parse_source(f"{origin.reference()}@{manifest_digest}"), access)
            assert repository.resolve().manifest == resolved.manifest
            assert repository.read(resolved.manifest.layers[0], 10) == content
    assert {request.headers.get("authorization") for request in origin.requests} == {None, "Basic bzpv"}
    assert {request.headers.get("authorization") for request in mirror.requests} == {None, "Basic bTpt"}
    assert {request.headers.get("x-key") for request in mirror.requests} == {"k"}
    assert [request.headers.keys() & {"authorization", "x-key"} for request in storage.requests] == [set()]
    assert all("x-key" not in request.headers for request in origin.requests)


def test_the_registrys_credentials_never_go_to_a_mirror(tmp_path: Path) -> None:
    """A mirror that asks for a password, and has none written for it, gets none: the next host is asked."""
    with fake_registry() as mirror, fake_registry() as origin:
        digest = offer(origin, {"a": b"x"})
        mirror.fail(faults.status(401, WWW_Authenticate='Basic realm="r"'), path="")
        origin.fail(faults.status(401, WWW_Authenticate='Basic realm="r"'), path="/manifests/", times=1)
        file = tmp_path / "config.json"
        file.write_text(json.dumps({"auths": {origin.address: {"username": "o", "password": "o"}}}))
        host = f'[host."http://{mirror.address}"]'
        directory = write(tmp_path / "certs.d", origin.address.replace(":", "_") + "_", host)
        with access_from({}, docker_configs=[str(file)], hosts_dir=str(directory)) as access:
            assert open_repository(parse_source(origin.reference()), access).resolve().digest == digest
    assert mirror.requests
    assert all("authorization" not in request.headers for request in mirror.requests)


@pytest.mark.skipif(os.geteuid() != 0, reason="another user is made by root alone")
def test_a_hosts_directory_that_may_not_be_entered_is_a_named_failure(tmp_path: Path) -> None:
    """What it says may be a rule of the operator's, so nobody goes without it."""
    closed = tmp_path / "closed"
    (closed / "certs.d").mkdir(parents=True)
    closed.chmod(0o700)
    for parent in (*tmp_path.parents[:3], tmp_path):
        parent.chmod(parent.stat().st_mode | 0o055)
    os.seteuid(12345)
    try:
        with nobody(str(closed / "certs.d")) as access, pytest.raises(BadMirrors, match="Permission denied"):
            access.hosts(Reference.parse("reg.example/m"))
    finally:
        os.seteuid(0)
