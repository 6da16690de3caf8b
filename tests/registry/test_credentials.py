"""Docker configs: every form that tools write, merged, and nothing secret in an error."""

import json
import stat
from base64 import b64encode
from pathlib import Path

import pytest

from registry.credentials import Credential, Credentials, default_files
from registry.errors import BadCredentials
from registry.reference import Reference


def write(folder: Path, content: object, name: str = "config.json") -> Path:
    """Write a docker config."""
    file = folder / name
    file.write_text(json.dumps(content))
    return file


def find(file: Path, reference: str) -> Credential | None:
    """Look up one reference in one file."""
    return Credentials.load([file]).find(Reference.parse(reference))


PAIR = b64encode(b"me:hush:hush").decode()


@pytest.mark.parametrize(
    "key",
    ["ghcr.io", "https://ghcr.io", "https://ghcr.io/v1/", "ghcr.io/v2", "GHCR.io", "ghcr.io/team", "ghcr.io/team/phi"],
)
def test_every_way_to_write_a_key_is_read(tmp_path: Path, key: str) -> None:
    """Hosts, URLs and hosts with a path all cover the repository."""
    file = write(tmp_path, {"auths": {key: {"auth": PAIR}}})
    assert find(file, "ghcr.io/team/phi:v1") == Credential("me", "hush:hush")


@pytest.mark.parametrize("key", ["ghcr.io/other", "ghcr.io/te", "other.io", "ghcr.io:443"])
def test_keys_of_other_places_do_not_match(tmp_path: Path, key: str) -> None:
    """A credential is sent nowhere but where it belongs."""
    assert find(write(tmp_path, {"auths": {key: {"auth": PAIR}}}), "ghcr.io/team/phi:v1") is None


def test_the_longest_key_wins(tmp_path: Path) -> None:
    """A credential for the repository goes before one for its registry."""
    auths = {"ghcr.io": {"username": "a", "password": "1"}, "ghcr.io/team": {"username": "b", "password": "2"}}
    file = write(tmp_path, {"auths": auths})
    assert find(file, "ghcr.io/team/phi") == Credential("b", "2")
    assert find(file, "ghcr.io/else/phi") == Credential("a", "1")


@pytest.mark.parametrize("key", ["https://index.docker.io/v1/", "docker.io", "index.docker.io", "registry-1.docker.io"])
def test_docker_hub_has_many_names(tmp_path: Path, key: str) -> None:
    """What `docker login` writes for the hub is found for docker.io."""
    file = write(tmp_path, {"auths": {key: {"auth": PAIR}}})
    assert find(file, "docker.io/ai/phi") == Credential("me", "hush:hush")


def test_all_files_are_merged_and_the_first_wins(tmp_path: Path) -> None:
    """Several pull secrets count together; of two for one place the one given first is used."""
    one = write(tmp_path, {"auths": {"a.io": {"auth": PAIR}}}, "1")
    two = write(tmp_path, {"auths": {"a.io": {"username": "x", "password": "y"}, "b.io": {"auth": PAIR}}}, "2")
    merged = Credentials.load([one, tmp_path / "absent", two])
    assert merged.find(Reference.parse("a.io/m")) == Credential("me", "hush:hush")
    assert merged.find(Reference.parse("b.io/m")) == Credential("me", "hush:hush")


def test_tokens_are_read(tmp_path: Path) -> None:
    """Identity and registry tokens are credentials too."""
    auths = {"a.io": {"identitytoken": "i"}, "b.io": {"registrytoken": "r"}}
    file = write(tmp_path, {"auths": auths})
    assert find(file, "a.io/m") == Credential(identity_token="i")
    assert find(file, "b.io/m") == Credential(registry_token="r")


@pytest.mark.parametrize("content", ['{"auths": {"a.io": {"auth": "s3cr3t!!"}}}', '{"auths": [s3cr3t', '"s3cr3t"'])
def test_a_broken_file_is_named_and_its_secret_is_not(tmp_path: Path, content: str) -> None:
    """The error says which file, and quotes nothing of it."""
    file = tmp_path / "config.json"
    file.write_text(content)
    with pytest.raises(BadCredentials, match=r"config\.json") as caught:
        Credentials.load([file])
    assert "s3cr3t" not in str(caught.value)


def test_a_credential_does_not_show_its_secret() -> None:
    """A credential in a log or a traceback shows its user alone."""
    shown = repr(Credential("me", "hush", "i-token", "r-token"))
    assert "me" in shown
    assert "hush" not in shown
    assert "token-" not in shown.replace("_token", "")


def test_helpers_are_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A credential helper on the PATH answers for its registry, and one that knows nothing means nobody."""
    helper = tmp_path / "docker-credential-test"
    helper.write_text('#!/bin/sh\nread host\n[ "$host" = a.io ] || exit 1\necho \'{"Username":"u","Secret":"s"}\'\n')
    helper.chmod(helper.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    file = write(tmp_path, {"credHelpers": {"a.io": "test"}, "credsStore": "test"})
    assert find(file, "a.io/m") == Credential("u", "s")
    assert find(file, "b.io/m") is None


def test_a_missing_helper_is_an_error_that_names_it(tmp_path: Path) -> None:
    """A helper that is not there is said, not passed over."""
    with pytest.raises(BadCredentials, match="docker-credential-absent"):
        find(write(tmp_path, {"credsStore": "absent"}), "a.io/m")


def test_the_users_own_files_are_where_other_tools_write_them() -> None:
    """docker, podman and skopeo users need no further login."""
    found = default_files({"HOME": "/h", "REGISTRY_AUTH_FILE": "/r.json", "XDG_RUNTIME_DIR": "/run/u"})
    assert [str(file) for file in found] == ["/r.json", "/h/.docker/config.json", "/run/u/containers/auth.json"]
    assert default_files({"HOME": "/h", "DOCKER_CONFIG": "/d"}) == [Path("/d/config.json")]
