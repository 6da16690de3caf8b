"""Writes whose outcome is not known: a push ends in the artifact or a Fault, and sends nothing twice that was kept."""

import json
import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from urllib.parse import unquote

import pytest

from packer.copying.copy import copy
from packer.form import Form
from packer.image.image import image
from packer.layer_blob import RAW, ZSTD
from packer.ledger import Ledger
from packer.modelpack import modelpack
from packer.push import Options, push
from packer.upload.idle import IdleCores
from packer.upload.send import Target
from puller.pull import pull
from puller.settings import Settings
from registry.access.access import Access
from registry.auth.credentials import Credentials
from registry.digest import Digest
from registry.errors import Fault, Mismatch, Refused, Unauthorized
from registry.http.transport import Transport
from registry.net.limits import Limits
from registry.open import open_documents, open_pusher
from registry.progress.reporter import QuietReporter
from registry.source import parse_source
from tests.fakes import faults
from tests.fakes.clock import Clock
from tests.fakes.manner import Manner
from tests.fakes.patience import HASTY
from tests.fakes.registry import Answer, Change, FakeRegistry, Request, fake_registry, serving
from tests.fakes.tokens import TokenServer
from tests.parts.distribution import PASSWORD, USER
from tests.puller.models import noise, read_tree, write_tree

LARGE, SMALL = noise(5 << 20, 1), noise(2000, 2)
TREE = {"model.gguf": LARGE, "config.json": SMALL}
SEEDS = int(os.environ.get("WEIGHBRIDGE_LAWS", "5")) * 8

SILENCE_SECONDS = 0.15
LIMITS = Limits(exchange_seconds=0.4, commit_seconds=0.4, floor_seconds=0.3)
PATIENT = Limits(exchange_seconds=0.4, commit_seconds=20)


def reach(limits: Limits = LIMITS, patience: object = HASTY) -> Access:
    """Reach registries with little time."""
    transport = Transport(proxies={}, timeout_seconds=SILENCE_SECONDS, limits=limits)
    return Access(transport=transport, credentials=Credentials(), patience=patience)  # type: ignore[arg-type] # one of ours


def send(
    fake: FakeRegistry, folder: Path, access: Access, tree: dict[str, bytes] = TREE, form: Form = modelpack
) -> None:
    """Push a tree to the fake, and see that the fake holds it."""
    if not folder.exists():
        write_tree(folder, tree)
    with access:
        push(
            folder,
            Target(open_pusher(parse_source(fake.reference()), access), Ledger(None)),
            Options(form=form),
            QuietReporter(),
        )
    assert form is image or {str(Digest.of(content)) for content in tree.values()} <= fake.blobs.keys()
    with reach() as opened:
        place = folder.parent / f"{folder.name}-back"
        pull(Settings(source=fake.reference(), destination=str(place)), opened, QuietReporter())
    assert read_tree(place) == tree


def kept(fake: FakeRegistry, method: str = "PATCH") -> int:
    """Return how many bytes of large blobs came."""
    return sum(
        len(request.body) for request in fake.requests if request.method == method and "/uploads/" in request.path
    )


LATE = faults.mannered(Manner(late_seconds=0.6))
UNKNOWN: dict[str, Change] = {
    "late": LATE,
    "cut before": faults.mannered(Manner(cut_at=0)),
    "cut in the head": faults.mannered(Manner(cut_at=20)),
    "stops in the head": faults.mannered(Manner(stops_at=20)),
    "500": faults.status(500),
    "504": faults.status(504),
    "429": faults.status(429, Retry_After="0"),
}
WRITES = {
    "open": ("POST", "/blobs/uploads/$"),
    "patch": ("PATCH", ""),
    "close": ("PUT", "/blobs/uploads/"),
    "manifest": ("PUT", "/manifests/"),
}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("unknown", UNKNOWN)
@pytest.mark.parametrize("acts", [True, False])
def test_a_write_whose_outcome_is_unknown_is_asked_about(
    tmp_path: Path, write: str, unknown: str, *, acts: bool
) -> None:
    """Acted on or not, the push ends well, and no byte that was kept is sent a second time."""
    method, path = WRITES[write]
    with fake_registry() as fake:
        fake.fail(UNKNOWN[unknown], method=method, path=path, times=1, acts=acts)
        send(fake, tmp_path / "model", reach())
        assert kept(fake) == len(LARGE) * (1 if acts or write != "patch" else 2)


