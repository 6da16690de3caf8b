"""What a layout on disk is after writes that were broken off, and after those that were not."""

import errno
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import weighbridge
from packer.ledger import Ledger
from registry.access.access import Access
from registry.digest import Digest
from registry.errors import BadLayout, LayoutFailed, NotFound
from registry.open import open_documents, open_pusher, open_repository
from registry.source import parse_source
from tests.packer.pushing import fetch, send
from tests.puller.models import noise, write_tree

LARGE, SMALL = noise(5 << 20, 1), noise(2000, 2)
TREE = {"model.gguf": LARGE, "config.json": SMALL}


def blob(layout: Path, content: bytes) -> Path:
    """Return the file of a blob."""
    return layout / "blobs" / "sha256" / Digest.of(content).hex


@pytest.mark.parametrize("left", [0, 1000], ids=["empty", "cut off"])
@pytest.mark.parametrize("content", [LARGE, SMALL], ids=["large", "small"])
@pytest.mark.parametrize("verb", ["push", "copy"])
def test_a_blob_that_was_cut_off_is_written_again(
    tmp_path: Path, access: Access, ledger: Ledger, verb: str, content: bytes, left: int
) -> None:
    """Law: a name alone proves no blob; `verify` says so, and the next push or copy mends it."""
    folder, layout = write_tree(tmp_path / "model", TREE), tmp_path / "usb"
    target = f"layout://{layout}:v1"
    pushed = send(folder, target, access, ledger=ledger)
    assert weighbridge.main(["verify", target]) == 0
    os.truncate(blob(layout, content), left)
    assert weighbridge.main(["verify", target]) == 1
    if verb == "push":
        assert send(folder, target, access, ledger=ledger).wire_bytes == len(content)
    else:
        send(folder, f"layout://{tmp_path / 'healthy'}:v1", access)
        assert weighbridge.main(["copy", f"layout://{tmp_path / 'healthy'}:v1", target, "--quiet"]) == 0
    assert weighbridge.main(["verify", target]) == 0
    assert fetch(pushed.pinned, tmp_path / "out", access) == TREE


@pytest.mark.parametrize(
    "left", [(), ("blobs/",), ("blobs/sha256/",), (".incoming-abc",), ("blobs/sha256/.incoming-abc", ".incoming-x")]
)
def test_a_layout_whose_first_push_is_under_way_or_was_killed_is_pushed_to(
    tmp_path: Path, access: Access, left: tuple[str, ...]
) -> None:
    """Law: whatever of it stands there, a second push goes on; what nobody wrote to for a day is removed."""
    layout = tmp_path / "usb"
    layout.mkdir()
    for name in left:
        path = layout / name
        (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            path.write_text("{")
            os.utime(path, (1, 1))
    pushed = send(write_tree(tmp_path / "model", TREE), f"layout://{layout}:v1", access)
    assert fetch(pushed.pinned, tmp_path / "out", access) == TREE
    assert not [path for path in layout.rglob("*") if path.name.startswith(".incoming")]


@pytest.mark.parametrize("other", ["README.md", "manifests", "index.json", "blob"])
def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, access: Access, other: str) -> None:
    """Though it has a folder of the same name as a layout's."""
    layout = tmp_path / "usb"
    (layout / "blobs").mkdir(parents=True)
    (layout / other).write_text("{}")
    with pytest.raises(BadLayout):
        send(write_tree(tmp_path / "model", TREE), f"layout://{layout}:v1", access)
    assert sorted(path.name for path in layout.rglob("*")) == sorted(("blobs", other))


def test_first_pushes_to_one_layout_at_once_all_succeed(tmp_path: Path, access: Access) -> None:
    """Each in its own time, the folder's own files included."""
    folder, count = write_tree(tmp_path / "model", {"config.json": SMALL}), 6
    for number in range(10):
        layout, barrier = tmp_path / f"usb-{number}", threading.Barrier(count)

        def first(tag: int, layout: Path = layout, barrier: threading.Barrier = barrier) -> str:
            barrier.wait()
            return str(send(folder, f"layout://{layout}:v{tag}", access).digest)

        with ThreadPoolExecutor(count) as pool:
            assert len(set(pool.map(first, range(count)))) == 1
        index = json.loads((layout / "index.json").read_text())
        assert len(index["manifests"]) == count


def test_a_layout_that_lacks_a_blob_is_not_verified(
    tmp_path: Path, access: Access, capsys: pytest.CaptureFixture[str]
) -> None:
    """The manifest alone is no model."""
    target = f"layout://{tmp_path / 'usb'}:v1"
    send(write_tree(tmp_path / "model", TREE), target, access)
    blob(tmp_path / "usb", LARGE).unlink()
    assert weighbridge.main(["verify", target]) == 1
    assert f"the blob {Digest.of(LARGE)} is missing" in capsys.readouterr().out


