"""Pulls from a Hugging Face hub: right bytes of one commit or a named error, and a token that goes nowhere else."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from huggingface_hub.utils._xet import parse_xet_file_data_from_response

from puller.errors import UnsafePath
from puller.inspection.inspect import inspect
from puller.pull import pull
from puller.settings import Settings
from puller.store.receipt import Receipt
from registry.access.access import Access
from registry.access.environment import access_from
from registry.auth.credentials import Credentials
from registry.digest import Digest
from registry.errors import (
    BadCredentials,
    BadHubAnswer,
    BadManifest,
    Fault,
    HubGated,
    HubNotFound,
    HubUnauthorized,
    Mismatch,
    Refused,
    Unavailable,
    Untrusted,
)
from registry.http.redirects import RedirectRule
from registry.http.transport import Transport
from registry.huggingface.package_transport import PackageTransport
from registry.net.origin import Origin
from registry.open import open_pusher, open_repository
from registry.progress.reporter import QuietReporter
from registry.source import parse_source
from tests.fakes import faults
from tests.fakes.hub import FakeHub, Gate, fake_hub, git_id
from tests.fakes.patience import HASTY
from tests.fakes.registry import Answer, Change, Request
from tests.parts.certificate import tls_for_localhost

from .models import noise, read_tree

WEIGHTS = noise(300_000)
MODEL = {
    ".gitattributes": b"*.safetensors filter=lfs",
    "config.json": b"{}",
    "copy of config.json": b"{}",
    "empty": b"",
    "model.safetensors": WEIGHTS,
    "onnx/model #1 größer?.onnx": noise(5_000, 2),
}
SOURCE = "hf://team/model"
TOKEN = "hf_NobodyMaySeeThis"
PIECE = 50_000
KINDS = ["page", "list", "number", "deep", "no text", "endless"]
"""Of answers that are no listing."""


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    """Serve a hub with one model."""
    with fake_hub() as running:
        running.commit(MODEL)
        yield running


@pytest.fixture
def logged_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold a token as users do."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)


def reach(hub: FakeHub) -> Access:
    """Reach a hub."""
    transport = Transport(proxies={}, timeout_seconds=10)
    return Access(transport=transport, credentials=Credentials(), hub_endpoint=hub.endpoint, patience=HASTY)


def bring(hub: FakeHub, folder: Path, source: str = SOURCE, **changes: object) -> Receipt:
    """Pull a model to `folder/model`."""
    values: dict[str, object] = {"source": source, "destination": str(folder / "model")}
    settings = Settings(**{**values, "piece_bytes": PIECE, "connections": 4, **changes})  # type: ignore[arg-type] # each test its own
    with reach(hub) as access:
        return pull(settings, access, QuietReporter())


def tree(*entries: object) -> bytes:
    """Return a page of a tree."""
    return json.dumps([*entries]).encode()


def entry(**changes: object) -> dict[str, object]:
    """Return the entry of one small file, with changes."""
    return {"type": "file", "path": "config.json", "size": 2, "oid": git_id(b"{}"), **changes}


def commit_of(sha: object) -> bytes:
    """Return what the hub says of a revision."""
    return json.dumps({"id": "team/model", "sha": sha, "siblings": []}).encode()


def test_every_file_of_the_commit_arrives(hub: FakeHub, tmp_path: Path) -> None:
    """What is published is the repository's files, byte for byte; each is fetched once, large ones in ranges."""
    receipt = bring(hub, tmp_path)
    assert read_tree(tmp_path / "model") == MODEL
    assert receipt.pinned == f"hf://team/model@{hub.revisions['main']}"
    ranges = sorted(request.range for request in hub.cdn.blob_requests() if request.range)
    assert ranges == [(start, min(start + PIECE, 300_000)) for start in range(0, 300_000, PIECE)]
    small = [request.path for request in hub.file_requests() if request.path.endswith("/config.json")]
    assert len(small) == 1


MANY = {f"shards/part-{number:03}.json": b"{%d}" % number for number in range(25)}


@pytest.mark.parametrize("page_files", [1, 7, 26, 1000])
def test_a_repository_of_many_files_arrives_whole(hub: FakeHub, tmp_path: Path, page_files: int) -> None:
    """The hub cuts what it says of a model; the pages of its tree name every file, however many pages there are."""
    hub.page_files = page_files
    hub.commit(MANY)
    bring(hub, tmp_path)
    assert read_tree(tmp_path / "model") == MANY