@pytest.mark.parametrize("write", ["patch", "close", "manifest"])
def test_an_answer_that_takes_its_time_is_waited_for(tmp_path: Path, write: str) -> None:
    """A registry that settles what it got is silent for longer than any other may be; nothing is sent again."""
    method, path = WRITES[write]
    clock = Clock()
    with fake_registry() as fake:
        fake.fail(LATE, method=method, path=path)
        send(fake, tmp_path / "model", reach(PATIENT, clock.patience()))
        assert kept(fake) == len(LARGE)
        assert len([request for request in fake.requests if request.method == "PUT"]) == 4


def test_a_long_wait_for_a_commit_is_told(tmp_path: Path) -> None:
    """People learn who has not answered, to how much, and how long that is waited for."""
    clock = Clock()
    with fake_registry() as fake:
        fake.fail(LATE, method="PUT", path="/blobs/uploads/")
        limits = Limits(exchange_seconds=0.4, commit_seconds=300, told_seconds=0.2)
        send(fake, tmp_path / "model", reach(limits, clock.patience()))
        assert any(fake.address in str(wait) and "5.2 MB" in str(wait) for wait in clock.waits)
        assert all("waiting for it, for 300 s at most" in str(wait) for wait in clock.waits)


@pytest.mark.parametrize(("size", "seconds"), [(0, 300), (10**9, 300), (10**11, 2030), (10**12, 20030)])
def test_the_wait_for_a_commit_grows_with_the_blob(size: int, seconds: float) -> None:
    """30 s and one for each 50 MB, at least five minutes."""
    assert Limits().answer_seconds(size) == pytest.approx(seconds)


@pytest.mark.parametrize("status", [400, 401, 403, 405, 418, 429, 500, 503])
def test_a_question_never_ends_a_push(tmp_path: Path, status: int) -> None:
    """Whatever a registry says to HEAD of a blob, but yes, the bytes are sent."""
    with fake_registry() as fake:
        fake.fail(faults.status(status), method="HEAD")
        send(fake, tmp_path / "model", reach())


@pytest.mark.parametrize(("status", "is_sent"), [(403, False), (405, False), (404, True), (500, True), (200, False)])
def test_a_store_that_refuses_head_speaks_for_the_registry_that_led_there(
    tmp_path: Path, status: int, *, is_sent: bool
) -> None:
    """An address signed for GET refuses HEAD: the registry knows the blob. A store that lacks it is believed."""
    with fake_registry() as fake, fake_registry() as store:
        write_tree(tmp_path / "model", {"config.json": SMALL})
        for content in (SMALL,):
            fake.add_blob(content)
        store.fail(faults.status(status), method="HEAD", path="")
        led = f"http://{store.address}{{path}}?signature=secret"
        fake.fail(faults.redirected(led), method="HEAD", path=str(Digest.of(SMALL)))
        send(fake, tmp_path / "model", reach(), {"config.json": SMALL})
        assert any(request.body == SMALL for request in fake.requests) is is_sent


@pytest.mark.parametrize("code", [200, 201, 202])
def test_a_manifest_is_taken_by_any_word_that_says_so(tmp_path: Path, code: int) -> None:
    """Registries answer 200 and 202 where the specification wants 201."""
    with fake_registry() as fake:
        fake.fail(faults.status(code), method="PUT", path="/manifests/")
        send(fake, tmp_path / "model", reach())


@pytest.mark.parametrize("code", [400, 403, 409, 412])
def test_a_tag_that_never_moves_is_no_refusal_of_what_it_holds(tmp_path: Path, code: int) -> None:
    """Harbor, Artifactory and Quay refuse each PUT of a tag that is there; a second push of the same is done."""
    with fake_registry() as fake:
        send(fake, tmp_path / "model", reach())
        before = fake.manifests["v1"]
        fake.fail(faults.status(code), method="PUT", path="/manifests/v1", acts=False)
        send(fake, tmp_path / "model", reach())
        (tmp_path / "model" / "config.json").write_bytes(b"other")
        with pytest.raises((Refused, Unauthorized)):
            send(fake, tmp_path / "model", reach(), {**TREE, "config.json": b"other"})
        assert fake.manifests["v1"] == before


