"""Docker configs: every form that tools write, merged, and nothing secret in an error."""

import json
import os
import re
import stat
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.access.access import Access
from registry.access.environment import access_from
from registry.auth.credential import Credential
from registry.auth.credentials import Credentials, default_files
from registry.errors import BadCredentials, Unauthorized
from registry.open import open_repository
from registry.reference import Reference
from registry.source import parse_source
from tests.fakes import faults
from tests.fakes.registry import FakeRegistry, fake_registry
from tests.puller.models import offer


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


@pytest.mark.parametrize("key", ["ghcr.io/other", "ghcr.io/te", "other.io", "ghcr.io:443", "https://ghcr.io/team/v1"])
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
    merged = Credentials.load([one], [tmp_path / "absent", two])
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
    assert [str(file) for file in found] == [
        "/r.json",
        "/h/.docker/config.json",
        "/run/u/containers/auth.json",
        "/h/.config/containers/auth.json",
        "/h/.config/helm/registry/config.json",
    ]
    moved = {"HOME": "/h", "DOCKER_CONFIG": "/d", "XDG_CONFIG_HOME": "/c", "HELM_REGISTRY_CONFIG": "/helm.json"}
    assert default_files(moved) == [Path("/d/config.json"), Path("/c/containers/auth.json"), Path("/helm.json")]


def test_the_first_config_wins_with_its_program_as_with_its_entry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program counts as its config's entry for the registry; a longer key of any config goes before it."""
    program(tmp_path, monkeypatch, '{"Username":"u","Secret":"s"}')
    asking = write(tmp_path, {"credsStore": "test"}, "1")
    auths = {"a.io": {"auth": PAIR}, "a.io/team": {"username": "t", "password": "t"}}
    writing = write(tmp_path, {"auths": auths}, "2")
    assert Credentials.load([asking, writing]).find(Reference.parse("a.io/m")) == Credential("u", "s")
    assert Credentials.load([writing, asking]).find(Reference.parse("a.io/m")) == Credential("me", "hush:hush")
    assert Credentials.load([asking, writing]).find(Reference.parse("a.io/team/m")) == Credential("t", "t")


@pytest.mark.parametrize("field", ["credHelpers", "credsStore"])
def test_a_program_goes_before_an_entry_of_its_own_file_for_the_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    """As docker, oras, crane and podman have it: what a login left in the file may have lapsed long since."""
    program(tmp_path, monkeypatch, '{"Username":"u","Secret":"fresh"}')
    auths = {"a.io": {"auth": PAIR}, "a.io/team": {"username": "t", "password": "s"}}
    file = write(tmp_path, {"auths": auths, field: "test" if field == "credsStore" else {"a.io": "test"}})
    assert find(file, "a.io/m") == Credential("u", "fresh")
    assert find(file, "a.io/team/m") == Credential("t", "s")