def test_bytes_and_names_are_on_the_disk_before_what_leads_to_them(
    tmp_path: Path, access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law: each blob, then the folders that name them, then the index, then the folder that names it."""
    layout, synced = tmp_path / "usb", []
    real = os.fsync

    def noted(handle: int) -> None:
        synced.append(os.fstat(handle).st_ino)
        real(handle)

    monkeypatch.setattr(os, "fsync", noted)
    send(write_tree(tmp_path / "model", TREE), f"layout://{layout}:v1", access)
    blobs = layout / "blobs" / "sha256"
    order = [{one.stat().st_ino for one in blobs.iterdir()}, {blobs.stat().st_ino}]
    order += [{(layout / "index.json").stat().st_ino}, {layout.stat().st_ino}]
    last = [max(len(synced) - 1 - synced[::-1].index(one) for one in group) for group in order]
    assert last == sorted(last)
    assert synced[-1] == layout.stat().st_ino


@pytest.mark.parametrize(("number", "is_written"), [(errno.EINVAL, True), (errno.ENOTSUP, True), (errno.EIO, False)])
def test_a_file_system_that_cannot_sync_is_written_to_and_a_disk_that_fails_is_told(
    tmp_path: Path, access: Access, monkeypatch: pytest.MonkeyPatch, number: int, *, is_written: bool
) -> None:
    """FUSE and 9p may know no sync; an error of the disk leaves no tag."""

    def failing(_: int) -> None:
        raise OSError(number, os.strerror(number))

    target = f"layout://{tmp_path / 'usb'}:v1"
    send(write_tree(tmp_path / "old", {"a": b"1"}), f"layout://{tmp_path / 'usb'}:v0", access)
    monkeypatch.setattr(os, "fsync", failing)
    folder = write_tree(tmp_path / "model", TREE)
    if is_written:
        assert fetch(send(folder, target, access).pinned, tmp_path / "out", access) == TREE
    else:
        with pytest.raises(LayoutFailed):
            send(folder, target, access)
        with pytest.raises(NotFound):
            open_repository(parse_source(target), access).resolve()


FOREIGN = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.oci.image.index.v1+json",
    "artifactType": "application/vnd.example.collection",
    "annotations": {"org.example.maintainer": "team"},
    "manifests": [
        {
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": str(Digest.of(b"image")),
            "size": 5,
            "artifactType": "application/vnd.example.image",
            "urls": ["https://example.com/image"],
            "data": "aW1hZ2U=",
            "platform": {"architecture": "amd64", "os": "windows", "os.version": "10.0", "os.features": ["win32k"]},
            "annotations": {"org.opencontainers.image.ref.name": "windows"},
        },
        {
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": str(Digest.of(b"signature")),
            "size": 9,
            "artifactType": "application/vnd.example.signature",
            "platform": {"architecture": "arm64"},
            "annotations": {"org.example.signer": "team"},
        },
    ],
}
"""An index as other tools write it; the manifests themselves are of no account."""


def test_a_layout_of_other_tools_keeps_all_that_they_wrote(tmp_path: Path, access: Access) -> None:
    """Law: whatever is pushed or copied to a tag, every other entry of the index and its own keys stay as they were."""
    layout = tmp_path / "usb"
    (layout / "blobs" / "sha256").mkdir(parents=True)
    (layout / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (layout / "index.json").write_text(json.dumps(FOREIGN))
    pusher = open_pusher(parse_source(f"layout://{layout}:v1"), access)
    for number in range(2):
        send(write_tree(tmp_path / "model", {"a": b"%d" % number}), f"layout://{layout}:v1", access)
    document = open_documents(parse_source(f"layout://{layout}:v1"), access).document()
    before = json.loads((layout / "index.json").read_text())
    for _ in range(2):
        pusher.put_document(document, "v1")
        pusher.put_referrer(document, document.digest)
    after = json.loads((layout / "index.json").read_text())
    assert {**after, "manifests": after["manifests"][:2]} == FOREIGN
    assert before["manifests"] == after["manifests"][:3]
    assert len(after["manifests"]) == 4


def test_an_entry_that_says_more_of_the_same_artifact_stays(tmp_path: Path, access: Access) -> None:
    """A signature that oras listed with its type is copied again without loss."""
    layout = tmp_path / "usb"
    send(write_tree(tmp_path / "model", TREE), f"layout://{layout}:v1", access)
    document = open_documents(parse_source(f"layout://{layout}:v1"), access).document()
    pusher = open_pusher(parse_source(f"layout://{layout}:v1"), access)
    pusher.put_referrer(document, document.digest)
    index = json.loads((layout / "index.json").read_text())
    for entry in index["manifests"]:
        entry["artifactType"] = "application/vnd.example.signature"
    (layout / "index.json").write_text(json.dumps(index))
    pusher.put_referrer(document, document.digest)
    pusher.put_document(document, "v1")
    assert json.loads((layout / "index.json").read_text()) == index