def relative(fake: FakeRegistry) -> Change:
    """Name an upload's address by its last part alone."""
    del fake

    def change(_: object, answer: object) -> object:
        headers = getattr(answer, "headers")  # noqa: B009
        headers["Location"] = headers["Location"].rpartition("/")[2]
        return answer

    return change  # type: ignore[return-value] # a Change


def test_an_uploads_address_is_read_against_the_request(tmp_path: Path) -> None:
    """`Location: 1` stands beside what was asked, not beside the repository."""
    with fake_registry() as fake:
        fake.fail(relative(fake), method="POST", path="/blobs/uploads/")
        send(fake, tmp_path / "model", reach())


def test_a_patch_that_names_no_address_goes_on_at_the_one_before(tmp_path: Path) -> None:
    """A 202 without Location moves nothing."""
    with fake_registry() as fake:
        fake.fail(faults.without("Location"), method="PATCH", path="/blobs/uploads/")
        send(fake, tmp_path / "model", reach())


@pytest.mark.parametrize("skips", [0, 1])
def test_an_upload_that_is_lost_begins_anew(tmp_path: Path, skips: int) -> None:
    """A registry that forgets an upload costs its bytes a second time, and no push."""
    with fake_registry() as fake:
        lost = faults.refused(404, fake)
        fake.fail(lost, method="PUT", path="/blobs/uploads/", times=1, skips=skips)
        send(fake, tmp_path / "model", reach(), {"model.gguf": LARGE} if not skips else TREE)


MISREPORTS: dict[str, Change] = {
    "says nothing": faults.without("Range"),
    "says less": faults.with_headers(Range="0-99999"),
    "says that nothing came": faults.with_headers(Range="0-0"),
    "says more": faults.with_headers(Range="0-4999999"),
    "says more than was sent": faults.with_headers(Range="0-99999999"),
    "says junk": faults.with_headers(Range="bytes */*"),
}


@pytest.mark.parametrize("strictness", ["appends", "minds the range"])
@pytest.mark.parametrize("misreport", MISREPORTS)
@pytest.mark.parametrize("verb", ["push", "copy"])
def test_a_registry_that_misreports_what_arrived_is_sent_the_blob_anew(
    tmp_path: Path, misreport: str, strictness: str, verb: str
) -> None:
    """Law: whatever it says of a broken upload, once or for ever, the blob is whole in the end."""

    def minding(request: Request, answer: Answer) -> Answer:
        place = request.path.partition("?")[0]
        start = int(request.headers.get("content-range", "0").partition("-")[0])
        held = fake.parts_of(place)
        return answer if start == len(held) - len(request.body) else faults.out_of_range(fake)(request, answer)

    with fake_registry() as fake, fake_registry() as other:
        fake.cuts = [3 << 20]
        fake.fail(MISREPORTS[misreport], path="/blobs/uploads/")
        if strictness != "appends":
            fake.fail(minding, method="PATCH", path="/uploads/")
        if verb == "push":
            send(fake, tmp_path / "model", reach())
            return
        send(other, tmp_path / "model", reach())
        with reach() as opened:
            source, target = (parse_source(one.reference()) for one in (other, fake))
            copy(open_documents(source, opened), open_pusher(target, opened), QuietReporter())
        assert fake.blobs[str(Digest.of(LARGE))] == LARGE


def unknown(fake: FakeRegistry) -> Change:
    """Answer as a registry does that lost an upload, in a restart."""

    def change(request: Request, _: Answer) -> Answer:
        fake.forget(request)
        return Answer(404, b'{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN","message":"blob upload unknown to registry"}]}')

    return change


@pytest.mark.parametrize(("times", "method"), [(1, "PATCH"), (2, "PUT"), (1000, "PUT")])
def test_a_lost_upload_teaches_nothing_and_two_in_a_row_do(tmp_path: Path, times: int, method: str) -> None:
    """Law: one restart costs one blob's bytes; a registry without PATCH is known all the same."""
    tree = {f"{number}.gguf": noise(5 << 20, number) for number in range(1 if times == 2 else 4)}  # one after the other
    with fake_registry() as fake:
        fake.fail(unknown(fake), method="PATCH", path="/uploads/", times=times)
        send(fake, tmp_path / "model", reach(), tree)
        last = [one.method for one in fake.requests if len(one.body) > 1 << 20][-1]
        assert last == method