def test_the_listing_is_that_of_the_commit_that_was_named(hub: FakeHub, tmp_path: Path) -> None:
    """A branch that moves between two requests changes nothing: every page is asked for by the commit."""
    before = hub.revisions["main"]

    def moved(_: Request, answer: Answer) -> Answer:
        hub.commit(MANY)
        return answer

    hub.fail(moved, path="/revision/", times=1)
    assert bring(hub, tmp_path).pinned == f"{SOURCE}@{before}"
    assert read_tree(tmp_path / "model") == MODEL


def test_a_page_that_fails_for_a_while_is_asked_for_by_our_own_patience(hub: FakeHub, tmp_path: Path) -> None:
    """The package waits for nothing by itself: each wait is one that the user is told of."""
    waits: list[str] = []
    hub.page_files = 7
    hub.commit(MANY)
    hub.fail(faults.status(503), path="/tree/.*cursor=14", times=2)
    hub.fail(faults.status(429), path="/tree/.*cursor=21", times=1)
    with reach(hub) as access:
        patient = replace(access, patience=replace(HASTY, note=lambda wait: waits.append(wait.answered)))
        pull(Settings(source=SOURCE, destination=str(tmp_path / "model")), patient, QuietReporter())
    assert read_tree(tmp_path / "model") == MANY
    assert [said.split(": ")[1].strip() for said in waits] == ["503", "503", "429"]


@pytest.mark.usefixtures("logged_in")
@pytest.mark.parametrize(
    "form", ['<https://elsewhere.example{}>; rel="next"', "<{}>; rel=next", '<{}>;a="b"; rel="next"']
)
def test_pages_and_the_token_stay_at_the_endpoint_that_was_named(hub: FakeHub, tmp_path: Path, form: str) -> None:
    """A mirror passes on the links of the hub behind it: they are read at the mirror."""
    hub.page_files = 7
    hub.commit(MANY)

    def led_away(_: Request, answer: Answer) -> Answer:
        link = answer.headers.get("Link", "").partition("<")[2].partition(">")[0].removeprefix(hub.endpoint)
        return replace(answer, headers={**answer.headers, **({"Link": form.format(link)} if link else {})})

    hub.fail(led_away, path="/tree/")
    bring(hub, tmp_path)
    assert read_tree(tmp_path / "model") == MANY
    assert {request.headers.get("authorization") for request in hub.requests} == {f"Bearer {TOKEN}"}


@pytest.mark.usefixtures("logged_in")
def test_a_listing_that_is_elsewhere_is_read_there_without_the_token(hub: FakeHub, tmp_path: Path) -> None:
    """Whoever a redirect leads to gets the token for no page, not for those after the first either."""
    hub.page_files = 7
    hub.commit(MANY)
    with fake_hub() as other:
        other.page_files = 7
        other.commit(MANY)

        def led_away(request: Request, _: Answer) -> Answer:
            return Answer(307, headers={"Location": f"{other.endpoint}{request.path}"})

        hub.fail(led_away, path="/tree/")
        bring(hub, tmp_path)
        assert read_tree(tmp_path / "model") == MANY
        assert len(other.requests) == 4
        assert [request for request in other.requests if "authorization" in request.headers] == []


@pytest.mark.parametrize(
    ("link", "words"),
    [("/api/models/team/model/tree/main?cursor=1", "has no end"), ("https://elsewhere.example/next", "no listing")],
)
def test_a_listing_without_an_end_is_refused(hub: FakeHub, tmp_path: Path, link: str, words: str) -> None:
    """No page is read twice, and none that is no listing."""

    def leading(_: Request, answer: Answer) -> Answer:
        return replace(answer, headers={"Link": f'<{link}>; rel="next"'})

    hub.fail(leading, path="/tree/")
    with pytest.raises(BadHubAnswer, match=words):
        bring(hub, tmp_path)
    assert hub.file_requests() == []


