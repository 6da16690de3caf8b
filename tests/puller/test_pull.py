"""The puller against a registry that misbehaves: right bytes or a named error, and nothing else to be seen."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from puller.errors import BadDestination, NoRoom, NothingSelected, Occupied, UnsafePath
from puller.pull import pull
from puller.settings import Settings
from puller.store.receipt import Receipt
from registry.access.access import Access
from registry.annotations import FILEPATH, layer_type
from registry.auth.credentials import Credentials
from registry.digest import Digest
from registry.errors import BadManifest, Fault, Mismatch, NotFound, Refused, Unauthorized, Unavailable
from registry.http.transport import Transport
from registry.manifest import Descriptor
from registry.progress.reporter import QuietReporter
from tests.fakes import faults
from tests.fakes.manner import Manner
from tests.fakes.patience import HASTY, NONE
from tests.fakes.registry import Answer, Change, FakeRegistry, Request, fake_registry

from .models import layer, manifest_of, noise, offer, read_tree

MODEL = {"config.json": b"{}", "weights/model.safetensors": noise(300_000), "empty": b""}
PIECE = 64 << 10


@pytest.fixture
def fake() -> Iterator[FakeRegistry]:
    """Serve an empty fake registry."""
    with fake_registry() as running:
        yield running


@pytest.fixture
def access() -> Iterator[Access]:
    """Reach loopback registries as nobody."""
    with Access(
        transport=Transport(proxies={}, timeout_seconds=10), credentials=Credentials(), patience=HASTY
    ) as opened:
        yield opened


def bring(fake: FakeRegistry, access: Access, folder: Path, **changes: object) -> Receipt:
    """Pull the fake's model to `folder/model`."""
    values: dict[str, object] = {"source": fake.reference(), "destination": str(folder / "model")}
    settings = Settings(**{**values, "piece_bytes": PIECE, "connections": 4, **changes})  # type: ignore[arg-type] # each test its own
    return pull(settings, access, QuietReporter())


@pytest.mark.parametrize("chunk", [0, PIECE], ids=["foreign", "with chunk digests"])
def test_every_file_arrives_and_nothing_else(fake: FakeRegistry, access: Access, tmp_path: Path, chunk: int) -> None:
    """What is published is the artifact's files, byte for byte, under their names."""
    digest = offer(fake, MODEL, chunk=chunk)
    receipt = bring(fake, access, tmp_path)
    assert read_tree(tmp_path / "model") == MODEL
    assert receipt.digest == str(digest)
    assert receipt.wire_bytes == sum(map(len, MODEL.values()))


def test_large_blobs_come_in_ranges_over_several_requests(fake: FakeRegistry, access: Access, tmp_path: Path) -> None:
    """A blob larger than a piece is asked for in pieces, each byte once."""
    offer(fake, MODEL)
    bring(fake, access, tmp_path)
    ranges = sorted(request.range for request in fake.blob_requests() if request.range)
    assert ranges == [(start, min(start + PIECE, 300_000)) for start in range(0, 300_000, PIECE)]


@pytest.mark.parametrize("chunk", [0, PIECE], ids=["foreign", "with chunk digests"])
def test_a_registry_without_ranges_is_asked_once_for_each_blob(
    fake: FakeRegistry, access: Access, tmp_path: Path, chunk: int
) -> None:
    """An answer with the whole blob is kept as the one stream; no second one is asked for."""
    content = noise(400_000)
    offer(fake, {"model.gguf": content}, chunk=chunk)
    fake.fail(faults.ignoring_ranges(content))
    bring(fake, access, tmp_path)
    assert read_tree(tmp_path / "model") == {"model.gguf": content}
    assert len(fake.blob_requests()) == 1


def test_a_stream_that_breaks_goes_on_where_it_was(fake: FakeRegistry, access: Access, tmp_path: Path) -> None:
    """After a cut connection the rest is asked for, not the whole."""
    content = noise(40_000)
    offer(fake, {"model.gguf": content})
    fake.fail(faults.truncated(30_000), times=1)
    bring(fake, access, tmp_path)
    assert read_tree(tmp_path / "model") == {"model.gguf": content}
    assert fake.blob_requests()[1].range == (30_000, 40_000)


