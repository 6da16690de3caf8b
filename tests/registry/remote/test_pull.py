"""Reading and writing the real registry: anonymous, basic, bearer tokens, TLS, and tokens that lapse."""

import json
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from registry.access.access import Access
from registry.access.environment import access_from
from registry.annotations import ARTIFACT_TYPE, CONFIG_TYPE
from registry.auth.credentials import Credentials
from registry.digest import Digest
from registry.errors import BadCaFile, NotFound, Refused, Unauthorized, Untrusted
from registry.http.transport import Transport
from registry.manifest import Descriptor, Manifest
from registry.net.origin import redacted
from registry.open import open_pusher, open_repository
from registry.source import parse_source
from tests.conftest import Part
from tests.fakes import faults
from tests.fakes.forwarder import Forwarder
from tests.fakes.patience import HASTY
from tests.fakes.registry import FakeRegistry, fake_registry, serving
from tests.fakes.tokens import TokenServer
from tests.parts.certificate import certificate_for_localhost, tls_for_localhost
from tests.parts.distribution import PASSWORD, USER, Registry, running_registry
from tests.puller.models import put_manifest

CONTENT = b'{"n":1}'
MANIFEST = Manifest(
    artifact_type=ARTIFACT_TYPE,
    config=Descriptor(media_type=CONFIG_TYPE, digest=Digest.of(CONTENT), size=len(CONTENT)),
    layers=(Descriptor(media_type="text/plain", digest=Digest.of(CONTENT), size=len(CONTENT)),),
)


@contextmanager
def access(folder: Path, address: str = "", user: str = USER, password: str = PASSWORD) -> Iterator[Access]:
    """Reach registries, as somebody at one address."""
    file = folder / "docker.json"
    file.write_text(json.dumps({"auths": {address: {"username": user, "password": password}} if address else {}}))
    credentials = Credentials.load([file])
    with Access(transport=Transport(proxies={}, timeout_seconds=20), credentials=credentials, patience=HASTY) as opened:
        yield opened


def there_and_back(address: str, opened: Access) -> None:
    """Push a tiny artifact and read it back."""
    source = parse_source(f"{address}/there/and-back:v1")
    pusher = open_pusher(source, opened)
    pusher.put(CONTENT, Digest.of(CONTENT))
    assert pusher.has(Digest.of(CONTENT), len(CONTENT))
    digest = put_manifest(pusher, MANIFEST)
    repository = open_repository(source, opened)
    resolved = repository.resolve()
    assert (resolved.digest, resolved.manifest) == (digest, MANIFEST)
    assert repository.read(MANIFEST.config, 100) == CONTENT


def test_an_open_registry_needs_no_credentials(registry: Registry, tmp_path: Path) -> None:
    """Nobody is asked, nobody answers."""
    with access(tmp_path) as opened:
        there_and_back(registry.address, opened)


def test_a_basic_registry_gets_user_and_password(basic_registry: Registry, tmp_path: Path) -> None:
    """The docker config's pair is sent when the registry asks for it."""
    with access(tmp_path, basic_registry.address) as opened:
        there_and_back(basic_registry.address, opened)


def test_a_wrong_password_is_sent_once(basic_registry: Registry, tmp_path: Path) -> None:
    """Refused credentials are not tried again and again: that locks accounts."""
    wrong = access(tmp_path, basic_registry.address, password="wrong")
    with wrong as opened, pytest.raises(Unauthorized, match=f"asked as user '{USER}'") as caught:
        there_and_back(basic_registry.address, opened)
    assert "wrong" not in str(caught.value)


def test_a_token_registry_is_answered_with_a_token(
    token_registry: Registry, token_server: TokenServer, tmp_path: Path
) -> None:
    """The token is asked for with the scope of the work at hand."""
    with access(tmp_path, token_registry.address) as opened:
        there_and_back(token_registry.address, opened)
    assert set(token_server.asked) == {
        "repository:there/and-back:pull",
        "repository:there/and-back:pull,push",
    }


def test_an_anonymous_token_is_enough_to_read_what_is_public(
    token_registry: Registry, token_server: TokenServer, tmp_path: Path
) -> None:
    """Without credentials a token is asked for all the same."""
    with access(tmp_path, token_registry.address) as opened:
        there_and_back(token_registry.address, opened)
    token_server.script.anonymous_actions = frozenset({"pull"})
    with access(tmp_path) as nobody:
        source = parse_source(f"{token_registry.address}/there/and-back:v1")
        assert open_repository(source, nobody).resolve().manifest == MANIFEST
        with pytest.raises(Unauthorized):
            open_pusher(source, nobody).put(CONTENT, Digest.of(b"other"))


def test_a_token_that_lapsed_is_replaced(token_registry: Registry, token_server: TokenServer, tmp_path: Path) -> None:
    """Tokens of a long pull die in the middle of it: a fresh one is asked for, and the work goes on."""
    with access(tmp_path, token_registry.address) as opened:
        there_and_back(token_registry.address, opened)
        repository = open_repository(parse_source(f"{token_registry.address}/there/and-back:v1"), opened)
        token_server.script.lifetime_seconds = -120
        with pytest.raises(Unauthorized):
            repository.resolve()
        token_server.script.lifetime_seconds = 300
        assert repository.resolve().manifest == MANIFEST


