"""Who asks, and how that is proved: which challenge is answered, with which scope, and how often."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from registry.access.access import Access
from registry.auth.credentials import Credentials
from registry.digest import Digest
from registry.errors import Fault, Refused, Unauthorized, Unavailable
from registry.http.transport import Transport
from registry.open import open_pusher, open_repository
from registry.source import parse_source
from tests.fakes import faults
from tests.fakes.patience import HASTY
from tests.fakes.registry import Answer, Change, FakeRegistry, Request, fake_registry
from tests.puller.models import offer

PAIR = "Basic bWU6aHVzaA=="  # me:hush


@contextmanager
def reach(folder: Path, fake: FakeRegistry | None = None) -> Iterator[Access]:
    """Reach registries, at one of them as the user me."""
    auths = {fake.address: {"username": "me", "password": "hush"}} if fake else {}
    file = folder / "config.json"
    file.write_text(json.dumps({"auths": auths}))
    transport = Transport(proxies={}, timeout_seconds=5)
    with Access(transport=transport, credentials=Credentials.load([file]), patience=HASTY) as access:
        yield access


def resolve(access: Access, fake: FakeRegistry, repository: str = "team/model") -> str:
    """Look the model up, without patience."""
    source = parse_source(f"{fake.address}/{repository}:v1")
    return str(open_repository(source, access).resolve().digest)


@pytest.fixture
def fake() -> Iterator[FakeRegistry]:
    """Serve a model."""
    with fake_registry() as fake:
        offer(fake, {"a": b"x"})
        yield fake


def guarded(takes: Callable[[str], bool], *challenges: str, status: int = 401) -> Change:
    """Ask for what the challenges say until the Authorization header is one that is taken."""

    def change(request: Request, answer: Answer) -> Answer:
        if takes(request.headers.get("authorization", "")):
            return answer
        return Answer(status, headers={"WWW-Authenticate": ", ".join(challenges)})

    return change


def token_giver(answer_for: Callable[[str], str | None]) -> Change:
    """Answer a request for a token by its scope; None refuses it."""

    def change(request: Request, _: Answer) -> Answer:
        scope = parse_qs(urlsplit(request.path).query).get("scope", [""])[0]
        token = answer_for(scope)
        return Answer(401) if token is None else Answer(200, json.dumps({"token": token}).encode())

    return change


@pytest.mark.parametrize("turned", [False, True])
def test_tokens_are_preferred_wherever_their_challenge_stands(fake: FakeRegistry, tmp_path: Path, turned: bool) -> None:  # noqa: FBT001 - a case of a table
    """A list that offers Basic as well is answered with a token; without a user, too."""
    challenges = ['Basic realm="R"', f'Bearer realm="http://{fake.address}/token",service="r"']
    fake.fail(guarded(lambda header: header == "Bearer t", *(challenges[::-1] if turned else challenges)), path="/v2/")
    fake.fail(token_giver(lambda _: "t"), path="^/token")
    with reach(tmp_path) as access:
        resolve(access, fake)


@pytest.mark.parametrize(
    "challenges",
    [
        ("Negotiate", "NTLM", 'Basic realm="nexus"'),
        ("Negotiate TlRM==", 'Digest realm="d", nonce="n"', 'Basic realm="a, b"'),
        ('Bearer realm="nexus"', 'Basic realm="nexus"'),
        ("Bearer", "Basic"),
        ('Bearer realm="ftp://127.0.0.1/"', "basic"),
    ],
)
def test_what_cannot_be_answered_is_passed_over(
    fake: FakeRegistry, tmp_path: Path, challenges: tuple[str, ...]
) -> None:
    """Kerberos, NTLM, Digest and tokens from nowhere: a known user says so by Basic."""
    fake.fail(guarded(lambda header: header == PAIR, *challenges), path="/v2/")
    with reach(tmp_path, fake) as access:
        resolve(access, fake)


@pytest.mark.parametrize(
    ("challenges", "words"),
    [
        (("Negotiate", "NTLM"), "no form that is known: negotiate, ntlm"),
        (('Basic realm="R"',), "a user and a password"),
        (('Bearer realm="http://[::1"',), "no URL|not an HTTP URL"),
        (('Bearer realm="http://h:99999/"',), "not an HTTP URL"),
        (("\x1b[2J x",), "no form that is known"),
        ((), "no form that is known: nothing"),
    ],
)
def test_a_challenge_that_nobody_could_answer_is_told(
    fake: FakeRegistry, tmp_path: Path, challenges: tuple[str, ...], words: str
) -> None:
    """The message says what was wanted, and prints nothing odd."""
    fake.fail(guarded(lambda _: False, *challenges), path="/v2/")
    with reach(tmp_path) as access, pytest.raises(Fault, match=words) as caught:
        resolve(access, fake)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("refuses", ["server", "registry"])
def test_the_challenges_scope_is_asked_for_once_the_own_was_refused(
    fake: FakeRegistry, tmp_path: Path, refuses: str, status: int
) -> None:
    """A gateway that rewrites names lets in its own scope alone; it is remembered, so that each is asked for once."""
    offered, own, theirs = [], "repository:foo-docker/a:pull", "repository:a:pull"
    challenge = f'Bearer realm="http://{fake.address}/token",scope="{theirs}"'

    def give(scope: str) -> str | None:
        offered.append(scope)
        return "good" if scope == theirs else "bad" if refuses == "registry" else None

    def change(request: Request, answer: Answer) -> Answer:
        header = request.headers.get("authorization")
        headers = {"WWW-Authenticate": challenge}
        return answer if header == "Bearer good" else Answer(status if header else 401, headers=headers)

    fake.fail(change, path="/v2/")
    fake.fail(token_giver(give), path="^/token")
    with reach(tmp_path) as access:
        repository = open_repository(parse_source(f"{fake.address}/foo-docker/a:v1"), access)
        repository.resolve()
        repository.resolve()
    assert offered == [own, theirs]


@pytest.mark.parametrize("kind", ["password", "identity token"])
def test_two_scopes_are_asked_for_in_the_form_that_the_request_has(
    fake: FakeRegistry, tmp_path: Path, kind: str
) -> None:
    """In a query each is a parameter, as distribution has it; in a form there is one of each name, with blanks."""
    asked: list[dict[str, list[str]]] = []

    def give(request: Request, _: Answer) -> Answer:
        asked.append(parse_qs(request.body.decode() or urlsplit(request.path).query))
        return Answer(200, b'{"token": "good"}')

    challenge = f'Bearer realm="http://{fake.address}/token",service="registry"'
    fake.fail(guarded(lambda header: header == "Bearer good", challenge), method="POST", path="/v2/")
    for method in ("GET", "POST"):
        fake.fail(give, method=method, path="^/token")
    entry = {"identitytoken": "i"} if kind == "identity token" else {"username": "me", "password": "hush"}
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"auths": {fake.address: entry}}))
    with Access(transport=Transport(proxies={}), credentials=Credentials.load([file]), patience=HASTY) as access:
        open_pusher(parse_source(fake.reference()), access).mount(Digest.of(b"x"), 1, "team/other")
    scopes = ["repository:team/model:pull,push", "repository:team/other:pull"]
    assert [one["scope"] for one in asked] == [scopes if kind == "password" else [" ".join(scopes)]]
    assert [one["service"] for one in asked] == [["registry"]]


@pytest.mark.parametrize(
    "scope", ["", "registry:catalog:*", "repository:a", "repository:A B:pull", "repository:a:pull x"]
)
def test_a_scope_of_another_form_is_never_asked_for(fake: FakeRegistry, tmp_path: Path, scope: str) -> None:
    """A registry may not have a token made for just anything."""
    offered = []
    fake.fail(guarded(lambda _: False, f'Bearer realm="http://{fake.address}/token",scope="{scope}"'), path="/v2/")
    fake.fail(token_giver(lambda scope: offered.append(scope) or "t"), path="^/token")  # type: ignore[func-returns-value]
    with reach(tmp_path) as access, pytest.raises(Unauthorized, match="401"):
        resolve(access, fake)
    assert set(offered) == {"repository:team/model:pull"}


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_was_taken_and_is_refused_is_renewed_once(fake: FakeRegistry, tmp_path: Path, status: int) -> None:
    """Some registries answer 403 to a token that lapsed; a second refusal counts."""
    given: list[str] = []
    good = {"Bearer t1"}

    def give(_: str) -> str:
        given.append(f"t{len(given) + 1}")
        return given[-1]

    challenge = f'Bearer realm="http://{fake.address}/token"'

    def change(request: Request, answer: Answer) -> Answer:
        header = request.headers.get("authorization")
        headers = {"WWW-Authenticate": challenge} if header is None or status == 401 else {}
        return answer if header in good else Answer(status if header else 401, headers=headers)

    fake.fail(change, path="/v2/")
    fake.fail(token_giver(give), path="^/token")
    with reach(tmp_path) as access:
        repository = open_repository(parse_source(fake.reference()), access)
        for _ in range(4):
            repository.resolve()
        assert given == ["t1"]
        good.add("Bearer t2")
        good.discard("Bearer t1")
        repository.resolve()
        assert given == ["t1", "t2"]
        good.clear()
        with pytest.raises(Unauthorized, match=str(status)):
            repository.resolve()
        assert len(given) == 3


def test_a_403_to_a_new_token_counts_at_once(fake: FakeRegistry, tmp_path: Path) -> None:
    """Who may not read is told so, and no second token is asked for."""
    offered = []
    challenge = f'Bearer realm="http://{fake.address}/token"'
    fake.fail(guarded(bool, challenge), path="/v2/")
    fake.fail(lambda request, answer: Answer(403) if "authorization" in request.headers else answer, path="/v2/")
    fake.fail(token_giver(lambda scope: offered.append(scope) or "t"), path="^/token")  # type: ignore[func-returns-value]
    with reach(tmp_path) as access, pytest.raises(Unauthorized, match="403"):
        resolve(access, fake)
    assert len(offered) == 1


def test_a_token_server_that_has_moved_is_followed_on_its_own_origin(fake: FakeRegistry, tmp_path: Path) -> None:
    """With the user's password, which no other host may have."""
    fake.fail(guarded(lambda header: header == "Bearer t", f'Bearer realm="http://{fake.address}/old"'), path="/v2/")
    fake.fail(faults.redirected("/token?scope=repository:team/model:pull"), path="^/old")
    fake.fail(token_giver(lambda _: "t"), path="^/token")
    with reach(tmp_path, fake) as access:
        resolve(access, fake)
    assert [one.headers.get("authorization") for one in fake.requests if "token" in one.path] == [PAIR]


