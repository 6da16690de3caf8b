"""A piece that several workers bring: whichever bytes come first, by whomever, it is verified as one."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from puller.artifact.part import LayerKind, Part
from puller.errors import DiskFailed
from puller.plan import Blob, Piece
from puller.transfer.file_blob import FileBlobWriter
from puller.transfer.file_piece import FilePieceWriter
from puller.transfer.read_back import read_back
from registry.digest import Digest
from registry.errors import Mismatch
from registry.manifest import Descriptor
from registry.progress.stats import TransferStats
from tests.puller.models import noise

SIZE = 8 << 20
CONTENT = noise(SIZE)
BLAKE = Digest.of(CONTENT, "blake3")


@dataclass
class Landed:
    """Counts the pieces and files that are reported."""

    pieces: list[Piece] = field(default_factory=list)
    files: int = 0

    def landed(self, layer: Descriptor, piece: Piece, span: tuple[int, int], handle: int) -> None:  # noqa: ARG002
        """Count a piece."""
        self.pieces.append(piece)

    def complete(self, handle: int) -> None:  # noqa: ARG002
        """Count a file."""
        self.files += 1

    def staged(self, layer: Descriptor) -> None:
        """Fail: there are no packed layers."""
        raise AssertionError(layer)


def blob_of(path: Path, *, has_chunk_digest: bool) -> FileBlobWriter:
    """Return the writer of a blob of one piece, whose digest is its own or the blob's."""
    layer = Descriptor(media_type="", digest=Digest.of(CONTENT), size=SIZE)
    piece = Piece(0, SIZE, BLAKE if has_chunk_digest else None)
    path.unlink(missing_ok=True)
    writer = FileBlobWriter(Blob(layer, (Part(layer=layer, number=0, shape=LayerKind.FILE, path="w"),), (piece,)), path)
    writer.reserve()
    return writer


def write(writer: FilePieceWriter, count: int, content: bytes = CONTENT) -> None:
    """Give a writer its next bytes, as a worker does: perhaps more than it still wants."""
    writer.write(memoryview(content)[writer.position : writer.position + count])


def test_a_file_that_another_process_shortened_is_said_to_be(tmp_path: Path) -> None:
    """Bytes that were written and are gone end the pull, with the place where they end and what to do."""
    path = tmp_path / "w"
    path.write_bytes(CONTENT[:1000])
    with path.open("rb") as file:
        assert b"".join(map(bytes, read_back(file.fileno(), 10, 1000, "w"))) == CONTENT[10:1000]
        with pytest.raises(DiskFailed, match="w: ends at byte 1000: another process shortened it") as caught:
            list(read_back(file.fileno(), 10, 1001, "w"))
        assert "pull again" in caught.value.hint


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(st.integers(0, 7), st.sampled_from(["split", "write"]), st.integers(1, 2 << 20)), max_size=40
    ),
    order=st.randoms(use_true_random=False),
    has_chunk_digest=st.booleans(),
)
def test_however_a_piece_is_split_it_is_written_and_verified_once(
    tmp_path: Path, steps: list[tuple[int, bool, int]], order: object, *, has_chunk_digest: bool
) -> None:
    """Law: after any splits and writes all bytes are right, and the worker that ends last alone reports the piece."""
    blob, landed = blob_of(tmp_path / "w", has_chunk_digest=has_chunk_digest), Landed()
    writers = [blob.open_piece(blob.missing[0])]
    for number, is_split, count in steps:
        writer = writers[number % len(writers)]
        if is_split:
            rest = writer.split()
            if rest is not None:
                writers.append(rest)
        else:
            write(writer, count)
    order.shuffle(writers)  # type: ignore[attr-defined] # a random.Random of Hypothesis
    for left, writer in zip(reversed(range(len(writers))), writers, strict=True):
        while writer.position < writer.stop:
            write(writer, 1 << 20)
        assert landed.pieces == []
        writer.commit(TransferStats(SIZE), landed)
        assert bool(landed.pieces) == (left == 0)
        writer.close()
    assert (tmp_path / "w").read_bytes() == CONTENT
    assert landed.files == 1