def test_uploads_that_one_restart_lost_together_teach_nothing(tmp_path: Path) -> None:
    """They began before it: only one that begins after a loss, and is lost, too, tells of no PATCH."""
    together, tree = threading.Barrier(3, timeout=30), {f"{number}.gguf": noise(5 << 20, number) for number in range(3)}
    with fake_registry() as fake:
        lost = unknown(fake)

        def wait_for_all(request: Request, answer: Answer) -> Answer:
            together.wait()
            return lost(request, answer)

        fake.fail(wait_for_all, method="PATCH", path="/uploads/", times=3)
        access = Access(transport=Transport(proxies={}), credentials=Credentials(), patience=HASTY)
        send(fake, tmp_path / "model", access, tree)
        assert not [one for one in fake.requests if one.method == "PUT" and len(one.body) > 1 << 20]


def test_a_lost_upload_of_which_parts_were_taken_teaches_nothing(tmp_path: Path) -> None:
    """Sent in chunks, as a proxy's limit asks: a 404 to the second tells of the upload, not of the method."""
    access = replace(reach(), upload_chunk_bytes=2 << 20)
    with fake_registry() as fake:
        fake.fail(faults.refused(413, fake), method="PATCH", path="/uploads/", times=1)
        fake.fail(faults.refused(404, fake), method="PATCH", path="/uploads/", times=1, skips=2)
        send(fake, tmp_path / "model", access, {"model.gguf": LARGE})
        assert not [one for one in fake.requests if one.method == "PUT" and len(one.body) > 1 << 20]


@pytest.mark.parametrize("write", WRITES)
def test_an_outage_of_half_a_minute_costs_time_alone(tmp_path: Path, write: str) -> None:
    """At any request: the registry is away for 30 s, and the push goes on."""
    method, path = WRITES[write]
    clock = Clock()
    with fake_registry() as fake:
        fake.fail(faults.status(503), method=method, path=path, acts=False, until=lambda: clock.now > 30)
        fake.fail(faults.status(503), path="/uploads/", until=lambda: clock.now > 30)
        limits = Limits(exchange_seconds=5, commit_seconds=20)
        send(fake, tmp_path / write, reach(limits, clock.patience()), {"model.gguf": LARGE})


def random_fault(random: Random) -> Callable[[FakeRegistry], None]:
    """Return one way in which some requests of a push are answered otherwise."""
    method, path = random.choice((*WRITES.values(), ("HEAD", ""), ("GET", "/uploads/")))
    at = random.choice((0, 1, 15, 60, 200))
    change = random.choice(
        (
            *UNKNOWN.values(),
            faults.status(random.choice((400, 401, 403, 404, 405, 408, 413, 416, 425, 501, 502, 503, 507))),
            faults.mannered(Manner(cut_at=at)),
            faults.mannered(Manner(stops_at=at)),
            faults.mannered(Manner(trickles_at=at, trickle_seconds=0.05)),
        )
    )
    acts, times = random.random() < 0.5, random.choice((1, 1, 2, 3, 1000))
    skips = random.choice((0, 0, 1))
    return lambda fake: fake.fail(change, method=method, path=path, times=times, acts=acts, skips=skips)


@pytest.mark.parametrize("form", [modelpack, image])
@pytest.mark.parametrize("seed", range(SEEDS))
def test_any_script_of_a_registrys_faults_ends_in_the_artifact_or_a_named_error(
    seed: int, form: Form, tmp_path: Path
) -> None:
    """Law: a push ends in time, whole or with a Fault that names the host; the next, undisturbed, ends well."""
    random = Random(seed)
    with fake_registry() as fake:
        for _ in range(random.randint(1, 3)):
            random_fault(random)(fake)
        write_tree(tmp_path / "model", TREE)
        access = reach()
        target = Target(open_pusher(parse_source(fake.reference()), access), Ledger(None))
        said = fake.address
        try:
            with access:
                push(tmp_path / "model", target, Options(form=form), QuietReporter())
        except Fault as error:
            said = str(error)
        assert fake.address in said, seed
        fake.faults.clear()
        send(fake, tmp_path / "model", reach(), form=form)


class Forgetful(FakeRegistry):
    """A registry that keeps the last PATCH of an upload alone, and closes it under any digest."""

    def _take(self, request: Request) -> Answer:
        where, _, query = request.path.partition("?")
        if request.method == "PATCH":
            self._parts[where] = request.body
            return Answer(202, headers={"Location": where})
        if request.method == "PUT" and "/blobs/" in where:
            digest = unquote(query.partition("digest=")[2])
            self.blobs[digest] = request.body or self._parts.pop(where)
            return Answer(201, headers={"Docker-Content-Digest": digest})
        return super()._take(request)


