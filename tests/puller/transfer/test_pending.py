"""The pieces that no worker has taken: each is handed out once, in runs that one request can ask for."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from puller.artifact.part import LayerKind, Part
from puller.plan import Blob, Piece, cut
from puller.transfer.blob import BlobWriter
from puller.transfer.file_blob import FileBlobWriter
from puller.transfer.pending import Pending
from registry.digest import Digest
from registry.manifest import Descriptor

Held = list[tuple[BlobWriter, list[Piece]]]


class Packed(FileBlobWriter):
    """A blob whose pieces are consumed in their order."""

    is_ordered = True


def blob(number: int, size: int, *, is_ordered: bool) -> FileBlobWriter:
    """Return a blob of pieces of ten bytes, of which every seventh landed before."""
    layer = Descriptor(media_type="", digest=Digest.of(bytes([number])), size=size)
    part = Part(layer=layer, number=number, shape=LayerKind.FILE, path=str(number))
    pieces = tuple(cut(size, 10))
    return (Packed if is_ordered else FileBlobWriter)(Blob(layer, (part,), pieces), Path(str(number)), pieces[3::7])


BLOBS = st.lists(st.tuples(st.integers(1, 400), st.booleans()), max_size=8)
STEPS = st.lists(st.sampled_from(["take", "take", "take", "take unasked", "take rest", "put back"]), max_size=40)


@given(blobs=BLOBS, steps=STEPS, most=st.integers(0, 100))
def test_every_piece_is_handed_out_once_in_runs_without_a_gap(
    blobs: list[tuple[int, bool]], steps: list[str], most: int
) -> None:
    """Law: whatever is taken and put back. A run is of one blob, and of one piece where the order counts."""
    writers = [blob(number, size, is_ordered=is_ordered) for number, (size, is_ordered) in enumerate(blobs)]
    pending = Pending(writers)
    wanted = Counter((writer.name, piece) for writer in writers for piece in writer.missing)
    held: Held = []
    for step in [*steps, *(["take"] * len(pending))]:
        if step == "put back" and held:
            pending.put_back(*held.pop())
        elif step == "take rest" and held:
            held.append((held[-1][0], pending.take_rest(held[-1][0])))
        elif step.startswith("take"):
            run = pending.take(most) if step == "take" else pending.take_unasked(most)
            if run is None:
                continue
            writer, pieces = run
            held.append(run)
            assert all(one.stop == other.start for one, other in pairwise(pieces))
            assert len(pieces) == 1 or (not writer.is_ordered and pieces[-1].stop - pieces[0].start <= most)
        assert pending.bytes == sum(piece.stop - piece.start for piece in _left(pending, held, wanted))
    while (run := pending.take(most)) is not None:
        held.append(run)
    assert not pending
    assert Counter((writer.name, piece) for writer, pieces in held for piece in pieces) == wanted


def _left(pending: Pending, held: Held, wanted: Counter[tuple[str, Piece]]) -> list[Piece]:
    """Return the pieces that are not held."""
    left = wanted - Counter((writer.name, piece) for writer, pieces in held for piece in pieces)
    assert len(pending) == left.total()
    return [piece for _, piece in left]


@given(blobs=BLOBS)
def test_until_ranges_are_known_one_run_of_each_blob_is_taken(blobs: list[tuple[int, bool]]) -> None:
    """Those whose order counts come first; what is put back may be taken again."""
    writers = [blob(number, size, is_ordered=is_ordered) for number, (size, is_ordered) in enumerate(blobs)]
    pending = Pending(writers)
    taken = []
    while (run := pending.take_unasked(0)) is not None:
        taken.append(run)
    expected = sorted((writer for writer in writers if writer.missing), key=lambda writer: not writer.is_ordered)
    assert [writer for writer, _ in taken] == expected
    for writer, pieces in taken:
        pending.put_back(writer, pieces)
        assert pending.take_unasked(0) == (writer, pieces)
