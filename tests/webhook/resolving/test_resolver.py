"""What is known of a reference, and how long that takes at most."""

import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from registry.annotations import CONFIG_TYPE, FILEPATH, TITLE, layer_type
from registry.chunk_index import CONTENT_BYTES
from registry.digest import Digest
from registry.manifest import IMAGE_CONFIG_TYPES, MANIFEST_TYPE, Descriptor, Index, Manifest
from registry.reference import Reference
from tests.fakes.clock import Clock
from tests.fakes.faults import mannered, redirected, replaced, stalled, status, with_headers
from tests.fakes.manner import Manner
from tests.fakes.registry import Answer, Change, FakeRegistry, fake_registry
from tests.parts.process import poll
from webhook.resolving.answer import Ask, Facts, Unknown, facts_of
from webhook.resolving.policy import Policy
from webhook.resolving.question import QuestionSettings
from webhook.resolving.resolver import Bounds, Resolver

from .one import resolve_one

_DEADLINE = 0.4
_MARGIN = 5.0
_BOUNDS = Bounds(deadline_seconds=20.0)
_HASTY = replace(_BOUNDS, deadline_seconds=_DEADLINE)
_CONFIG = Descriptor(media_type=CONFIG_TYPE, digest=Digest.of(b"{}"), size=2)


def _layer(size: int, codec: str = "raw", **annotations: str) -> Descriptor:
    return Descriptor(
        media_type=layer_type("weight", codec), digest=Digest.of(b"x"), size=size, annotations=annotations
    )


def _manifest(*layers: Descriptor) -> Manifest:
    return Manifest(config=_CONFIG, layers=layers or (_layer(7_000),))


@pytest.fixture
def fake() -> Iterator[FakeRegistry]:
    """Return a registry that has a model."""
    with fake_registry() as found:
        found.add(_manifest())
        yield found


def _resolver(fake: FakeRegistry, bounds: Bounds = _BOUNDS) -> Resolver:
    return Resolver(lambda: Policy.of(fake.address), bounds=bounds)


@pytest.fixture
def ask(fake: FakeRegistry) -> Iterator[Ask]:
    """Return the question of one namespace."""
    resolver = _resolver(fake)
    yield resolver.asking("team")
    resolver.close()


def _reference(fake: FakeRegistry, tag: str = "v1") -> Reference:
    return Reference.parse(fake.reference(tag))


def test_a_tags_digest_and_size_are_known(fake: FakeRegistry, ask: Ask) -> None:
    """From one request for the manifest, and none for what it names."""
    assert ask([_reference(fake)]) == (Facts(Digest.of(_manifest().to_bytes()), 7_000, is_image=False),)
    assert [request.method for request in fake.requests] == ["GET"]


def test_an_admission_that_has_waited_already_waits_no_more(fake: FakeRegistry) -> None:
    """It has the answer that it would have had after the deadline."""
    resolver = _resolver(fake, replace(_BOUNDS, deadline_seconds=2.0))
    fake.fail(stalled(0), path="/manifests/")
    began = time.monotonic()
    assert resolver.asking("team", began)([_reference(fake)]) == (Unknown("not-in-time"),)
    assert time.monotonic() - began < 1.0
    resolver.close()


def test_nothing_secret_goes_along(fake: FakeRegistry, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the process has: a user may have named the host."""
    monkeypatch.setenv("DOCKER_CONFIG", "/nowhere")
    ask([_reference(fake)])
    assert set(fake.requests[0].headers) == {"host", "user-agent", "accept", "accept-encoding"}


def test_a_registry_that_is_not_named_is_not_asked(fake: FakeRegistry) -> None:
    """A user's annotation opens no connection."""
    resolver = Resolver(lambda: Policy.of("registry.example.com"), bounds=_BOUNDS)
    assert resolve_one(resolver, "team", _reference(fake)) == Unknown("not-listed")
    assert fake.requests == []
    resolver.close()


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "::1", "0.0.0.0"])  # noqa: S104 - refused ones
def test_a_name_that_resolves_to_this_machine_is_not_connected_to(fake: FakeRegistry, address: str) -> None:
    """The address is judged that is connected to, whatever the name was when somebody looked before."""
    port = int(fake.address.rpartition(":")[2])

    def lookup(*_: object, **__: object) -> list[tuple[Any, ...]]:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [(family, socket.SOCK_STREAM, 6, "", (address, port))]

    registry = f"registry.example.com:{port}"
    resolver = Resolver(lambda: Policy.of(registry), QuestionSettings(plain_http=(registry,), lookup=lookup), _BOUNDS)
    assert resolve_one(resolver, "team", Reference.parse(f"{registry}/team/model:v1")) == Unknown("refused")
    assert fake.requests == []
    resolver.close()