@pytest.mark.parametrize("chunk", [0, PIECE], ids=["foreign", "with chunk digests"])
def test_only_errors_without_progress_wear_patience_out(
    fake: FakeRegistry, access: Access, tmp_path: Path, chunk: int
) -> None:
    """A registry that resets every connection after some bytes is slow, but it is no failure."""
    offer(fake, MODEL, chunk=chunk)
    fake.fail(faults.truncated(5_000, resets=True))
    bring(fake, access, tmp_path)
    assert read_tree(tmp_path / "model") == MODEL


@pytest.mark.parametrize("code", [429, 500, 503])
def test_passing_trouble_is_waited_out(fake: FakeRegistry, access: Access, tmp_path: Path, code: int) -> None:
    """Answers that say "later" are tried again."""
    offer(fake, MODEL)
    fake.fail(faults.status(code, Retry_After="0"), times=3)
    fake.fail(faults.status(code), path="/manifests/", times=2)
    bring(fake, access, tmp_path)
    assert read_tree(tmp_path / "model") == MODEL


@pytest.mark.parametrize("chunk", [0, PIECE], ids=["foreign", "with chunk digests"])
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (faults.flipped(17), Mismatch),
        (faults.shortened(1), (Mismatch, Unavailable)),
        (faults.lengthened(b"x"), Mismatch),
        (faults.truncated(0), Unavailable),
        (faults.truncated(0, resets=True), Unavailable),
        (faults.replaced(b"<html>please log in</html>"), Mismatch),
        (faults.with_headers(Content_Encoding="gzip"), Refused),
        (faults.status(404), NotFound),
        (faults.status(403), Unauthorized),
        (faults.status(418), Refused),
    ],
)
def test_wrong_bytes_end_in_a_named_error_and_no_model(
    fake: FakeRegistry,
    access: Access,
    tmp_path: Path,
    chunk: int,
    fault: Change,
    error: type[Fault] | tuple[type[Fault], ...],
) -> None:
    """Whatever a blob's answer does wrong for ever, the destination does not appear, and the error has a hint."""
    digest = layer("weights", MODEL["weights/model.safetensors"]).digest
    offer(fake, MODEL, chunk=chunk)
    fake.fail(fault, path=f"/blobs/{digest}")
    with pytest.raises(error) as caught:
        bring(fake, access, tmp_path)
    assert not (tmp_path / "model").exists()
    assert caught.value.hint


@pytest.mark.parametrize("chunk", [0, PIECE], ids=["foreign", "with chunk digests"])
def test_bytes_that_were_wrong_once_are_fetched_anew(
    fake: FakeRegistry, access: Access, tmp_path: Path, chunk: int
) -> None:
    """A bit that turned on the way costs what its digest stands for, a chunk or the blob, and no error."""
    digest = layer("weights", MODEL["weights/model.safetensors"]).digest
    offer(fake, MODEL, chunk=chunk)
    fake.fail(faults.flipped(17), path=f"/blobs/{digest}", times=1)
    bring(fake, access, tmp_path)
    assert read_tree(tmp_path / "model") == MODEL


@pytest.mark.parametrize("content_range", ["bytes 1-50000/300000", "bytes 0-49999/7", "0-49999", ""])
def test_a_range_that_was_not_asked_for_costs_one_plain_request(
    fake: FakeRegistry, access: Access, tmp_path: Path, content_range: str
) -> None:
    """A 206 must say that it starts where it was asked to, in a blob of the promised size."""
    model = {"model.gguf": noise(300_000)}
    offer(fake, model)

    def change(request: Request, answer: Answer) -> Answer:
        return replace(answer, headers={"Content-Range": content_range}) if request.range else answer

    fake.fail(change)
    bring(fake, access, tmp_path, connections=2)
    assert read_tree(tmp_path / "model") == model
    assert [request.range is None for request in fake.blob_requests()] == [False, True]


def answering(count: int) -> Change:
    """Make a change that leaves so many bytes of the answer to each range of a blob of 300,000."""

    def shorten(request: Request, answer: Answer) -> Answer:
        if request.range is None:
            return answer
        start, body = request.range[0], answer.body[:count]
        return replace(answer, body=body, headers={"Content-Range": f"bytes {start}-{start + len(body) - 1}/300000"})

    return shorten


