"""Which piece comes next."""

import threading
from collections import Counter
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("workers", [1, 3, 16])
def test_every_piece_is_taken_once_however_limits_change(workers: int) -> None:
    """Law: whoever waits is woken when it may take a piece, and all of them, and the main thread, when none is left."""
    queue = Queue([blob(name, 40) for name in "abcdef"], limit=2)
    seen, lock = Counter[tuple[str, int]](), threading.Lock()

    def run() -> None:
        task = queue.take()
        while task is not None:
            with lock:
                seen[task.writer.name, task.piece.start] += 1
                count = sum(seen.values())
            queue.ranges_work()
            if count % 7 == 0:
                queue.set_limit(1 + count % workers)
            task = queue.take_next()

    threads = [threading.Thread(target=run, daemon=True) for _ in range(workers)]
    for thread in threads:
        thread.start()
    assert queue.wait(30)
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    assert set(seen.values()) == {1}
    assert len(seen) == 240


def test_a_worker_that_fails_ends_the_work_of_all() -> None:
    """Whoever waits for a piece gets none, and the main thread gets the error."""
    queue = Queue([blob("a", 3)], limit=1)
    assert queue.take() is not None
    waiting = threading.Thread(target=queue.take, daemon=True)
    waiting.start()
    error = ValueError("the first failure")
    queue.stop(error)
    waiting.join(30)
    assert not waiting.is_alive()
    assert queue.wait(30)
    assert queue.failure is error