def limited(fake: FakeRegistry, most_bytes: int) -> None:
    """Let no proxy before the registry pass more than so many bytes in one PATCH."""

    def change(request: Request, answer: Answer) -> Answer:
        if len(request.body) <= most_bytes:
            return answer
        fake.take_back(request)
        return Answer(413)

    fake.fail(change, method="PATCH")


@pytest.mark.parametrize("verb", ["push", "zstd", "copy"])
def test_a_registry_that_keeps_the_last_part_alone_is_sent_blobs_whole(tmp_path: Path, verb: str) -> None:
    """Law: what a push or a copy says is done can be pulled, whatever the registry took without a word."""
    half = b"".join(noise(700 << 10, number) + bytes(324 << 10) for number in range(24))
    folder = write_tree(tmp_path / "model", {"model.safetensors": half, "config.json": b"{}"})
    options = Options(codec=ZSTD if verb == "zstd" else RAW)
    with serving(Forgetful()) as fake, reach(PATIENT) as opened:
        access = replace(opened, upload_chunk_bytes=6 << 20)
        if verb != "zstd":
            limited(fake, 8 << 20)
        target = open_pusher(parse_source(fake.reference()), access)
        if verb == "copy":
            layout = parse_source(f"layout://{tmp_path / 'layout'}:v1")
            push(folder, Target(open_pusher(layout, access), Ledger(None)), options, QuietReporter())
            copy(open_documents(layout, access), target, QuietReporter())
        else:
            push(folder, Target(target, Ledger(None)), options, QuietReporter())
        assert all(str(Digest.of(content)) == name for name, content in fake.blobs.items())
        pull(Settings(source=fake.reference(), destination=str(tmp_path / "back")), access, QuietReporter())
    assert read_tree(tmp_path / "back") == read_tree(folder)


@pytest.mark.parametrize("at_neighbour", [False, True])
@pytest.mark.parametrize("name", TREE)
def test_a_blob_that_is_there_in_another_size_is_sent_again(tmp_path: Path, name: str, *, at_neighbour: bool) -> None:
    """By a push that knows its digest already, too; a mount would bring the same broken one."""
    folder, digest = write_tree(tmp_path / "model", TREE), str(Digest.of(TREE[name]))
    ledger = Ledger(tmp_path / "ledger", clock=lambda: time.time() + 60)
    with fake_registry() as fake, reach(PATIENT) as access:

        def pushed(repository: str) -> None:
            target = open_pusher(parse_source(f"{fake.address}/{repository}:v1"), access)
            push(folder, Target(target, ledger, fake.address, repository), Options(), QuietReporter())

        pushed("team/model")
        fake.blobs[digest] = TREE[name][:-100]
        if at_neighbour:
            mounts: list[str] = []  # several blobs are sent at once, so a question's mount is known by its digest alone

            def mount(request: Request, answer: Answer) -> Answer:
                if "mount=" not in request.path:
                    return answer
                mounts.append(request.path)
                return Answer(201)

            def asked(request: Request, answer: Answer) -> Answer:
                wanted = request.path.rpartition(":")[2]
                return answer if any(wanted in path for path in mounts) else Answer(404)

            fake.fail(mount, method="POST")
            fake.fail(asked, method="HEAD")
        pushed("other/model" if at_neighbour else "team/model")
        assert fake.blobs[digest] == TREE[name]


@pytest.mark.parametrize("name", TREE)
def test_a_broken_blob_that_the_registry_will_not_mend_ends_the_push(tmp_path: Path, name: str) -> None:
    """And no tag leads to it."""
    digest = str(Digest.of(TREE[name]))
    with fake_registry() as fake:
        fake.fail(faults.replaced(b"half"), method="HEAD", path=digest)
        limited(fake, 2 << 20)
        with pytest.raises(Mismatch, match="keeps it with another size") as caught:
            send(fake, tmp_path / "model", replace(reach(PATIENT), upload_chunk_bytes=2 << 20))
        assert "delete" in caught.value.hint
        assert "v1" not in fake.manifests