def test_a_registry_that_answers_less_than_a_range_is_asked_for_the_rest_at_once(
    fake: FakeRegistry, access: Access, tmp_path: Path
) -> None:
    """A server may send a part of what was asked for (RFC 9110 15.3.7): nothing broke, so nobody waits."""
    offer(fake, MODEL, chunk=PIECE)
    fake.fail(answering(40_000))
    receipt = bring(fake, replace(access, patience=NONE), tmp_path)
    assert read_tree(tmp_path / "model") == MODEL
    assert receipt.wire_bytes == sum(map(len, MODEL.values()))


@pytest.mark.parametrize("count", [1, 1000])
def test_a_registry_that_answers_ranges_by_crumbs_is_asked_for_the_whole(
    fake: FakeRegistry, access: Access, tmp_path: Path, count: int
) -> None:
    """A request for each few bytes would go on for hours, and no time limit would end it."""
    model = {"model.gguf": noise(300_000)}
    offer(fake, model)
    fake.fail(answering(count))
    bring(fake, access, tmp_path, connections=2)
    assert read_tree(tmp_path / "model") == model
    assert [request.range is None for request in fake.blob_requests()] == [False, True]


@pytest.mark.parametrize("status", [416, 200])
def test_a_registry_that_refuses_every_range_is_asked_for_the_whole(
    fake: FakeRegistry, access: Access, tmp_path: Path, status: int
) -> None:
    """A 416 to a range that lies within the blob says only that ranges are not known."""
    model = {"model.gguf": noise(300_000)}
    offer(fake, model)
    fake.fail(
        lambda request, answer: (
            Answer(status, model["model.gguf"] if status == 200 else b"") if request.range else answer
        )
    )
    bring(fake, access, tmp_path, connections=2)
    assert read_tree(tmp_path / "model") == model
    assert len(fake.blob_requests()) == (2 if status == 416 else 1)


def test_a_part_that_was_not_asked_for_at_all_is_refused(fake: FakeRegistry, access: Access, tmp_path: Path) -> None:
    """And so is a 416 to a plain request."""
    offer(fake, {"model.gguf": b"x" * 10})
    for status, error in ((206, Mismatch), (416, Refused)):
        fake.faults.clear()
        fake.fail(lambda _, answer, status=status: replace(answer, status=status))  # type: ignore[misc] # bound now
        with pytest.raises(error):
            bring(fake, access, tmp_path)


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        (faults.replaced(b"<html>sign in</html>"), BadManifest, "20 bytes of HTML or XML"),
        (faults.with_headers(Content_Encoding="gzip"), Refused, "Content-Encoding 'gzip'"),
        (faults.with_headers(Docker_Content_Digest="sha256:\x1b[2J"), Mismatch, r"sha256:.x1b\[2J"),
        (faults.replaced(b'{"layers": 3, "config": {}}'), BadManifest, "config"),
        (faults.replaced(b"[" * 100_000), BadManifest, "not JSON"),
        (faults.replaced(b" " * (9 << 20)), BadManifest, "are not read"),
        (faults.status(404), NotFound, "404"),
        (faults.status(401), Unauthorized, "credentials"),
        (faults.with_headers(Docker_Content_Digest=f"sha256:{'0' * 64}"), Mismatch, "announced as"),
    ],
)
def test_a_manifest_that_cannot_be_believed_is_refused(
    fake: FakeRegistry, access: Access, tmp_path: Path, fault: Change, error: type[Fault], words: str
) -> None:
    """Before the first blob is asked for, the manifest must be one."""
    offer(fake, MODEL)
    fake.fail(fault, path="/manifests/")
    with pytest.raises(error, match=words):
        bring(fake, access, tmp_path)
    assert fake.blob_requests() == []


def test_a_pinned_manifest_must_have_its_digest(fake: FakeRegistry, access: Access, tmp_path: Path) -> None:
    """A registry that answers another manifest for a digest is caught."""
    digest = offer(fake, MODEL)
    fake.fail(faults.replaced(manifest_of([layer("other", b"")]).to_bytes()), path="/manifests/")
    with pytest.raises(Mismatch):
        bring(fake, access, tmp_path, source=f"{fake.reference()}@{digest}")


