"""Verify existing files by their digests: by chunks where the artifact has chunk digests, else as a whole.

Tests: tests/puller/test_pull.py
"""

import os
import stat
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from puller.plan import Blob, Piece
from puller.transfer.read_back import blocks
from registry.process.control_group import own_cores
from registry.process.threads import Lane, run
from registry.progress.reporter import Reporter
from registry.progress.stats import TransferStats

_WORTH_TELLING = 256 << 20
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

Item = TypeVar("Item")
Result = TypeVar("Result")


class Verifier:
    """Hashes files, several at a time, and reports its progress."""

    def __init__(self, reporter: Reporter, name: str) -> None:
        self._reporter, self._name = reporter, name
        self._stats = TransferStats(0)
        self._over = threading.Event()

    def each(self, check: Callable[[Item], Result], items: Sequence[Item], size: int) -> list[Result]:
        """Return the result of `check` for each item; together they may hash `size` bytes.

        An exception in this thread, one that a signal raises too, ends the hashing.
        """
        if not size:
            return [check(item) for item in items]
        self._stats.total = size
        if size < _WORTH_TELLING:
            return self._concurrently(check, items)
        self._reporter.message(f"{self._name}: checks what stands there already")
        with self._reporter.track(self._stats, self._name):
            return self._concurrently(check, items)

    def _concurrently(self, check: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
        lane = Lane(own_cores(), tuple(enumerate(items)))
        done = run((lane,), lambda numbered: check(numbered[1]), self._over.set)
        return [result for _, result in sorted(done, key=lambda one: one[0][0])]

    def right_pieces(self, blob: Blob, path: Path, among: Iterable[Piece] | None = None) -> frozenset[Piece]:
        """Return the pieces whose bytes a file has, by their digests; all or none where only the blob has one.

        Of a packed blob no piece is returned: its digests are those of compressed bytes, which are not kept. `among`
        limits which pieces are hashed.
        """
        if blob.packed:
            return frozenset()
        try:
            handle = os.open(path, _READ)
        except OSError:
            return frozenset()
        try:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode) or status.st_size != blob.size:
                return frozenset()
            if blob.pieces[0].digest is None:
                whole = Piece(0, blob.layer.size, blob.layer.digest)
                return frozenset(blob.pieces if self._is_right(handle, whole) else ())
            wanted = blob.pieces if among is None else among
            return frozenset(piece for piece in wanted if self._is_right(handle, piece))
        except OSError:
            return frozenset()
        finally:
            os.close(handle)

    def is_right(self, blob: Blob, path: Path) -> bool:
        """Return whether a file has a blob's bytes."""
        return len(self.right_pieces(blob, path)) == len(blob.pieces)

    def _is_right(self, handle: int, piece: Piece) -> bool:
        if piece.digest is None:
            return False
        hasher, position = piece.digest.hasher(), piece.start
        for block in blocks(handle, piece.start, piece.stop):
            hasher.update(block)
            self._stats.skip(len(block))
            position += len(block)
            if self._over.is_set():
                return False
        return position == piece.stop and hasher.hexdigest() == piece.digest.hex