def test_a_wrong_part_is_noticed_at_the_end_and_the_piece_begins_again(tmp_path: Path) -> None:
    """The worker that ends last brings the whole piece again, alone."""
    blob, landed = blob_of(tmp_path / "w", has_chunk_digest=True), Landed()
    first = blob.open_piece(blob.missing[0])
    write(first, 1 << 20)
    rest = first.split()
    assert rest is not None
    assert first.is_shared
    assert rest.is_shared
    write(rest, SIZE, bytes(SIZE))
    rest.commit(TransferStats(SIZE), landed)
    write(first, SIZE)
    with pytest.raises(Mismatch):
        first.commit(TransferStats(SIZE), landed)
    assert first.reset() == SIZE
    assert (first.position, first.stop, first.is_shared) == (0, SIZE, False)
    write(first, 1 << 20)
    assert first.reset() == 1 << 20, "as far as it came"
    write(first, SIZE)
    first.commit(TransferStats(SIZE), landed)
    assert (tmp_path / "w").read_bytes() == CONTENT
    assert len(landed.pieces) == 1


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    splits=st.lists(st.tuples(st.integers(0, 7), st.integers(0, 2 << 20)), max_size=7),
    gives_up=st.lists(st.booleans(), min_size=8, max_size=8),
    order=st.randoms(use_true_random=False),
    has_chunk_digest=st.booleans(),
)
def test_whoever_gives_up_a_piece_nothing_wrong_is_published(
    tmp_path: Path, splits: list[tuple[int, int]], gives_up: list[bool], order: object, *, has_chunk_digest: bool
) -> None:
    """Law: who gets another answer leaves the piece to those that write it; nobody writes to a piece that is done."""
    blob, landed = blob_of(tmp_path / "w", has_chunk_digest=has_chunk_digest), Landed()
    writers = [blob.open_piece(blob.missing[0])]
    for number, count in splits:
        write(writers[number % len(writers)], count)
        if rest := writers[number % len(writers)].split():
            writers.append(rest)
    order.shuffle(writers)  # type: ignore[attr-defined] # a random.Random of Hypothesis
    *others, last = writers
    unwritten, was_given_up, stats = 0, False, TransferStats(SIZE)
    for writer, is_leaving in zip(others, gives_up, strict=False):
        if is_leaving:
            assert writer.leave()
            unwritten, was_given_up = unwritten + writer.stop - writer.position, True
            continue
        write(writer, SIZE, bytes(SIZE) if was_given_up else CONTENT)  # wrong, too: nobody verifies it
        writer.commit(stats, landed)
    assert not last.leave(), "nobody else writes the piece"
    while last.position < last.stop:
        write(last, 1 << 20)
    if was_given_up:
        with pytest.raises(Mismatch):
            last.commit(stats, landed)
        assert landed.pieces == []
        assert last.reset() == SIZE - unwritten
        write(last, SIZE)
        last.commit(stats, landed)
    else:
        last.commit(stats, landed)
    assert (tmp_path / "w").read_bytes() == CONTENT
    assert (len(landed.pieces), landed.files) == (1, 1)


@pytest.mark.parametrize("has_chunk_digest", [True, False])
@pytest.mark.parametrize("wrong", [False, True])
def test_what_is_verified_is_what_was_written_last(tmp_path: Path, *, has_chunk_digest: bool, wrong: bool) -> None:
    """A piece begins again with other bytes: those that were hashed before count no more."""
    blob, landed, other = blob_of(tmp_path / "w", has_chunk_digest=has_chunk_digest), Landed(), noise(SIZE, 9)
    writer = blob.open_piece(blob.missing[0])
    write(writer, SIZE // 2, CONTENT if wrong else other)
    writer.reset()
    write(writer, SIZE, other if wrong else CONTENT)
    if wrong:
        with pytest.raises(Mismatch):
            writer.commit(TransferStats(SIZE), landed)
    else:
        writer.commit(TransferStats(SIZE), landed)
        assert (tmp_path / "w").read_bytes() == CONTENT


def test_a_piece_is_brought_again_once_whoever_ends_last(tmp_path: Path) -> None:
    """Its trials are the piece's, not a worker's."""
    blob = blob_of(tmp_path / "w", has_chunk_digest=True)
    first = blob.open_piece(blob.missing[0])
    write(first, 1 << 20)
    rest = first.split()
    assert rest is not None
    rest.trials.was_refetched = True
    first.trials.blamed.add("a.example")
    first.commit(TransferStats(SIZE), Landed())
    rest.reset()
    again = rest.split()
    assert again is not None
    assert again.trials.was_refetched
    assert again.trials.blamed == {"a.example"}


def test_a_rest_that_is_worth_no_request_is_not_split(tmp_path: Path) -> None:
    """Nothing is known of a piece's rate before its first byte, and little is left near its end."""
    blob = blob_of(tmp_path / "w", has_chunk_digest=True)
    writer = blob.open_piece(blob.missing[0])
    assert writer.rate(1e9) == 0
    write(writer, SIZE // 2)
    assert 0 < writer.rate(1e9) < 1
    write(writer, SIZE // 2 - 1000)
    assert writer.split() is None