@pytest.mark.parametrize(
    "path",
    [
        "../outside",
        "a/../../outside",
        "/etc/passwd",
        "C:\\model",
        "c:model",
        "a\\b",
        "nul\0byte",
        "",
        ".",
        "a//../b",
        "//a",
    ],
)
def test_a_file_name_that_climbs_out_is_refused(fake: FakeRegistry, access: Access, tmp_path: Path, path: str) -> None:
    """Names that could be written anywhere but inside the model directory are refused before any byte comes."""
    content = b"evil"
    fake.add_blob(content)
    fake.add(manifest_of([layer(path, content)]))
    with pytest.raises(UnsafePath):
        bring(fake, access, tmp_path)
    assert fake.blob_requests() == []


@pytest.mark.parametrize("path", ["../b", "/etc/b", "c:b", "a\\b", "b\u202e", "x" * 300 + "b"], ids=ascii)
@pytest.mark.parametrize("globs", [{"include": ("good*",)}, {"exclude": ("*b*",)}], ids=["include", "exclude"])
def test_an_odd_name_matters_where_it_is_selected(
    fake: FakeRegistry, access: Access, tmp_path: Path, path: str, globs: dict[str, tuple[str, ...]]
) -> None:
    """One file that no volume takes leaves the others pullable, and its bytes are not asked for."""
    offered = {"good": b"1", path: b"evil"}
    for content in offered.values():
        fake.add_blob(content)
    fake.add(manifest_of([layer(name, content) for name, content in offered.items()]))
    bring(fake, access, tmp_path, **globs)
    assert read_tree(tmp_path / "model") == {"good": b"1"}
    assert [request.path for request in fake.blob_requests() if Digest.of(b"evil").hex in request.path] == []


@pytest.mark.parametrize("path", ["a//b", "a/./b", "./a/b", ".//a/b/.", "a/b/"])
def test_a_path_is_made_plain_as_names_in_archives_are(
    fake: FakeRegistry, access: Access, tmp_path: Path, path: str
) -> None:
    """Every reader ignores its empty and `.` parts; the globs see the plain path."""
    fake.add_blob(b"1")
    fake.add(manifest_of([layer(path, b"1")]))
    bring(fake, access, tmp_path, include=("a/b",))
    assert read_tree(tmp_path / "model") == {"a/b": b"1"}


def test_links_that_lie_in_the_way_are_not_followed(fake: FakeRegistry, access: Access, tmp_path: Path) -> None:
    """A link planted where files come in is removed; what it points to keeps its bytes."""
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    offer(fake, MODEL)
    incoming = tmp_path / ".weighbridge" / "model" / str(os.geteuid()) / "incoming"
    incoming.mkdir(parents=True)
    for content in MODEL.values():
        (incoming / Digest.of(content).hex).symlink_to(victim)
    (incoming / "weights").symlink_to(tmp_path)
    (incoming.parent / "stage").symlink_to(tmp_path)
    (incoming.parent / "model").symlink_to(tmp_path)
    bring(fake, access, tmp_path)
    assert victim.read_bytes() == b"mine"
    assert read_tree(tmp_path / "model") == MODEL
    assert not (tmp_path / "model.safetensors").exists()


def test_a_destination_that_is_a_link_is_refused(fake: FakeRegistry, access: Access, tmp_path: Path) -> None:
    """The model's own folder may not be a symbolic link."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "model").symlink_to(tmp_path / "elsewhere")
    offer(fake, MODEL)
    with pytest.raises(BadDestination, match="symbolic link"):
        bring(fake, access, tmp_path)


def test_a_folder_of_somebody_else_is_not_touched(fake: FakeRegistry, access: Access, tmp_path: Path) -> None:
    """A destination with files that no pull wrote is refused, and keeps them."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "thesis.tex").write_text("years of work")
    offer(fake, MODEL)
    with pytest.raises(Occupied):
        bring(fake, access, tmp_path)
    assert (tmp_path / "model" / "thesis.tex").read_text() == "years of work"


def test_a_second_pull_fetches_nothing(fake: FakeRegistry, access: Access, tmp_path: Path) -> None:
    """A model that stands is recognised; pinned to its digest, without a word to the registry."""
    digest = offer(fake, MODEL)
    bring(fake, access, tmp_path)
    asked = len(fake.requests)
    bring(fake, access, tmp_path, source=f"{fake.reference()}@{digest}")
    assert len(fake.requests) == asked