def test_two_pulls_of_one_commit_have_one_digest(hub: FakeHub, tmp_path: Path) -> None:
    """The digest is counted from the commit and its files, so that caches and receipts can name it."""
    first = bring(hub, tmp_path)
    again = bring(hub, tmp_path, destination=str(tmp_path / "again"))
    hub.commit({**MODEL, "config.json": b"[]"})
    assert first.digest == again.digest != bring(hub, tmp_path).digest


def test_a_branch_that_moved_does_not_change_what_a_commit_gives(hub: FakeHub, tmp_path: Path) -> None:
    """A source with a commit gives the same files for ever; a branch gives what it is now."""
    before = bring(hub, tmp_path)
    hub.commit({"config.json": b"[]"})
    bring(hub, tmp_path, before.pinned, destination=str(tmp_path / "pinned"))
    assert read_tree(tmp_path / "pinned") == MODEL
    bring(hub, tmp_path)
    assert read_tree(tmp_path / "model") == {"config.json": b"[]"}


def test_branches_with_slashes_are_revisions(hub: FakeHub, tmp_path: Path) -> None:
    """The hub names the heads of its pull requests refs/pr/1."""
    hub.commit({"config.json": b"[1]"}, branch="refs/pr/1")
    bring(hub, tmp_path, f"{SOURCE}@refs/pr/1")
    assert read_tree(tmp_path / "model") == {"config.json": b"[1]"}


def test_a_commit_that_stands_already_is_not_asked_for(hub: FakeHub, tmp_path: Path) -> None:
    """A warm start from a commit needs no hub."""
    receipt = bring(hub, tmp_path)
    asked = len(hub.requests)
    assert bring(hub, tmp_path, receipt.pinned).digest == receipt.digest
    assert len(hub.requests) == asked


def test_globs_choose_files(hub: FakeHub, tmp_path: Path) -> None:
    """Files are chosen by the same globs as those of artifacts."""
    bring(hub, tmp_path, include=("*.json",), exclude=("copy*",))
    assert read_tree(tmp_path / "model") == {"config.json": b"{}"}


def test_what_came_before_a_failure_does_not_come_again(hub: FakeHub, tmp_path: Path) -> None:
    """A pull that broke off goes on with the pieces that it lacks."""

    def without_the_end(request: Request, answer: Answer) -> Answer:
        broken = faults.truncated(2 * PIECE)(request, answer)
        return Answer(404) if request.range and request.range[0] >= PIECE else broken

    hub.cdn.fail(without_the_end, times=1000)
    with pytest.raises(HubNotFound):
        bring(hub, tmp_path, connections=1)
    assert not (tmp_path / "model").exists()
    hub.cdn.faults.clear()
    hub.cdn.requests.clear()
    bring(hub, tmp_path, connections=1)
    assert read_tree(tmp_path / "model") == MODEL
    assert min(request.range[0] for request in hub.cdn.blob_requests() if request.range) >= PIECE


def test_streams_that_break_go_on_where_they_were(hub: FakeHub, tmp_path: Path) -> None:
    """Cut and overrun connections cost time alone."""
    hub.cdn.fail(faults.truncated(10_000, resets=True), times=3)
    hub.fail(faults.status(503), path="/api/models/", times=2)
    hub.fail(faults.truncated(20), path="/api/models/", times=4)
    hub.fail(faults.status(429), path="/resolve/", times=2)
    bring(hub, tmp_path)
    assert read_tree(tmp_path / "model") == MODEL


def test_an_address_that_lapsed_is_asked_for_anew(hub: FakeHub) -> None:
    """Signed addresses live for a while; the hub gives fresh ones."""
    hub.cdn.fail(faults.status(403), times=1)
    with reach(hub) as access:
        repository = open_repository(parse_source(SOURCE), access)
        layers = {
            one.annotations["org.opencontainers.image.title"]: one for one in repository.resolve().manifest.layers
        }
        weights = layers["model.safetensors"]
        with pytest.raises(HubUnauthorized):
            repository.open(weights, 0, 1000)
        repository.open(weights, 0, 1000).close()
        hub.cdn.fail(faults.status(403), times=1)
        body = repository.open(weights, 1000, 2000)
        buffer = memoryview(bytearray(1000))
        assert body.readinto(buffer) == 1000
        assert bytes(buffer) == WEIGHTS[1000:2000]
        body.close()


