"""What the options say of registries, and of whom they say nothing: the hub, the clouds, the other side of a copy."""

import argparse
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import weighbridge
from registry.access.options import access_for, add_access_options, add_side_options
from registry.errors import Untrusted
from registry.net.tls import Tls
from registry.progress.reporter import QuietReporter
from registry.source import OciSource, parse_source
from tests.fakes.hub import fake_hub
from tests.fakes.registry import FakeRegistry, serving
from tests.parts.certificate import certificate_for_localhost, tls_for_localhost
from tests.puller.models import offer, read_tree

SOURCE, TARGET = "registry.example/team/model:v1", "10.0.0.5:5000/team/model:v1"
FILES = {"config.json": b"{}"}


@contextmanager
def unknown(folder: Path) -> Iterator[FakeRegistry]:
    """Serve a registry with a model, behind TLS that nobody trusts."""
    with serving(FakeRegistry(), tls_for_localhost(folder)[0]) as fake:
        offer(fake, FILES)
        yield fake


@pytest.mark.parametrize(
    ("words", "schemes"),
    [
        ("", ("https", "https")),
        ("--plain-http", ("http", "http")),
        ("--from-plain-http", ("http", "https")),
        ("--to-plain-http", ("https", "http")),
        ("--plain-http --no-from-plain-http", ("https", "http")),
        ("--to-plain-http --no-plain-http", ("https", "http")),
    ],
)
def test_each_side_of_a_copy_is_reached_as_is_said_of_it(words: str, schemes: tuple[str, str], tmp_path: Path) -> None:
    """What is said of one side comes before what is said of both."""
    parser = argparse.ArgumentParser()
    add_access_options(parser)
    add_side_options(parser)
    arguments = parser.parse_args([*words.split(), "--hosts-dir", str(tmp_path)])
    places = [parse_source(text) for text in (SOURCE, TARGET)]
    with access_for(arguments, places, {}, QuietReporter()) as access:
        roots = [access.hosts(place.reference)[0].root for place in places if isinstance(place, OciSource)]
    assert tuple(root.partition(":")[0] for root in roots) == schemes


@pytest.mark.parametrize(
    ("words", "is_copied"),
    [
        ("", False),
        ("--from-insecure", False),
        ("--to-insecure", False),
        ("--from-insecure --to-insecure", True),
        ("--insecure", True),
    ],
)
def test_any_certificate_is_taken_of_the_side_that_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: str, *, is_copied: bool
) -> None:
    """The other one is held to its own."""
    with unknown(tmp_path) as source, unknown(tmp_path) as target:
        target.manifests.clear()
        command = ["copy", source.reference(), target.reference(), "--quiet", "--no-plain-http", *words.split()]
        assert weighbridge.main(command) == (0 if is_copied else 1)
        assert ("v1" in target.manifests) is is_copied
        assert ("registry.untrusted" in capsys.readouterr().err) is not is_copied


def test_a_careless_push_is_careful_with_the_hub(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law: a certificate that nobody vouches for never gets the hub's token, whatever is said of a registry."""
    with unknown(tmp_path) as target, fake_hub(tls_for_localhost(tmp_path)[0]) as hub:
        hub.commit(FILES)
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        monkeypatch.setenv("HF_TOKEN", "hf_secret")
        assert weighbridge.main(["push", "hf://team/model", target.reference(), "--insecure", "--no-plain-http"]) == 1
        assert "registry.untrusted" in capsys.readouterr().err
        assert hub.requests == []


def test_whatever_is_no_registry_that_was_named_is_held_to_its_certificate(tmp_path: Path) -> None:
    """The clouds' services, and every other registry, are reached by the program's own connections."""
    parser = argparse.ArgumentParser()
    add_access_options(parser)
    with unknown(tmp_path) as named, unknown(tmp_path) as other:
        place = parse_source(named.reference())
        assert isinstance(place, OciSource)
        arguments = parser.parse_args(["--insecure", "--no-plain-http", "--hosts-dir", str(tmp_path)])
        with access_for(arguments, [place], {}, QuietReporter()) as access:
            host = access.hosts(place.reference)[0]
            with access.transport_to(host).request("GET", f"https://{named.address}/v2/", {}) as answer:
                assert answer.status
            for address in (named.address, other.address):
                with pytest.raises(Untrusted):
                    access.transport.request("GET", f"https://{address}/v2/", {})


def test_what_hosts_toml_says_of_a_host_adds_to_the_command_line(tmp_path: Path) -> None:
    """A host with settings of its own still gets the client certificate, and is still taken on trust."""
    certificate, key = certificate_for_localhost(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    (tmp_path / "unrelated").mkdir()
    unrelated = certificate_for_localhost(tmp_path / "unrelated")[0]
    with serving(FakeRegistry(), context) as fake:
        offer(fake, FILES)
        shown = ["--cert-file", str(certificate), "--key-file", str(key), "--hosts-dir", str(tmp_path / "certs.d")]
        place = tmp_path / "certs.d" / f"{fake.address.replace(':', '_')}_"
        place.mkdir(parents=True)

        def pulled(line: str, *words: str) -> bool:
            (place / "hosts.toml").write_text(f'server = "https://{fake.address}"\n{line}\n')
            out = tmp_path / f"out-{len(list(tmp_path.iterdir()))}"
            code = weighbridge.main(["pull", fake.reference(), "-o", str(out), "--quiet", *shown, *words])
            assert code == 1 or read_tree(out) == FILES
            return code == 0

        assert pulled(f'ca = "{certificate}"')
        assert pulled(f'ca = "{unrelated}"', "--insecure")
        assert pulled('dial_timeout = "5s"', "--insecure")
        assert not pulled('dial_timeout = "5s"')
        assert not pulled("skip_verify = false", "--insecure"), "what the file says of its host comes first"


@pytest.mark.parametrize(
    ("own", "joined"),
    [
        (Tls(), Tls(("a",), ("c", "k"), skip_verify=True)),
        (Tls(("b",)), Tls(("a", "b"), ("c", "k"), skip_verify=True)),
        (Tls((), ("d", "d")), Tls(("a",), ("d", "d"), skip_verify=True)),
        (Tls(skip_verify=False), Tls(("a",), ("c", "k"), skip_verify=False)),
    ],
)
def test_settings_are_joined_by_what_each_says(own: Tls, joined: Tls) -> None:
    """A host's own certificate and trust come first; what it does not say is as the program has it."""
    assert Tls(("a",), ("c", "k"), skip_verify=True).joined(own) == joined
