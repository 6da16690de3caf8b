"""What `--debug` writes of requests and answers, and that no secret is in it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

import weighbridge
from registry.http.trace import shown
from tests.fakes import faults
from tests.fakes.registry import FakeRegistry, fake_registry
from tests.puller.models import noise, offer, write_tree
from tests.registry.auth.test_authorizer import PAIR, guarded, token_giver

SECRETS = ("hush", PAIR.partition(" ")[2], "grant-7", "renew-8", "signed-9", "user-10", "session-11")
"""Every secret of these tests: a password, its header, tokens, signatures, and a URL's user."""


@dataclass(frozen=True)
class Run:
    """How a verb ended, and what it wrote to stderr."""

    code: int
    lines: list[str]

    def has(self, *words: str) -> bool:
        """Return whether one line holds all words."""
        return any(all(word in line for word in words) for line in self.lines)


Verb = Callable[..., Run]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Verb:
    """Run a verb with a docker config for one registry."""

    def run_verb(fake: FakeRegistry, *arguments: str, **entry: str) -> Run:
        config = tmp_path / "docker.json"
        config.write_text(json.dumps({"auths": {fake.address: entry}}))
        code = weighbridge.main([*arguments, "--docker-config", str(config)])
        said = capsys.readouterr()
        assert [secret for secret in SECRETS if secret in said.out + said.err] == []
        return Run(code, said.err.splitlines())

    return run_verb


@pytest.mark.parametrize("verb", ["pull", "inspect", "list", "push"])
@pytest.mark.parametrize("kind", ["basic", "bearer", "identity token", "registry token"])
def test_requests_and_the_credentials_source_are_written_without_secrets(
    tmp_path: Path, run: Verb, verb: str, kind: str
) -> None:
    """Law: each verb names every request, its answer and the file of the credential, and no secret of any kind."""
    with fake_registry() as fake:
        offer(fake, {"a": b"x"})
        fake.fail(faults.replaced(b'{"name": "team/model", "tags": ["v1"]}'), path="/tags/")
        challenge = 'Basic realm="R"' if kind == "basic" else f'Bearer realm="http://{fake.address}/token?session-11"'
        wanted = PAIR if kind == "basic" else "Bearer grant-7"
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH"):
            fake.fail(guarded(lambda header: header == wanted, challenge), method=method, path="^/v2/")
            fake.fail(token_giver(lambda _: "grant-7"), method=method, path="^/token")
        entry = {"username": "me", "password": "hush"}
        if kind in {"identity token", "registry token"}:
            entry = {"identitytoken": "renew-8"} if kind == "identity token" else {"registrytoken": "grant-7"}
        folder = str(write_tree(tmp_path / "folder", {"b": b"y"}))
        arguments = {
            "pull": ("pull", fake.reference(), "-o", str(tmp_path / "model")),
            "inspect": ("inspect", fake.reference()),
            "list": ("list", fake.reference().rpartition(":")[0]),
            "push": ("push", folder, fake.reference("v2")),
        }
        ran = run(fake, *arguments[verb], "--debug", **entry)
    assert ran.code == 0, ran.lines
    assert ran.has("> ", f"http://{fake.address}/v2/team/model/")
    assert ran.has("< 401", "asks for B")
    assert ran.has("with B", "***")
    assert ran.has("credential of", str(tmp_path / "docker.json"))
    assert ran.has("/token?", "***") == (kind in {"bearer", "identity token"})


def test_redirects_are_written_without_their_signatures(tmp_path: Path, run: Verb) -> None:
    """Where to, and no more: neither the query of a signed URL nor the user of one."""
    with fake_registry() as fake, fake_registry() as store:
        store.blobs = fake.blobs
        offer(fake, {"a": noise(1000)})
        url = f"http://user-10:hush@{store.address}{{path}}?X-Amz-Signature=signed-9&ns=shown#session-11"
        fake.fail(faults.redirected(url))
        ran = run(fake, "pull", fake.reference(), "-o", str(tmp_path / "model"), "--debug")
    assert ran.has("< 307", f"to http://{store.address}/v2/team/model/blobs/", "ns=shown&***"), ran.lines
    assert ran.has("> GET", f"http://{store.address}/")


def test_a_retry_and_a_failure_are_written(tmp_path: Path, run: Verb) -> None:
    """Each wait with its reason, as short as it may be, and why a connection failed."""
    with fake_registry() as fake:
        offer(fake, {"a": b"x"})
        fake.fail(faults.status(503), path="/manifests/", times=1)
        ran = run(fake, "pull", fake.reference(), "-o", str(tmp_path / "model"), "--debug")
        assert ran.code == 0
        assert ran.has("< 503")
        assert ran.has("trying again", "503")
        assert run(fake, "inspect", fake.reference()).lines == []
    ran = run(fake, "inspect", "127.0.0.1:1/team/model:v1", "--debug")
    assert ran.has("! http://127.0.0.1:1", "refused")


def test_the_mirror_that_is_asked_is_written(tmp_path: Path, run: Verb) -> None:
    """By its own address, with the registry for which it is asked."""
    with fake_registry() as fake, fake_registry() as mirror:
        offer(fake, {"a": b"x"})
        offer(mirror, {"a": b"x"})
        hosts = tmp_path / "hosts" / fake.address / "hosts.toml"
        hosts.parent.mkdir(parents=True)
        hosts.write_text(f'[host."http://{mirror.address}"]\ncapabilities = ["pull", "resolve"]\n')
        ran = run(fake, "inspect", fake.reference(), "--debug", "--hosts-dir", str(tmp_path / "hosts"))
    assert ran.has(f"> GET http://{mirror.address}/v2/", f"ns={fake.address}"), ran.lines


def test_the_environment_asks_for_it_as_well(tmp_path: Path, run: Verb, monkeypatch: pytest.MonkeyPatch) -> None:
    """For pods, whose command line is not the user's; as JSON where progress is, and in spite of --quiet."""
    monkeypatch.setenv("WEIGHBRIDGE_DEBUG", "1")
    with fake_registry() as fake:
        offer(fake, {"a": b"x"})
        pull = ("pull", fake.reference(), "-o", str(tmp_path / "model"))
        events = [json.loads(line) for line in run(fake, *pull, "--progress", "json").lines]
        assert any(event["event"] == "debug" and "> GET" in event["text"] for event in events)
        assert run(fake, *pull, "--quiet").has("> GET")


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("https://h/v2/m/blobs/uploads/1?_state=session-11&digest=sha256:ab", "/uploads/1?digest=sha256:ab&***"),
        ("https://h/x?sig", "/x?***"),
        ("https://h/x?a=1&sig=signed-9;scope=hush", "/x?***"),
        ("https://h/x?scope=a;sig=signed-9&ns=r%3Bsig%3Dhush", "/x?***"),
        ("https://u:hush@h:8443/x", "https://h:8443/x"),
        ("https://h/token?scope=repository:m:pull&service=r", "/token?scope=repository:m:pull&service=r"),
        ("https://h/x?#hush", "/x?"),
        ("http://[::1?x=hush", "a malformed URL?***"),
    ],
)
def test_of_a_query_only_known_parameters_are_shown(url: str, text: str) -> None:
    """A list of what may be shown, so that no signature has to be known to be hidden."""
    assert shown(url).endswith(text)
    assert [secret for secret in SECRETS if secret in shown(url)] == []
