"""What is believed after an unfinished pull, and what is not."""

from pathlib import Path

import pytest

from puller.artifact.part import LayerKind, Part
from puller.plan import Blob, Piece
from puller.store.journal import Journal
from puller.store.trust import Trust
from registry.digest import Digest
from tests.puller.models import layer

MANIFEST = Digest.of(b"manifest")
LAYER = layer("a", b"12345")
BLOB = Blob(
    LAYER, (Part(layer=LAYER, number=0, shape=LayerKind.FILE, path="a"),), (Piece(0, 3, None), Piece(3, 5, None))
)
TRUST = Trust.of_process(trusts_group=False)
INODE = 7
FIRST, SECOND = ((LAYER.digest.hex, piece.start, piece.stop) for piece in BLOB.pieces)


def write(path: Path) -> None:
    """Write a journal with one piece known before and one that lands."""
    with Journal(path, MANIFEST, "boot-1").open({FIRST: INODE}, 5) as journal:
        journal.record(LAYER.digest, BLOB.pieces[1].start, BLOB.pieces[1].stop, INODE)


def test_what_was_recorded_is_read(tmp_path: Path) -> None:
    """Law: read() gives what open() was told and record() added."""
    write(tmp_path / "journal")
    assert Journal(tmp_path / "journal", MANIFEST, "boot-1").read(TRUST) == {FIRST: INODE, SECOND: INODE}


@pytest.mark.parametrize(("manifest", "boot"), [(MANIFEST, "boot-2"), (MANIFEST, ""), (Digest.of(b"other"), "boot-1")])
def test_another_boot_or_artifact_is_not_believed(tmp_path: Path, manifest: Digest, boot: str) -> None:
    """After a power cut the data may be gone while the journal is not."""
    write(tmp_path / "journal")
    assert Journal(tmp_path / "journal", manifest, boot).read(TRUST) == {}


def test_a_line_that_was_cut_short_is_left_out(tmp_path: Path) -> None:
    """The end of a process may come in the middle of a line."""
    path = tmp_path / "journal"
    write(path)
    path.write_bytes(path.read_bytes()[:-2])
    assert Journal(path, MANIFEST, "boot-1").read(TRUST) == {FIRST: INODE}


def test_no_journal_says_nothing(tmp_path: Path) -> None:
    """The first pull finds none; one that is no text is as good as none."""
    assert Journal(tmp_path / "absent", MANIFEST, "boot-1").read(TRUST) == {}
    (tmp_path / "journal").write_bytes(b"\xff\xfe")
    assert Journal(tmp_path / "journal", MANIFEST, "boot-1").read(TRUST) == {}
