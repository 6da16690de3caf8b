"""Which piece comes next."""

from pathlib import Path

from puller.artifact.part import LayerKind, Part
from puller.plan import Blob, cut
from puller.transfer.file_blob import FileBlobWriter
from puller.transfer.queue import Queue
from registry.digest import Digest
from registry.manifest import Descriptor


def blob(name: str, pieces: int) -> FileBlobWriter:
    """Return a blob of so many pieces of one byte each."""
    layer = Descriptor(media_type="", digest=Digest.of(name.encode()), size=pieces)
    part = Part(layer=layer, number=0, shape=LayerKind.FILE, path=name)
    return FileBlobWriter(Blob(layer, (part,), tuple(cut(pieces, 1))), Path(name))


def line(queue: Queue) -> str:
    """Take every piece; give the names of their blobs in that order."""
    names = ""
    for _ in range(len(queue)):
        task = queue.take()
        assert task is not None
        names += task.writer.name
    return names


def test_blobs_take_turns_four_at_a_time() -> None:
    """A file takes one write at a time, so that its neighbours keep the other workers busy; one done lets one in."""
    queue = Queue([blob("a", 3), blob("b", 1), blob("c", 3), blob("d", 2), blob("e", 2)], limit=100)
    queue.ranges_work()
    assert line(queue) == "abcd" + "aecd" + "aec"


def test_one_piece_of_each_blob_is_handed_out_until_ranges_are_known() -> None:
    """Should the answer be the whole blob, no second one was asked for."""
    queue = Queue([blob("a", 3), blob("b", 2)], limit=2)
    assert [task.writer.name for task in (queue.take(), queue.take()) if task] == ["a", "b"]