def test_an_empty_answer_of_a_program_hides_no_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some answer so for hosts that they do not know."""
    program(tmp_path, monkeypatch, '{"Username":"","Secret":""}')
    file = write(tmp_path, {"auths": {"a.io": {"auth": PAIR}}, "credsStore": "test"})
    assert find(file, "a.io/m") == Credential("me", "hush:hush")
    assert find(file, "b.io/m") is None


@pytest.mark.parametrize("helper", ["test", "absent"])
def test_an_entry_counts_where_the_program_has_nothing_or_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, helper: str
) -> None:
    """A config that was copied into a pull secret names a program of another machine; that is told, and no error."""
    program(tmp_path, monkeypatch, "", code=1)
    said: list[str] = []
    file = write(tmp_path, {"auths": {"a.io": {"auth": PAIR}}, "credsStore": helper})
    found = Credentials.load([file], say=said.append)
    assert found.find(Reference.parse("a.io/m")) == Credential("me", "hush:hush")
    assert len(said) == (helper == "absent")


@pytest.mark.parametrize(
    ("user", "password"),
    [
        ("dop_v1_0123456789abcdef", "dop_v1_0123456789abcdef"),
        ("secret", "secret"),
        ("glpat-abcdefghijklmnop", "x-oauth-basic"),
        ("0123456789abcdef0123456789abcdef01234567", "x"),
        ("eyJhbGciOi.eyJzdWIi", "x"),
        ("tiny", ""),
    ],
)
def test_a_user_that_is_a_token_is_shown_nowhere(
    open_registry: FakeRegistry, tmp_path: Path, user: str, password: str
) -> None:
    """Neither with a refusal, nor by --debug, nor in a traceback: the file is named in its place."""
    auth = b64encode(f"{user}:{password}".encode()).decode()
    file = write(tmp_path, {"auths": {open_registry.address: {"auth": auth}}})
    open_registry.fail(ASKING, path="/v2/")
    lines: list[str] = []
    access = access_from({}, docker_configs=[str(file)], debug=lines.append)
    with pytest.raises(Unauthorized, match=f"the owner of the token in {file}") as caught:
        resolve(access, open_registry)
    shown = "\n".join((*lines, str(caught.value), repr(find(file, f"{open_registry.address}/m"))))
    assert user not in shown
    assert b64encode(user.encode()).decode()[:-4] not in shown


@pytest.mark.parametrize("user", ["robot$team+reader", "00000000-0000-0000-0000-000000000000", "me@example.com", "AWS"])
def test_a_user_that_is_none_is_shown(open_registry: FakeRegistry, tmp_path: Path, user: str) -> None:
    """Who is refused wants to know as whom."""
    file = write(tmp_path, {"auths": {open_registry.address: {"username": user, "password": "hush"}}})
    open_registry.fail(ASKING, path="/v2/")
    with pytest.raises(Unauthorized, match=re.escape(f"user {user!r}")):
        resolve(access_from({}, docker_configs=[str(file)]), open_registry)


@pytest.mark.parametrize("name", ["../evil", "/bin/sh", "a b", "", "x\n", "sh/../../x", "é"])
def test_a_programs_name_leads_to_no_other_place(tmp_path: Path, name: str) -> None:
    """What is run is docker-credential-NAME from the PATH."""
    file = write(tmp_path, {"credHelpers": {"a.io": name}})
    if name:
        with pytest.raises(BadCredentials, match="no name of a credential helper"):
            find(file, "a.io/m")
    else:
        assert find(file, "a.io/m") is None


@pytest.mark.parametrize(
    "answer", ["[]", "3", '{"Username":"u"}', "{", '{"Username":"\\ud800","Secret":"s"}', "[" * 5000]
)
def test_a_program_that_answers_nonsense_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    """And nothing of what it said is quoted."""
    program(tmp_path, monkeypatch, answer)
    with pytest.raises(BadCredentials, match="docker-credential-test answered no credential"):
        find(write(tmp_path, {"credsStore": "test"}), "a.io/m")


def program(folder: Path, monkeypatch: pytest.MonkeyPatch, answer: str, code: int = 0) -> None:
    """Put a credential helper `test` on the PATH that always answers the same."""
    helper = folder / "docker-credential-test"
    (folder / "answer").write_text(answer)
    helper.write_text(f"#!/bin/sh\ncat {folder}/answer\nexit {code}\n")
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


@pytest.mark.parametrize(
    "entry",
    [
        {"username": "\ud800", "password": "p"},
        {"registrytoken": "a\r\nX: y"},
        {"registrytoken": "é"},
        {"identitytoken": "\udfff"},
    ],
)
def test_what_no_request_can_carry_is_no_credential(tmp_path: Path, entry: dict[str, str]) -> None:
    """Halves of letters and ends of lines are found when the file is read, not when a header is written."""
    with pytest.raises(BadCredentials):
        Credentials.load([write(tmp_path, {"auths": {"a.io": entry}})])


@pytest.fixture
def open_registry() -> Iterator[FakeRegistry]:
    """Serve a model to everybody."""
    with fake_registry() as fake:
        offer(fake, {"a": b"x"})
        yield fake


def resolve(access: Access, fake: FakeRegistry) -> None:
    """Look the model up."""
    with access:
        open_repository(parse_source(fake.reference()), access).resolve()


ASKING = faults.status(401, WWW_Authenticate='Basic realm="r"')


def test_nobodys_files_are_read_before_a_registry_asks(open_registry: FakeRegistry, tmp_path: Path) -> None:
    """A fault in what nobody named ends no anonymous pull; it counts as nobody, and is told with the refusal."""
    write(tmp_path, ["no config"])
    said: list[str] = []
    environ = {"DOCKER_CONFIG": str(tmp_path)}
    resolve(access_from(environ, say=said.append), open_registry)
    assert said == []
    open_registry.fail(ASKING, path="/v2/")
    with pytest.raises(Unauthorized, match=r"config\.json: it is no docker config"):
        resolve(access_from(environ, say=said.append), open_registry)
    assert len(said) == 1


def test_a_program_that_nobody_named_and_that_fails_counts_as_nobody(
    open_registry: FakeRegistry, tmp_path: Path
) -> None:
    """As Docker Desktop's is where only its config was copied."""
    write(tmp_path, {"credsStore": "desktop-of-another-machine"})
    open_registry.fail(ASKING, path="/v2/")
    with pytest.raises(Unauthorized, match="docker-credential-desktop-of-another-machine did not run"):
        resolve(access_from({"DOCKER_CONFIG": str(tmp_path)}), open_registry)