def test_a_hub_without_ranges_is_read_as_one_stream(hub: FakeHub, tmp_path: Path) -> None:
    """Mirrors of the hub that know no ranges serve too."""
    hub.cdn.fail(faults.ignoring_ranges(WEIGHTS), path="/blobs/")
    files = {"model.safetensors": WEIGHTS}
    hub.commit(files)
    bring(hub, tmp_path)
    assert read_tree(tmp_path / "model") == files


@pytest.mark.parametrize(
    "fault", [faults.flipped(17), faults.lengthened(b"x"), faults.replaced(b"<html>sign in</html>")]
)
@pytest.mark.parametrize("is_large", [True, False], ids=["large file", "git file"])
def test_wrong_bytes_end_in_a_named_error_and_no_model(
    hub: FakeHub, tmp_path: Path, fault: Change, *, is_large: bool
) -> None:
    """Large files are held to their sha256 and files of git's to their blob id; nothing else is ever seen."""
    if is_large:
        hub.cdn.fail(fault)
    else:
        hub.fail(fault, path="resolve-cache/.*gitattributes")
    with pytest.raises(Mismatch) as caught:
        bring(hub, tmp_path)
    assert not (tmp_path / "model").exists()
    assert caught.value.hint


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("hf://team/other", "Repository not found"),
        (f"{SOURCE}@v9", "Invalid rev id"),
        (f"{SOURCE}@{'0' * 40}", "rev id"),
    ],
)
def test_what_is_not_there_is_named(hub: FakeHub, tmp_path: Path, source: str, words: str) -> None:
    """Repositories and revisions that are absent end in an error of their own, with the hub's words."""
    with pytest.raises(HubNotFound, match=words):
        bring(hub, tmp_path, source)
    assert not (tmp_path / "model").exists()


def test_a_private_repository_looks_absent_and_the_hint_says_so(hub: FakeHub, tmp_path: Path) -> None:
    """The hub does not tell strangers what is there."""
    hub.gate, hub.is_private = Gate(TOKEN), True
    with pytest.raises(HubNotFound) as caught:
        bring(hub, tmp_path)
    assert "private" in caught.value.hint


@pytest.mark.parametrize("is_known", [True, False])
def test_a_gated_repository_is_named_as_such(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_known: bool
) -> None:
    """Whoever has not accepted the terms is told to, with a token or without one."""
    hub.gate = Gate(TOKEN, is_accepted=False)
    if is_known:
        monkeypatch.setenv("HF_TOKEN", TOKEN)
    with pytest.raises(HubGated, match=f"asked {'with' if is_known else 'without'} a token") as caught:
        bring(hub, tmp_path)
    assert "accept the terms" in caught.value.hint


@pytest.mark.usefixtures("logged_in")
def test_a_token_that_is_refused_is_named(hub: FakeHub, tmp_path: Path) -> None:
    """A token that lapsed is a failure of its own."""
    hub.fail(faults.status(401), path="/api/models/")
    with pytest.raises(HubUnauthorized):
        bring(hub, tmp_path)


@pytest.mark.usefixtures("logged_in")
@pytest.mark.parametrize("path", ["/api/models/", "/resolve/"])
def test_a_hub_that_says_the_token_aloud_is_not_quoted_with_it(hub: FakeHub, tmp_path: Path, path: str) -> None:
    """The hub's words are passed on without what they may not hold."""
    hub.fail(faults.status(403, X_Error_Message=f"the token {TOKEN} may not read this"), path=path)
    with pytest.raises(HubUnauthorized, match="the token … may not") as caught:
        bring(hub, tmp_path)
    assert TOKEN not in caught.value.explain()


@pytest.mark.usefixtures("logged_in")
def test_the_token_goes_to_the_hub_alone(hub: FakeHub, tmp_path: Path) -> None:
    """Where large files are kept nobody sees it: addresses there are signed."""
    hub.gate = Gate(TOKEN)
    bring(hub, tmp_path)
    assert read_tree(tmp_path / "model") == MODEL
    assert {request.headers.get("authorization") for request in hub.requests} == {f"Bearer {TOKEN}"}
    assert [request for request in hub.cdn.requests if "authorization" in request.headers] == []


