"""Which piece comes next."""

import threading
from collections import Counter
from pathlib import Path

import pytest

from puller.artifact.part import LayerKind, Part
from puller.plan import Blob, cut
from puller.transfer.file_blob import FileBlobWriter
from puller.transfer.file_piece import FilePieceWriter
from puller.transfer.pending import RUN_BYTES
from puller.transfer.queue import Queue
from registry.digest import Digest
from registry.manifest import Descriptor


def blob(name: str, pieces: int) -> FileBlobWriter:
    """Return a blob of so many pieces of one byte each."""
    layer = Descriptor(media_type="", digest=Digest.of(name.encode()), size=pieces)
    part = Part(layer=layer, number=0, shape=LayerKind.FILE, path=name)
    return FileBlobWriter(Blob(layer, (part,), tuple(cut(pieces, 1))), Path(name))


def line(queue: Queue) -> str:
    """Take every piece, each as a run; return the names of their blobs in that order."""
    names = ""
    for _ in range(len(queue)):
        task = queue.take()
        assert task is not None
        names += task.writer.name
    return names


def test_blobs_take_turns_four_at_a_time() -> None:
    """A file takes one write at a time, so that its neighbours keep the other workers busy; one done lets one in."""
    queue = Queue([blob("a", 3), blob("b", 1), blob("c", 3), blob("d", 2), blob("e", 2)], limit=100, most=100)
    queue.ranges_work()
    assert line(queue) == "abcd" + "aecd" + "aec"


def test_an_answer_does_not_change_whose_turn_it_is() -> None:
    """Only what is put back comes before all others."""
    queue = Queue([blob("a", 3), blob("b", 3)], limit=100, most=100)
    queue.ranges_work()
    task = queue.take()
    assert task is not None
    queue.keep_until(task, 1)
    assert line(queue) == "babab"


def test_one_run_of_each_blob_is_handed_out_until_ranges_are_known() -> None:
    """Should the answer be the whole blob, no second one was asked for."""
    queue = Queue([blob("a", 3), blob("b", 2)], limit=2, most=2)
    assert [task.writer.name for task in (queue.take(), queue.take()) if task] == ["a", "b"]


@pytest.mark.parametrize("workers", [1, 3, 16])
def test_every_piece_is_taken_once_however_limits_change(workers: int) -> None:
    """Law: whoever waits is woken when it may take a piece, and all of them, and the main thread, when none is left."""
    queue = Queue([blob(name, 40) for name in "abcdef"], limit=2, most=workers)
    seen, lock = Counter[tuple[str, int]](), threading.Lock()

    def run() -> None:
        task = queue.take()
        while task is not None:
            while (piece := queue.next_piece(task)) is not None:
                with lock:
                    seen[task.writer.name, piece.start] += 1
                    count = sum(seen.values())
                queue.ranges_work()
                if count % 7 == 0:
                    queue.set_limit(1 + count % workers, is_settled=count > 100)
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
    queue = Queue([blob("a", 3)], limit=1, most=1)
    assert queue.take() is not None
    waiting = threading.Thread(target=queue.take, daemon=True)
    waiting.start()
    error = ValueError("the first failure")
    queue.stop(error)
    waiting.join(30)
    assert not waiting.is_alive()
    assert queue.wait(30)
    assert queue.failure is error


def test_a_run_is_a_share_of_what_is_left() -> None:
    """All workers end at about the same time, by few requests; once their number is settled, by fewer."""
    queue = Queue([blob("a", 160)], limit=2, most=16)
    queue.ranges_work()
    assert [len(task.pieces) for task in (queue.take(), queue.take()) if task] == [10, 9]
    queue.set_limit(4, is_settled=True)
    assert [len(task.pieces) for task in (queue.take(), queue.take()) if task] == [35, 26]


class Slow(FilePieceWriter):
    """A piece that comes at one byte in four seconds."""

    def rate(self, now: float) -> float:  # noqa: ARG002 - whatever the time
        """Return that rate."""
        return 0.25


def test_an_idle_worker_takes_over_half_of_what_takes_long(tmp_path: Path) -> None:
    """The later half of the pieces that are not begun, again and again, until one piece is left, which is too small."""
    writer = blob(str(tmp_path / "a"), 9)
    writer.reserve()
    queue = Queue([writer], limit=9, most=1)
    queue.ranges_work()
    task = queue.take()
    assert task is not None
    piece = queue.next_piece(task)
    assert piece is not None
    piece_writer = Slow(writer, piece)
    queue.begin(piece_writer, task)
    taken = [queue.take() for _ in range(4)]
    assert [[piece.start for piece in one.pieces] for one in taken if one] == [[5, 6, 7, 8], [3, 4], [2], [1]]
    assert not task.pieces
    waiting = threading.Thread(target=queue.take, daemon=True)
    waiting.start()
    queue.stop(ValueError("the end"))
    waiting.join(30)
    assert not waiting.is_alive()
    piece_writer.close()


def test_nobody_takes_over_what_comes_with_the_whole_blob(tmp_path: Path) -> None:
    """The host knows no ranges: whoever asks for a half would get all of it again."""
    writer = blob(str(tmp_path / "a"), 9)
    writer.reserve()
    queue = Queue([writer, blob("b", 1)], limit=9, most=9)
    queue.ranges_work()
    task, _ = queue.take(), queue.take()
    assert task is not None
    piece = queue.next_piece(task)
    assert piece is not None
    piece_writer = Slow(writer, piece)
    queue.begin(piece_writer, task)
    queue.take_rest(task)
    assert len(task.pieces) == 8
    waiting = threading.Thread(target=queue.take, daemon=True)
    waiting.start()
    queue.look_again()
    queue.stop(ValueError("the end"))
    waiting.join(30)
    assert len(task.pieces) == 8
    piece_writer.close()


def test_one_request_asks_for_pieces_without_a_gap() -> None:
    """What lies behind a gap, or behind a run's most bytes, goes back to the others."""
    size = RUN_BYTES // 4
    layer = Descriptor(media_type="", digest=Digest.of(b""), size=8 * size)
    part = Part(layer=layer, number=0, shape=LayerKind.FILE, path="a")
    queue = Queue([FileBlobWriter(Blob(layer, (part,), tuple(cut(8 * size, size))), Path("a"))], limit=1, most=1)
    task = queue.take()
    assert task is not None
    assert [piece.start // size for piece in task.pieces] == [0, 1, 2, 3]
    first = queue.next_piece(task)
    assert first is not None
    queue.take_rest(task)
    assert queue.run_after(task, first.stop) == 5 * size
    queue.keep_until(task, 5 * size)
    assert [piece.start // size for piece in task.pieces] == [1, 2, 3, 4]
    assert len(queue) == 3
    queue.keep_until(task, 5 * size)
    assert len(queue) == 3
    del task.pieces[1]
    assert queue.run_after(task, first.stop) == 2 * size