_ENDLESS = b'{"layers":' + b"[" * 100_000
_WRONG: dict[str, tuple[Change, str]] = {
    "no JSON": (replaced(b"<html>secret</html>"), "refused"),
    "deep JSON": (replaced(_ENDLESS), "refused"),
    "a list": (replaced(b"[]"), "refused"),
    "more than is read": (replaced(b" " * (3 << 20)), "refused"),
    "another digest": (with_headers(Docker_Content_Digest=f"sha256:{'0' * 64}"), "refused"),
    "gzip": (with_headers(Content_Encoding="gzip"), "refused"),
    "a redirect": (redirected("http://127.0.0.1:1/{path}"), "refused"),
    "a redirect that is no URL": (redirected("http://[::1/\x01"), "refused"),
    "a redirect without an address": (status(302), "refused"),
    "an ingress without the registry": (lambda _, __: Answer(404, b"default backend - 404"), "refused"),
    "an error that is no object": (lambda _, __: Answer(404, b'{"errors":[1]}'), "refused"),
    "credentials wanted": (status(401, WWW_Authenticate='Basic realm="x"'), "needs-credentials"),
    "a token server elsewhere": (
        status(401, WWW_Authenticate='Bearer realm="https://tokens.example.org/t"'),
        "refused",
    ),
    "a token server that is no URL": (status(401, WWW_Authenticate='Bearer realm="http://[x"'), "refused"),
    "forbidden": (status(403), "needs-credentials"),
    "teapot": (status(418), "refused"),
    "overloaded": (status(503), "not-in-time"),
    "broken": (status(500), "not-in-time"),
    "limited": (status(429, Retry_After="3600"), "not-in-time"),
}


@pytest.mark.parametrize("change", _WRONG.values(), ids=_WRONG)
def test_a_wrong_answer_becomes_a_code(fake: FakeRegistry, ask: Ask, change: tuple[Change, str]) -> None:
    """And nothing of it: no text, no address, no exception."""
    fake.fail(change[0], path="/manifests/")
    assert ask([_reference(fake)]) == (Unknown(change[1]),)  # type: ignore[arg-type] # one of the codes


def test_what_the_registry_does_not_have_is_not_found(fake: FakeRegistry, ask: Ask) -> None:
    """By its own word."""
    assert ask([_reference(fake, "v2")]) == (Unknown("not-found"),)


def test_a_digest_must_be_that_of_the_answer(fake: FakeRegistry, ask: Ask) -> None:
    """A pinned source is asked for its size alone."""
    digest = Digest.of(_manifest().to_bytes())
    pinned = _reference(fake).pinned(digest)
    assert ask([pinned]) == (Facts(digest, 7_000, is_image=False),)
    fake.fail(replaced(_manifest(_layer(1)).to_bytes()), path="/manifests/")
    other = _reference(fake).pinned(Digest.of(b"other"))
    assert ask([other]) == (Unknown("refused"),)


_SLOW: dict[str, Change] = {
    "nothing": mannered(Manner(late_seconds=60)),
    "a head byte by byte": mannered(Manner(trickles_at=0)),
    "a body byte by byte": mannered(Manner(trickles_at=120)),
    "half a head": mannered(Manner(stops_at=20)),
    "half a body": stalled(40),
}