@pytest.mark.parametrize("kind", ["absent", "folder", "broken", "below a file"])
def test_a_named_file_that_cannot_be_read_is_an_error_at_once(tmp_path: Path, kind: str) -> None:
    """A slip in --docker-config is no reason to go as nobody."""
    file = tmp_path / "named"
    if kind == "folder":
        file.mkdir()
    elif kind != "absent":
        file.write_text("{")
    named = file / "below" if kind == "below a file" else file
    with pytest.raises(BadCredentials, match="named"):
        access_from({}, docker_configs=[str(named)])


def test_a_pull_secret_that_is_missing_is_told_and_told_again_when_it_is_missed(
    open_registry: FakeRegistry, tmp_path: Path
) -> None:
    """The kubelet starts pods without it, and so does the webhook's mount."""
    said: list[str] = []

    def reach() -> Access:
        configs = [str(tmp_path / "team" / "config.json")]
        return access_from({}, docker_configs=configs, may_lack_configs=True, say=said.append)

    resolve(reach(), open_registry)
    assert len(said) == 1
    assert "team/config.json: no such file" in said[0]
    open_registry.fail(ASKING, path="/v2/")
    with pytest.raises(Unauthorized, match=r"team/config\.json"):
        resolve(reach(), open_registry)


@pytest.mark.skipif(os.geteuid() != 0, reason="another user is made by root alone")
def test_a_home_that_may_not_be_entered_has_no_credentials(open_registry: FakeRegistry, tmp_path: Path) -> None:
    """As with HOME=/root under another uid: an open registry is read, and a closed one tells of it."""
    closed = tmp_path / "root"
    closed.mkdir(mode=0o700)
    for parent in (*tmp_path.parents[:3], tmp_path):
        parent.chmod(parent.stat().st_mode | 0o055)
    environ = {"HOME": str(closed), "XDG_RUNTIME_DIR": str(closed), "REGISTRY_AUTH_FILE": str(closed / "auth.json")}
    said: list[str] = []
    os.seteuid(12345)
    try:
        resolve(access_from(environ, say=said.append), open_registry)
        assert said == []
        open_registry.fail(ASKING, path="/v2/")
        with pytest.raises(Unauthorized, match="Permission denied"):
            resolve(access_from(environ, say=said.append), open_registry)
        with pytest.raises(BadCredentials, match="Permission denied"):
            access_from({}, docker_configs=[str(closed / "config.json")])
    finally:
        os.seteuid(0)
    assert len(said) == 5


@pytest.mark.parametrize(
    ("key", "is_found"),
    [
        ("*.azurecr.io", True),
        ("https://*.AzureCR.io/v2/", True),
        ("t*m.azurecr.io", True),
        ("*.*.io", True),
        ("*.azurecr.io/models", True),
        ("*.azurecr.io/mod", False),
        ("*.io", False),
        ("*", False),
        ("*.azurecr.io:5000", False),
        ("*.azurecr.io.evil.example", False),
    ],
)
def test_a_pull_secret_opens_for_the_puller_what_it_opens_for_the_kubelet(
    tmp_path: Path, key: str, *, is_found: bool
) -> None:
    """A key may have `*` in the labels of its host; one without goes before it."""
    file = write(tmp_path, {"auths": {key: {"username": "a", "password": "1"}}})
    assert (find(file, "team.azurecr.io/models/phi-4:v1") == Credential("a", "1")) is is_found
    exact = {"username": "b", "password": "2"}
    file = write(tmp_path, {"auths": {key: {"username": "a", "password": "1"}, "team.azurecr.io": exact}})
    assert find(file, "team.azurecr.io/models/phi-4:v1") == Credential("b", "2")