@pytest.mark.parametrize("stated", ["0", "many", ""])
def test_a_length_that_says_nothing_is_no_other_size(tmp_path: Path, stated: str) -> None:
    """Some servers answer HEAD with a length of 0."""
    with fake_registry() as fake:
        send(fake, tmp_path / "model", reach(PATIENT))
        before = len(fake.requests)
        fake.fail(faults.with_headers(Content_Length=stated), method="HEAD")
        send(fake, tmp_path / "model", reach(PATIENT))
        assert SMALL not in [request.body for request in fake.requests[before:]]


def test_a_token_that_lapses_in_mid_upload_is_renewed(tmp_path: Path) -> None:
    """A 401 to the streamed PATCH costs a new token, and the bytes that the registry did not keep."""
    config = tmp_path / "config.json"
    with TokenServer() as tokens, fake_registry() as fake:
        config.write_text(json.dumps({"auths": {fake.address: {"username": USER, "password": PASSWORD}}}))
        challenge = faults.status(401, WWW_Authenticate=f'Bearer realm="{tokens.realm}",service="registry"')
        fake.fail(challenge, method="POST", path="/blobs/uploads/", times=1, acts=False)
        fake.fail(challenge, method="PATCH", path="/blobs/uploads/", times=1)
        transport = Transport(proxies={}, timeout_seconds=5)
        access = Access(transport=transport, credentials=Credentials.load([config]), patience=HASTY)
        send(fake, tmp_path / "model", access, {"model.gguf": LARGE})
        assert kept(fake) == len(LARGE)
        assert len(tokens.asked) == 2


@pytest.mark.parametrize("code", [307, 308])
@pytest.mark.parametrize("hops", [1, 3])
def test_a_patch_that_is_led_elsewhere_goes_there(tmp_path: Path, code: int, hops: int) -> None:
    """The body is sent again to where the redirect leads, for it came to nothing here."""
    with fake_registry() as fake:
        for hop in range(hops):
            there = {"Location": f"/v2/team/model/blobs/uploads/1?hop={hop}"}
            fake.fail(faults.status(code, **there), method="PATCH", path="/uploads/", times=1, acts=False, skips=0)
        send(fake, tmp_path / "model", reach(), {"model.gguf": LARGE})


@pytest.mark.parametrize("status", [404, 409, 503])
def test_a_commit_that_a_gateway_cut_off_is_asked_about_while_the_registry_may_be_at_work(
    tmp_path: Path, status: int
) -> None:
    """504 after a minute, and the blob after three: nothing is sent a second time."""
    clock = Clock()
    digest = Digest.of(LARGE)

    def cut_off(_: Request, __: Answer) -> Answer:
        clock.sleep(60)
        return Answer(504)

    def moved(_: Request, answer: Answer) -> Answer:
        if clock.now < 200:
            return answer
        fake.add_blob(LARGE)
        return Answer(200)

    with fake_registry() as fake:
        fake.fail(cut_off, method="PUT", path=digest.hex, times=1, acts=False)
        fake.fail(faults.status(status), method="PUT", path=digest.hex, acts=False, skips=1)
        fake.fail(moved, method="HEAD", path=digest.hex)
        limits = Limits(clock=clock)
        send(fake, tmp_path / "model", reach(limits, clock.patience()), {"model.gguf": LARGE})
        assert kept(fake) == len(LARGE)


def test_where_the_cores_are_idle_all_files_are_sent_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry that answers when four uploads are under way: on one core, one alone would wait in vain."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    together = threading.Barrier(4, timeout=30)

    def wait_for_all(_: Request, answer: Answer) -> Answer:
        together.wait()
        return answer

    with fake_registry() as fake:
        fake.fail(wait_for_all, method="POST", path="/uploads/", times=4)
        tree = {f"model-{number}.gguf": noise(5 << 20, number) for number in range(4)}
        send(fake, tmp_path / "tree", Access(transport=Transport(proxies={}), credentials=Credentials()), tree)
        assert not together.broken


@pytest.mark.parametrize(
    ("used", "passed", "is_idle"), [(0.4, 1, True), (0.99, 1, True), (1.0, 1, False), (2, 1, False)]
)
def test_cores_are_idle_below_half_of_their_time(used: float, passed: float, is_idle: bool) -> None:  # noqa: FBT001
    """Of two cores, since it was asked last."""
    cpu, wall = Clock(), Clock()
    cores = IdleCores(2, cpu, wall)
    for _ in range(2):
        cpu.sleep(used)
        wall.sleep(passed)
        assert cores() is is_idle