@pytest.mark.parametrize("change", _SLOW.values(), ids=_SLOW)
def test_no_answer_is_waited_for_beyond_the_deadline(fake: FakeRegistry, change: Change) -> None:
    """Whatever the registry does, and in whatever pieces its bytes come."""
    fake.fail(change, path="/manifests/")
    resolver = _resolver(fake, _HASTY)
    began = time.monotonic()
    assert resolve_one(resolver, "team", _reference(fake)) == Unknown("not-in-time")
    assert time.monotonic() - began < _DEADLINE + _MARGIN
    resolver.close()


def test_all_that_an_admission_asks_for_has_one_deadline(fake: FakeRegistry) -> None:
    """The API server waits for an admission, not for a reference: a model may have 32 adapters."""
    fake.fail(mannered(Manner(late_seconds=60)), path="/manifests/")
    resolver = _resolver(fake, _HASTY)
    began = time.monotonic()
    found = resolver.resolve("team", [_reference(fake, f"v{number}") for number in range(33)])
    assert found == (Unknown("not-in-time"),) * 33
    assert time.monotonic() - began < _DEADLINE + _MARGIN
    resolver.close()


def test_references_of_an_admission_are_asked_for_side_by_side(fake: FakeRegistry) -> None:
    """None waits for the answer to another: here each gets its own when all have been asked for."""
    resolver, together = _resolver(fake), threading.Barrier(3)
    digests = [fake.add(_manifest(_layer(7_000 + number)), f"t{number}") for number in range(3)]

    def held(_: object, answer: Answer) -> Answer:
        together.wait(20)
        return answer

    fake.fail(held, path="/manifests/")
    found = resolver.resolve("team", [_reference(fake, f"t{number}") for number in range(3)])
    assert found == tuple(Facts(digest, 7_000 + number, is_image=False) for number, digest in enumerate(digests))
    resolver.close()


def test_a_reference_that_is_named_twice_is_asked_for_once(fake: FakeRegistry, ask: Ask) -> None:
    """A model and an adapter of one name."""
    first, second = ask([_reference(fake)] * 2)
    assert first == second == Facts(Digest.of(_manifest().to_bytes()), 7_000, is_image=False)
    assert len(fake.requests) == 1


def test_a_name_that_nobody_answers_for_is_not_waited_for() -> None:
    """The system's lookup cannot be interrupted, and is left behind."""
    over = threading.Event()

    def lookup(*_: object, **__: object) -> list[tuple[Any, ...]]:
        over.wait(60)
        return []

    resolver = Resolver(lambda: Policy.of("registry.example.com"), QuestionSettings(lookup=lookup), _HASTY)
    began = time.monotonic()
    found = resolve_one(resolver, "team", Reference.parse("registry.example.com/model:v1"))
    assert found == Unknown("not-in-time")
    assert time.monotonic() - began < _DEADLINE + _MARGIN
    over.set()
    resolver.close()


def test_an_answer_is_used_again_for_its_life(fake: FakeRegistry) -> None:
    """All replicas of a workload get one digest, though the tag moves meanwhile."""
    clock = Clock()
    resolver = _resolver(fake, replace(_BOUNDS, clock=clock))
    first = resolve_one(resolver, "team", _reference(fake))
    moved = fake.add(_manifest(_layer(8_000)))
    assert resolve_one(resolver, "others", _reference(fake)) == first
    clock.now += _BOUNDS.tag_seconds
    assert resolve_one(resolver, "team", _reference(fake)) == Facts(moved, 8_000, is_image=False)
    assert len(fake.requests) == 2
    resolver.close()


def test_a_failure_is_remembered_for_a_while(fake: FakeRegistry) -> None:
    """A workload of many replicas asks once, and what is pushed then is found soon."""
    clock = Clock()
    resolver = _resolver(fake, replace(_BOUNDS, clock=clock))
    for _ in range(3):
        assert resolve_one(resolver, "team", _reference(fake, "v2")) == Unknown("not-found")
    assert len(fake.requests) == 1
    digest = fake.add(_manifest(), "v2")
    clock.now += _BOUNDS.failure_seconds
    assert resolve_one(resolver, "team", _reference(fake, "v2")) == Facts(digest, 7_000, is_image=False)
    resolver.close()