def test_a_token_server_leads_nobody_to_another_host(fake: FakeRegistry, tmp_path: Path) -> None:
    """Neither the password nor the request for a token goes on."""
    fake.fail(guarded(lambda _: False, f'Bearer realm="http://{fake.address}/old"'), path="/v2/")
    with fake_registry() as other, reach(tmp_path, fake) as access:
        fake.fail(faults.redirected(f"http://{other.address}/token"), path="^/old")
        with pytest.raises(Refused, match="another host"):
            resolve(access, fake)
        assert other.requests == []


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"null", b'{"token":3}', b'{"token":"a\\r\\nX: y"}', '{"token":"é☃"}'.encode(), b'{"token":""}',
        b'{"token":"\\ud800"}', b'{"access_token":["t"]}', b'{"token":"t","expires_in":"soon"}', b"[" * 100_000,
        b'{"token":"t","expires_in":[1]}',
    ],
)  # fmt: skip
def test_a_token_that_is_none_is_a_named_failure(fake: FakeRegistry, tmp_path: Path, body: bytes) -> None:
    """Whatever a token server answers."""
    fake.fail(guarded(lambda _: False, f'Bearer realm="http://{fake.address}/token"'), path="/v2/")
    fake.fail(faults.replaced(body), path="^/token")
    with reach(tmp_path) as access, pytest.raises(Unavailable, match="token"):
        resolve(access, fake)


@pytest.mark.parametrize("life", ["NaN", "Infinity", "-1", '"60"', "1e400", "null"])
def test_an_odd_life_of_a_token_is_survived(fake: FakeRegistry, tmp_path: Path, life: str) -> None:
    """The registry says when it has lapsed."""
    fake.fail(guarded(lambda header: header == "Bearer t", f'Bearer realm="http://{fake.address}/token"'), path="/v2/")
    fake.fail(faults.replaced(f'{{"token":"t","expires_in":{life}}}'.encode()), path="^/token")
    with reach(tmp_path) as access:
        resolve(access, fake)


def test_a_token_answered_in_a_content_coding_is_refused_by_name(fake: FakeRegistry, tmp_path: Path) -> None:
    """As every answer is: nobody asked for one."""
    fake.fail(guarded(lambda _: False, f'Bearer realm="http://{fake.address}/token"'), path="/v2/")
    fake.fail(lambda _, answer: replace(answer, status=200, headers={"Content-Encoding": "br"}), path="^/token")
    with reach(tmp_path) as access, pytest.raises(Refused, match="Content-Encoding 'br'"):
        resolve(access, fake)