def test_the_token_of_a_login_is_found(hub: FakeHub, tmp_path: Path) -> None:
    """What `hf auth login` wrote is read, in the place that HF_TOKEN_PATH names."""
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    hub.gate = Gate(TOKEN)
    done = run_puller(hub, tmp_path, HF_TOKEN_PATH=str(file))
    assert done.returncode == 0
    assert read_tree(tmp_path / "model") == MODEL


@pytest.mark.parametrize("token", ["hf_ü", "hf_a\x7fb"])
def test_a_token_that_no_header_can_hold_is_not_quoted(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    """A spoilt Secret is named without its text."""
    monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(BadCredentials) as caught:
        bring(hub, tmp_path)
    assert "hf_" not in caught.value.explain()


def run_puller(hub: FakeHub, folder: Path, source: str = SOURCE, **environ: str) -> "subprocess.CompletedProcess[str]":
    """Run the initContainer's program, with the hub where the webhook says that it is."""
    settings = Settings(source=source, destination=str(folder / "model"), termination_log=str(folder / "log"))
    (folder / "log").touch()
    return subprocess.run(
        [sys.executable, "-m", "puller"],
        env={**os.environ, **settings.to_env(), "HF_ENDPOINT": hub.endpoint, **environ},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("is_accepted", [True, False])
def test_the_token_is_in_nothing_that_a_pull_leaves(hub: FakeHub, tmp_path: Path, *, is_accepted: bool) -> None:
    """Neither the words, nor the termination message, nor any file holds it, when the pull fails and when it works."""
    hub.gate = Gate(TOKEN, is_accepted=is_accepted)
    done = run_puller(hub, tmp_path, HF_TOKEN=TOKEN)
    assert done.returncode == (0 if is_accepted else 1)
    left = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert [text for text in (done.stdout.encode(), done.stderr.encode(), *left) if TOKEN.encode() in text] == []
    assert is_accepted or "[hub.gated]" in done.stderr


def test_a_hub_that_is_away_is_unavailable(tmp_path: Path) -> None:
    """A hub that cannot be reached may be back later: the error is a temporary one."""
    with fake_hub() as hub:
        pass
    with pytest.raises(Unavailable):
        bring(hub, tmp_path)


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"HF_HUB_OFFLINE": "1"}, "take HF_HUB_OFFLINE away"),
        ({"TRANSFORMERS_OFFLINE": "yes"}, "take TRANSFORMERS_OFFLINE away"),
        ({"HF_HUB_OFFLINE": "True", "TRANSFORMERS_OFFLINE": "1"}, "take HF_HUB_OFFLINE and TRANSFORMERS_OFFLINE away"),
        ({"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "0"}, "take HF_HUB_OFFLINE away"),
    ],
    ids=str,
)
def test_offline_means_offline(hub: FakeHub, tmp_path: Path, environ: dict[str, str], said: str) -> None:
    """Each variable that the package heeds is honoured, and exactly those that are set are named."""
    done = run_puller(hub, tmp_path, **environ)
    assert done.returncode == 1
    assert said in done.stderr
    assert hub.requests == []


@pytest.mark.parametrize(
    "page",
    [
        tree(entry(size=None)),
        tree(entry(size=-1)),
        tree(entry(size="2")),
        tree(entry(size=33 << 20)),
        tree(entry(oid=None)),
        tree(entry(lfs={"oid": "0", "size": 2, "pointerSize": 1})),
        tree(entry(lfs={"size": 2, "pointerSize": 1})),
        tree(entry(lfs=3)),
        tree(entry(path=3)),
        tree({"type": "file"}),
        tree({}),
        tree(3),
        b"{}",
        b'{"error": "no"}',
        tree(),
    ],
    ids=repr,
)
def test_a_listing_that_cannot_be_believed_is_refused(hub: FakeHub, tmp_path: Path, page: bytes) -> None:
    """Before the first file is asked for, the listing must say what files there are, and how large."""
    hub.fail(faults.replaced(page), path="/tree/")
    with pytest.raises(Fault) as caught:
        bring(hub, tmp_path)
    assert caught.value.code in {"hub.invalid", "artifact.invalid"}
    assert hub.file_requests() == []


@pytest.mark.parametrize("sha", ["main", None, 3, "", ["1" * 40]], ids=repr)
def test_a_hub_that_names_no_commit_is_refused(hub: FakeHub, tmp_path: Path, sha: object) -> None:
    """What a branch is must be known before its files are."""
    hub.fail(faults.replaced(commit_of(sha)), path="/revision/")
    with pytest.raises(BadHubAnswer, match="no commit"):
        bring(hub, tmp_path)
    assert hub.file_requests() == []