def test_a_new_version_fetches_only_what_changed(fake: FakeRegistry, access: Access, tmp_path: Path) -> None:
    """Files that the version before had are kept, files that it alone had are gone."""
    offer(fake, {**MODEL, "old.txt": b"old"})
    bring(fake, access, tmp_path)
    newer = {**MODEL, "config.json": b'{"new": true}'}
    offer(fake, newer)
    receipt = bring(fake, access, tmp_path)
    assert read_tree(tmp_path / "model") == newer
    assert receipt.wire_bytes == len(newer["config.json"])


def test_a_file_that_was_changed_on_disk_is_fetched_again(fake: FakeRegistry, access: Access, tmp_path: Path) -> None:
    """A published file whose bytes changed is not believed."""
    offer(fake, MODEL)
    bring(fake, access, tmp_path)
    (tmp_path / "model" / "config.json").write_bytes(b"[]")
    bring(fake, access, tmp_path)
    assert read_tree(tmp_path / "model") == MODEL


def test_what_an_ended_pull_verified_is_not_fetched_again(fake: FakeRegistry, access: Access, tmp_path: Path) -> None:
    """After a pull that failed, the next one fetches only the files that were not complete."""
    offer(fake, MODEL)
    weights = layer("weights", MODEL["weights/model.safetensors"]).digest
    fake.fail(faults.status(404), path=f"/blobs/{weights}", times=1)
    with pytest.raises(NotFound):
        bring(fake, access, tmp_path, connections=1)
    asked = len(fake.blob_requests())
    bring(fake, access, tmp_path)
    assert {request.path.rpartition("/")[2] for request in fake.blob_requests()[asked:]} == {str(weights)}


def test_a_volume_without_room_is_known_before_the_first_byte(
    fake: FakeRegistry, access: Access, tmp_path: Path
) -> None:
    """A model larger than the volume's free space is refused without a request for its blobs."""
    huge = Descriptor(
        media_type=layer_type("weight", "raw"),
        digest=Digest.of(b"?"),
        size=1 << 60,
        annotations={FILEPATH: "model.gguf"},
    )
    fake.add(manifest_of([huge]))
    with pytest.raises(NoRoom, match="needs 1152921504606846976 bytes"):
        bring(fake, access, tmp_path, piece_bytes=1 << 60)
    assert fake.blob_requests() == []


def test_a_synced_pull_is_believed_after_another_boot_and_an_unsynced_one_is_not(
    fake: FakeRegistry, access: Access, tmp_path: Path
) -> None:
    """After a power cut files may have their sizes and times and not their bytes: only synced data skips the check."""
    digest = offer(fake, {**MODEL, "copy.json": b"{}"})
    for folder, is_synced in (("synced", True), ("loose", False)):
        (tmp_path / folder).mkdir()
        bring(fake, access, tmp_path / folder, sync=is_synced)
    written = next((tmp_path / "loose").rglob("receipt"))
    this_boot = json.loads(written.read_text())["boot"]
    written.write_text(written.read_text().replace(this_boot, "another boot"))
    asked = len(fake.requests)
    pinned = f"{fake.reference()}@{digest}"
    bring(fake, access, tmp_path / "synced", sync=True, source=pinned)
    assert len(fake.requests) == asked
    before = bring(fake, access, tmp_path / "loose", source=pinned)
    assert before.boot == this_boot, "it was hashed anew"
    assert len(fake.requests) == asked, "by the manifest that was kept beside it"


def test_globs_choose_files(fake: FakeRegistry, access: Access, tmp_path: Path) -> None:
    """Include and exclude decide what comes; a choice of nothing is an error."""
    offer(fake, MODEL)
    bring(fake, access, tmp_path, include=("*.json", "*.safetensors"), exclude=("weights/*",))
    assert read_tree(tmp_path / "model") == {"config.json": b"{}"}
    with pytest.raises(NothingSelected):
        bring(fake, access, tmp_path, include=("*.onnx",))