def test_a_token_server_that_is_overloaded_is_waited_for(
    token_registry: Registry,
    token_server: TokenServer,
    tmp_path: Path,
) -> None:
    """A 503 of the token server is no verdict on the credentials."""
    token_server.script.fail_next = [503, 500]
    with access(tmp_path, token_registry.address) as opened:
        there_and_back(token_registry.address, opened)


def test_a_missing_tag_is_not_found(registry: Registry, tmp_path: Path) -> None:
    """The error has the registry's own words."""
    with access(tmp_path) as opened, pytest.raises(NotFound, match="MANIFEST_UNKNOWN"):
        open_repository(parse_source(f"{registry.address}/there/and-back:absent"), opened).resolve()


def test_tls_is_verified_against_the_ca_that_is_named(part: Part, tmp_path: Path) -> None:
    """An unknown CA ends in a message that names --ca-file; with it the registry is read."""
    certificate, key = certificate_for_localhost(tmp_path)
    tls = {"certificate": str(certificate), "key": str(key)}
    with running_registry(part("registry"), tmp_path, tls=tls) as running, ExitStack() as stack:
        base = f"https://{running.address}/v2/there/and-back"
        untrusting = stack.enter_context(access(tmp_path))
        with pytest.raises(Untrusted, match="not trusted") as caught:
            untrusting.transport.request("GET", base, {})
        assert "--ca-file" in caught.value.hint
        trusting = stack.enter_context(access_from({}, ca_file=str(certificate)))
        with trusting.transport.request("GET", f"{base}/manifests/v1", {}) as response:
            assert response.status == 404
        plain = f"https://{stack.enter_context(fake_registry()).address}/v2/"
        with pytest.raises(Untrusted, match="does not speak TLS"):
            trusting.transport.request("GET", plain, {})


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("shown", ["none", "strange"])
def test_a_server_that_refuses_the_client_is_not_asked_again(
    tmp_path: Path, version: ssl.TLSVersion, shown: str
) -> None:
    """A certificate that it wants, or does not know, does not come by waiting; the hint says how to give one."""
    (tmp_path / "strange").mkdir()
    strange = certificate_for_localhost(tmp_path / "strange")
    context, certificate = tls_for_localhost(tmp_path)
    context.minimum_version = context.maximum_version = version
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(certificate)
    client = (str(strange[0]), str(strange[1])) if shown == "strange" else None
    with serving(FakeRegistry(), context) as fake, access_from({}, ca_file=str(certificate), client=client) as opened:
        with pytest.raises(Refused, match="refuses TLS with this client") as caught:
            opened.transport.request("GET", f"https://{fake.address}/v2/", {}).close()
        assert not caught.value.temporary
        assert "--cert-file" in caught.value.hint


def test_a_server_without_a_cipher_in_common_is_not_asked_again(tmp_path: Path) -> None:
    """A key of another kind than its ciphers ask for: nobody can speak with it."""
    context, certificate = tls_for_localhost(tmp_path)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")
    with (
        serving(FakeRegistry(), context) as fake,
        access_from({}, ca_file=str(certificate)) as opened,
        pytest.raises(Refused, match="handshake failure"),
    ):
        opened.transport.request("GET", f"https://{fake.address}/v2/", {}).close()


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_a_ca_file_that_holds_no_certificates_is_named(tmp_path: Path, content: bytes | None) -> None:
    """A wrong --ca-file is an error of its own, not one of the registry."""
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    with access_from({}, ca_file=str(file)) as opened, pytest.raises(BadCaFile, match=r"ca\.pem"):
        opened.transport.request("GET", "https://127.0.0.1:1/v2/", {})


def test_a_kept_connection_that_died_is_replaced(tmp_path: Path) -> None:
    """A server may close an idle connection at any time; the next request does not fail for it."""
    with fake_registry() as fake, access(tmp_path) as opened:
        fake.add(MANIFEST)
        host, port = fake.address.split(":")
        with Forwarder((host, int(port))) as forwarder:
            source = parse_source(fake.reference().replace(port, str(forwarder.port)))
            open_repository(source, opened).resolve()
            forwarder.go_away()
            forwarder.come_back()
            assert open_repository(source, opened).resolve().manifest == MANIFEST


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirects_of_reads_are_followed(tmp_path: Path, code: int) -> None:
    """A manifest that moved is fetched where it is; a circle ends."""
    with fake_registry() as fake, access(tmp_path) as opened:
        fake.add(MANIFEST)
        there = {"Location": "/v2/team/model/manifests/v1?moved=1"}
        fake.fail(faults.status(code, **there), path="v1$", times=1)
        assert open_repository(parse_source(fake.reference()), opened).resolve().manifest == MANIFEST
        fake.fail(faults.status(code, **there), path="/manifests/")
        with pytest.raises(Refused, match="redirects"):
            open_repository(parse_source(fake.reference()), opened).resolve()


def test_a_url_in_a_message_shows_neither_user_nor_query() -> None:
    """Presigned URLs carry their secret in the query."""
    shown = redacted("https://me:hush@s3.example:8443/bucket/key?X-Amz-Signature=secret")
    assert shown == "https://s3.example:8443/bucket/key"