def test_a_registry_that_is_late_is_not_waited_for_again(fake: FakeRegistry) -> None:
    """Not for its other references either; the last digest of a tag stays, so that replicas do not differ."""
    clock = Clock()
    resolver = _resolver(fake, replace(_BOUNDS, clock=clock))
    known = resolve_one(resolver, "team", _reference(fake))
    fake.fail(status(503), path="/manifests/")
    clock.now += _BOUNDS.tag_seconds
    assert resolve_one(resolver, "team", _reference(fake)) == known
    assert resolve_one(resolver, "team", _reference(fake, "v2")) == Unknown("not-in-time")
    assert len(fake.requests) == 2
    clock.now += _BOUNDS.stale_seconds
    assert resolve_one(resolver, "team", _reference(fake)) == Unknown("not-in-time")
    resolver.close()


def test_many_who_ask_for_one_reference_are_one_question(fake: FakeRegistry) -> None:
    """One request, whoever comes first."""
    resolver = _resolver(fake, _BOUNDS)
    fake.fail(mannered(Manner(late_seconds=0.3)), path="/manifests/")
    names = [f"team-{number}" for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda name: resolve_one(resolver, name, _reference(fake)), names))
    assert found == {Facts(Digest.of(_manifest().to_bytes()), 7_000, is_image=False)}
    assert len(fake.requests) == 1
    resolver.close()


def test_a_namespace_has_a_budget(fake: FakeRegistry) -> None:
    """Beyond it nobody is asked for it, and the others' questions go on."""
    resolver = _resolver(fake, replace(_BOUNDS, most_questions_of_namespace=3, clock=Clock()))
    found = [resolve_one(resolver, "greedy", _reference(fake, f"t{number}")) for number in range(5)]
    assert found == [Unknown("not-found")] * 3 + [Unknown("too-many")] * 2
    assert resolve_one(resolver, "team", _reference(fake)) == Facts(
        Digest.of(_manifest().to_bytes()), 7_000, is_image=False
    )
    resolver.close()


@contextmanager
def held(fake: FakeRegistry, bounds: Bounds) -> Iterator["Held"]:
    """Hold the first question of the namespace `team` at its registry until it is released."""
    release, begun, asked = threading.Event(), threading.Event(), Counter[str]()

    def hold(_: object, answer: Answer) -> Answer:
        begun.set()
        release.wait(20)
        return answer

    def policy() -> Policy:
        asked["all"] += 1
        return Policy.of(fake.address)

    fake.fail(hold, path="/manifests/v1", times=1)
    resolver = Resolver(policy, bounds=bounds)
    with ThreadPoolExecutor(12) as pool:
        first = pool.submit(resolve_one, resolver, "team", _reference(fake))
        try:
            assert begun.wait(20)
            yield Held(resolver, pool, first, release, asked)
        finally:
            release.set()
    resolver.close()


class Held(NamedTuple):
    """A question that waits, and who may join it; `asked` counts who came to the resolver."""

    resolver: Resolver
    pool: ThreadPoolExecutor
    first: "Future[Any]"
    release: threading.Event
    asked: Counter[str]

    def join(self, reference: Reference, count: int) -> "list[Future[Any]]":
        """Have others of the namespace ask the same, all of them while the question waits."""
        before = self.asked["all"]
        joined = [self.pool.submit(resolve_one, self.resolver, "team", reference) for _ in range(count)]
        assert poll(lambda: self.asked["all"] >= before + count, 20)
        return joined


def test_few_threads_of_a_namespace_wait(fake: FakeRegistry) -> None:
    """The rest of its pods are admitted at once, unpinned."""
    with held(fake, replace(_BOUNDS, most_waiting_of_namespace=1)) as question:
        assert resolve_one(question.resolver, "team", _reference(fake, "v2")) == Unknown("too-many")
        question.release.set()
        assert isinstance(question.first.result(), Facts)