@pytest.mark.parametrize(
    "body", [b"<html>", b"[3]", b"3", b"[" * 100_000, b"\xff\xfe", b"[" + b" " * (64 << 20)], ids=KINDS
)
@pytest.mark.parametrize("path", ["/revision/", "/tree/"])
def test_an_answer_that_is_no_listing_is_refused(hub: FakeHub, tmp_path: Path, body: bytes, path: str) -> None:
    """A captive portal is no hub."""
    hub.fail(faults.replaced(body), path=path)
    with pytest.raises(BadHubAnswer):
        bring(hub, tmp_path)


def test_another_commit_than_the_one_asked_for_is_refused(hub: FakeHub, tmp_path: Path) -> None:
    """A mirror may not answer for a commit with what it has."""
    wanted = hub.revisions["main"]
    hub.fail(faults.replaced(commit_of("1" * 40)), path="/revision/")
    with pytest.raises(BadHubAnswer, match="another commit"):
        bring(hub, tmp_path, f"{SOURCE}@{wanted}")


def test_a_file_name_that_climbs_out_is_refused(hub: FakeHub, tmp_path: Path) -> None:
    """The hub's names are held to the same law as any artifact's."""
    hub.commit({"../outside": b"x"})
    with pytest.raises(BadHubAnswer, match="climbs out"):
        bring(hub, tmp_path)
    assert not (tmp_path / "outside").exists()
    assert hub.file_requests() == []


ODD = "old\\run\n.bin"


def test_a_name_that_no_volume_takes_leaves_the_others_pullable(hub: FakeHub, tmp_path: Path) -> None:
    """Git takes names that not every system does: they are judged where they are selected."""
    hub.commit({**MODEL, ODD: b"x", "weights\u202e.bin": noise(5_000, 3)})
    bring(hub, tmp_path, exclude=("old*", "weights*"))
    assert read_tree(tmp_path / "model") == MODEL
    with pytest.raises(UnsafePath):
        bring(hub, tmp_path)
    with reach(hub) as access:
        repository = open_repository(parse_source(SOURCE), access)
        for globs, problem in ((("config.json",), ""), (("old*",), "another system")):
            settings = Settings(source="", destination="", include=globs)
            found = inspect(repository, access, settings, QuietReporter())
            assert problem in found.problem
            assert bool(problem) == bool(found.problem)
            assert len(found.entries) == len(MODEL) + 2


@pytest.mark.parametrize(
    "path", ["../a", "a/../b", "a/..", "..", ".", "./a", "a//b", "/a", "a/", "", "a\ud800", "a\0b"], ids=ascii
)
def test_a_name_that_git_cannot_have_makes_no_listing(hub: FakeHub, tmp_path: Path, path: str) -> None:
    """Whatever is selected: such a name would become part of an address."""
    hub.fail(faults.replaced(tree(entry(), entry(path=path))), path="/tree/")
    with pytest.raises(BadHubAnswer, match="git cannot have"):
        bring(hub, tmp_path, include=("config.json",))
    assert hub.file_requests() == []


def test_inspect_names_the_repository_and_its_files(hub: FakeHub) -> None:
    """One screen tells what a pull would bring."""
    with reach(hub) as access:
        found = inspect(
            open_repository(parse_source(SOURCE), access), access, Settings(source="", destination=""), QuietReporter()
        )
    assert (found.kind, found.problem) == ("Hugging Face repository", "")
    assert [entry.path for entry in found.entries] == sorted(MODEL)
    assert found.pinned == f"hf://team/model@{hub.revisions['main']}"
    assert found.size == sum(map(len, MODEL.values()))