def test_equal_files_are_fetched_once(fake: FakeRegistry, access: Access, tmp_path: Path) -> None:
    """Two names for the same bytes cost one request."""
    files = {"a.json": b"same", "b/c.json": b"same"}
    offer(fake, files)
    bring(fake, access, tmp_path)
    assert read_tree(tmp_path / "model") == files
    assert len(fake.blob_requests()) == 1


def test_credentials_do_not_follow_a_redirect_to_another_host(
    fake: FakeRegistry, access: Access, tmp_path: Path
) -> None:
    """Where blobs are redirected to, no Authorization arrives; the address found is used for the other pieces too."""
    content = noise(300_000)
    offer(fake, {"model.gguf": content})
    fake.fail(faults.status(401, WWW_Authenticate='Basic realm="r"'), path="/manifests/", times=1)
    with fake_registry() as storage:
        storage.add_blob(content)
        fake.fail(faults.redirected(f"http://{storage.address}{{path}}?signature=secret"))
        file = tmp_path / "config.json"
        file.write_text(f'{{"auths": {{"{fake.address}": {{"username": "me", "password": "hush"}}}}}}')
        known = Access(transport=access.transport, credentials=Credentials.load([file]))
        bring(fake, known, tmp_path)
        assert read_tree(tmp_path / "model") == {"model.gguf": content}
        assert all("authorization" not in request.headers for request in storage.requests)
        assert len(fake.blob_requests()) < len(storage.blob_requests())


@pytest.mark.parametrize("last", [faults.status(503), faults.replaced(b"it has expired")], ids=["503", "page"])
def test_a_redirects_target_that_is_gone_is_asked_for_anew(
    fake: FakeRegistry, access: Access, tmp_path: Path, last: Change
) -> None:
    """The registry leads to another node by then; the address that it gave before is not all that is tried."""
    content = noise(300_000)
    offer(fake, {"model.gguf": content})
    with fake_registry() as storage, fake_registry() as other:
        storage.add_blob(content)
        other.add_blob(content)
        storage.fail(faults.truncated(100_000, resets=True), times=1)
        storage.fail(last, skips=1)
        fake.fail(faults.redirected(f"http://{storage.address}{{path}}"), times=1)
        fake.fail(faults.redirected(f"http://{other.address}{{path}}"), skips=1)
        bring(fake, access, tmp_path, connections=1)
    assert read_tree(tmp_path / "model") == {"model.gguf": content}


def test_a_connection_that_goes_silent_is_replaced(fake: FakeRegistry, tmp_path: Path) -> None:
    """Of several connections one brings nothing more: its piece goes on over another one, long before a time limit."""
    model = {"weights": noise(40 * PIECE)}
    offer(fake, model, chunk=PIECE)
    path = f"/blobs/{Digest.of(model['weights'])}"
    fake.fail(faults.stalled(PIECE // 2), path=path, times=1)
    with Access(
        transport=Transport(proxies={}, timeout_seconds=3600), credentials=Credentials(), patience=HASTY
    ) as patient:
        receipt = bring(fake, patient, tmp_path)
    assert read_tree(tmp_path / "model") == model
    assert receipt.wire_bytes == 40 * PIECE
    ranges = [request.range for request in fake.blob_requests() if request.range]
    assert len(ranges) > len({start // PIECE for start, _ in ranges})


def test_the_rest_of_a_slow_piece_is_shared(fake: FakeRegistry, access: Access, tmp_path: Path) -> None:
    """Of two pieces the first one's connection brings little: others take over what it has left."""
    model = {"weights": noise(16 << 20)}
    offer(fake, model, chunk=8 << 20)
    path = f"/blobs/{Digest.of(model['weights'])}"
    fake.fail(faults.mannered(Manner(trickles_at=1 << 20)), path=path, times=1)
    receipt = bring(fake, access, tmp_path)
    assert read_tree(tmp_path / "model") == model
    assert len(fake.blob_requests()) > 2
    assert receipt.wire_bytes < 17 << 20


def test_the_folder_that_one_stands_in_is_refused(
    fake: FakeRegistry, access: Access, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new folder would take its place, and leave the shell in one that is gone."""
    offer(fake, MODEL)
    (tmp_path / "model").mkdir()
    monkeypatch.chdir(tmp_path / "model")
    with pytest.raises(BadDestination, match="runs in"):
        bring(fake, access, tmp_path)