def test_joiners_of_one_namespace_leave_places_to_others(fake: FakeRegistry) -> None:
    """A large rollout on a slow registry keeps nobody else from asking."""
    bounds = replace(_BOUNDS, most_waiting=4, most_joined=3, most_waiting_of_namespace=1)
    with held(fake, bounds) as question:
        done, _ = wait(question.join(_reference(fake), 5), return_when=FIRST_COMPLETED)
        assert {one.result() for one in done} == {Unknown("too-many")}
        assert resolve_one(question.resolver, "other", _reference(fake, "t1")) == Unknown("not-found")
        question.release.set()
        assert isinstance(question.first.result(), Facts)


def test_pods_of_a_gang_that_ask_the_same_get_the_same(fake: FakeRegistry) -> None:
    """Whoever joins a question costs the registry nothing: all are pinned, however few may begin one."""
    with held(fake, replace(_BOUNDS, most_waiting_of_namespace=1)) as question:
        others = question.join(_reference(fake), 11)
        question.release.set()
        assert {one.result() for one in others} == {question.first.result()}
        assert isinstance(question.first.result(), Facts)


@pytest.mark.parametrize(
    ("layers", "size"),
    [
        ((_layer(3), _layer(4)), 7),
        ((_layer(3), _layer(4, "tar+zstd", **{CONTENT_BYTES: "9"})), 12),
        ((_layer(3), _layer(4, "tar+zstd", **{CONTENT_BYTES: "-9"})), None),
        ((_layer(3), _layer(4, "tar+zstd")), None),
        ((_layer(3), _layer(4, "tar+gzip")), None),
        ((_layer(3), _layer(4, "tar")), None),
        ((replace(_layer(3), media_type="application/octet-stream"),), None),
        ((), None),
    ],
)
def test_the_size_of_files_is_told_only_where_the_manifest_is_certain(
    layers: tuple[Descriptor, ...], size: int | None
) -> None:
    """A limit that is too small would have the pod evicted."""
    found = facts_of(Digest.of(b""), Manifest(config=_CONFIG, layers=layers))
    assert found.content_bytes == size


_NAMED = {
    FILEPATH: "a/q4.gguf",
    TITLE: "q8.gguf",
}


@pytest.mark.parametrize(
    ("include", "exclude", "size"),
    [
        ((), (), 7_003),
        (("*.gguf",), (), 3),
        (("a/",), (), 3),
        (("q8.gguf",), (), None),  # the other name decides
        ((), ("a",), 7_000),
        (("*",), ("*.json", "*.gguf"), None),
    ],
)
def test_the_size_of_a_selection_is_that_of_its_files(
    include: tuple[str, ...], exclude: tuple[str, ...], size: int | None
) -> None:
    """As the puller selects them: a repository may have 24 quantisations of which a pod wants one."""
    layers = (_layer(3, **_NAMED), _layer(7_000, **{TITLE: "./config.json"}))
    found = facts_of(Digest.of(b""), Manifest(config=_CONFIG, layers=layers))
    assert found.selected_bytes(include, exclude) == size


def test_files_of_a_model_that_has_many_are_not_kept() -> None:
    """A server remembers thousands of answers; the size of a selection is then not known."""
    many = tuple(_layer(1, **{TITLE: f"{number}.gguf"}) for number in range(65))
    found = facts_of(Digest.of(b""), Manifest(config=_CONFIG, layers=many))
    assert (found.selected_bytes((), ()), found.selected_bytes(("1.gguf",), ())) == (65, None)


def test_an_index_has_a_digest_and_no_size() -> None:
    """It leads to manifests of several sizes."""
    entry = Descriptor(media_type=MANIFEST_TYPE, digest=Digest.of(b"x"), size=3)
    assert facts_of(Digest.of(b""), Index(manifests=(entry,))) == Facts(Digest.of(b""))


@pytest.mark.parametrize("image", IMAGE_CONFIG_TYPES)
def test_a_manifest_tells_whether_a_node_can_mount_it(image: str) -> None:
    """By its config, as nodes see it; what the layers are called says nothing."""
    config = replace(_CONFIG, media_type=image)
    assert facts_of(Digest.of(b""), Manifest(config=config, layers=())).is_image is True
    assert facts_of(Digest.of(b""), Manifest(config=_CONFIG, layers=())).is_image is False