def test_the_config_is_readable_however_much_is_in_memory(hub: FakeHub) -> None:
    """No file holds the config: small files that fill the memory for them do not displace it."""
    hub.large_bytes = 2 << 20
    sizes = [1 << 20] * 24 + [1 << power for power in range(19, 5, -1) for _ in range(3)] + [64] * 99
    hub.commit({f"{number:03}.txt": b"%04d" % number * (size // 4) for number, size in enumerate(sizes)})
    with reach(hub) as access:
        repository = open_repository(parse_source(SOURCE), access)
        config = repository.resolve().manifest.config
        assert json.loads(repository.read(config, 1 << 20))["commit"] == hub.revisions["main"]


def test_a_digest_of_no_file_is_named(hub: FakeHub) -> None:
    """Another manifest's layer is no file of this repository."""
    with reach(hub) as access:
        repository = open_repository(parse_source(SOURCE), access)
        with pytest.raises(BadManifest, match="no file of"):
            repository.read(replace(repository.resolve().manifest.config, digest=Digest.of(b"another's")), 1 << 20)


def test_the_hubs_own_program_may_fetch_large_files(hub: FakeHub, tmp_path: Path) -> None:
    """With `xet` whole files come by huggingface_hub, and are believed by their digest."""
    receipt = bring(hub, tmp_path, xet=True)
    assert read_tree(tmp_path / "model") == MODEL
    assert [request.range for request in hub.cdn.blob_requests() if Digest.of(WEIGHTS).hex in request.path] == [None]
    assert receipt.wire_bytes == sum(map(len, MODEL.values())) - len(WEIGHTS) - len(b"{}")
    assert list((tmp_path / ".weighbridge" / "model").glob("courier")) == []


def test_where_xet_gets_its_token_reaches_the_hubs_own_program(hub: FakeHub) -> None:
    """The hub names it in a link of its own, beside those by which listings go on."""
    route = f"{hub.endpoint}/api/models/team/model/xet-read-token/{'b' * 40}"
    named = faults.with_headers(X_Xet_Hash="a" * 64, Link=f'<{route}>; rel="xet-auth"')
    hub.fail(named, path="/resolve/", method="HEAD")
    transport = Transport(proxies={}, timeout_seconds=10)
    rule = RedirectRule(Origin.of(hub.endpoint))
    wire = PackageTransport(transport, rule, 1 << 40, lambda url, status, _: Refused(f"{url}: {status}"))
    with httpx2.Client(transport=wire) as package:
        answer = package.head(f"{hub.endpoint}/team/model/resolve/main/model.safetensors")
        told = parse_xet_file_data_from_response(answer)
    transport.close()
    assert told is not None
    assert told.refresh_route == route


@pytest.mark.parametrize("fault", [faults.flipped(17), faults.status(500), faults.shortened(1)])
def test_what_the_hubs_own_program_brings_wrong_comes_in_ranges(hub: FakeHub, tmp_path: Path, fault: Change) -> None:
    """It is not believed, and not needed."""

    def to_whole_files(request: Request, answer: Answer) -> Answer:
        return answer if request.range or len(answer.body) < len(WEIGHTS) else fault(request, answer)

    hub.cdn.fail(to_whole_files)
    bring(hub, tmp_path, xet=True)
    assert read_tree(tmp_path / "model") == MODEL


def test_the_hub_is_held_to_the_cas_that_are_named(tmp_path: Path) -> None:
    """What `huggingface_hub` asks and what we ask ourselves is held to the same trust."""
    tls, certificate = tls_for_localhost(tmp_path)
    with fake_hub(tls) as hub:
        hub.commit(MODEL)
        with pytest.raises(Untrusted):
            bring(hub, tmp_path)
        assert hub.requests == []
        with access_from({"HF_ENDPOINT": hub.endpoint}, ca_file=str(certificate)) as access:
            pull(Settings(source=SOURCE, destination=str(tmp_path / "model")), access, QuietReporter())
    assert read_tree(tmp_path / "model") == MODEL


def test_nothing_is_pushed_to_a_hub(hub: FakeHub) -> None:
    """Artifacts go to registries and layouts."""
    with reach(hub) as access, pytest.raises(Fault, match="nothing is pushed"):
        open_pusher(parse_source(SOURCE), access)


def test_an_endpoint_that_is_no_address_is_named(tmp_path: Path) -> None:
    """HF_ENDPOINT must be a URL."""
    access = Access(transport=Transport(proxies={}), credentials=Credentials(), hub_endpoint="huggingface.co")
    with access, pytest.raises(Refused, match="not an HTTP URL"):
        pull(Settings(source=SOURCE, destination=str(tmp_path / "model")), access, QuietReporter())
