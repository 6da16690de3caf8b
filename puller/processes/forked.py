"""One process of a fetch that is shared out (fetch.py): it fetches its share, and tells its parent what it did.

Tests: tests/puller/processes/test_fetch.py
"""

import os
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple, NoReturn

from puller.plan import Piece
from puller.transfer.blob import BlobWriter
from puller.transfer.concurrency import Capacity
from puller.transfer.download import fetch_all
from registry.manifest import Descriptor
from registry.progress.stats import Counted, TransferStats
from registry.repository import Repository

from .pipe import send

_COUNT_SECONDS = 0.1


class Share(NamedTuple):
    """What one process fetches, and within which capacity."""

    repositories: Mapping[str, Repository]
    writers: Sequence[BlobWriter]
    capacity: Capacity


class Landed(NamedTuple):
    """A piece is written at a span of its file and verified; the file is named by its inode."""

    layer: Descriptor
    piece: Piece
    span: tuple[int, int]
    inode: int


class Complete(NamedTuple):
    """What this process was dealt of a file is written and verified."""

    inode: int


class Staged(NamedTuple):
    """The members of a packed layer are on the stage, verified."""

    layer: Descriptor


class Ended(NamedTuple):
    """The process did its share, or failed."""

    error: BaseException | None


Message = Landed | Complete | Staged | Counted | Ended


HANDLED = frozenset((signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGALRM))
"""The signals that a parent may have handlers for; they are blocked in a new process until it has its own."""


def run(share: Share, pipe: int) -> NoReturn:
    """Fetch a share, in a process that was forked for it, and end the process."""
    try:
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        for number in (signal.SIGINT, signal.SIGALRM):
            signal.signal(number, signal.SIG_IGN)  # they are for the parent, which ends this process
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)
        stats = TransferStats(0)
        reports = _Reports(pipe, stats)
        ended = Ended(_failure(share, stats, reports))
        reports.count()
        reports.send(ended)
    finally:
        os._exit(0)  # what the parent has not written yet, and does when it ends, is the parent's


def _failure(share: Share, stats: TransferStats, reports: "_Reports") -> BaseException | None:
    try:
        with suppress(RuntimeError):  # the pod's limit of processes: all is counted in the end
            threading.Thread(target=reports.count_on, daemon=True).start()
        fetch_all(*share, stats=stats, listener=reports)
    except BaseException as error:  # noqa: BLE001 - the parent raises it
        return error
    return None


class _Reports:
    """What the parent is told that this process does; a PieceListener. Ends this process when the parent is gone."""

    def __init__(self, pipe: int, stats: TransferStats) -> None:
        self._pipe, self._stats = pipe, stats
        self._counted = stats.counted()
        self._lock, self._counting = threading.Lock(), threading.Lock()

    def send(self, message: Message) -> None:
        """Send one message, from any thread."""
        with self._lock:
            try:
                send(self._pipe, message)
            except OSError:
                os._exit(1)

    def count(self) -> None:
        """Send what was counted since the last time."""
        with self._counting:
            before, self._counted = self._counted, self._stats.counted()
            self.send(self._counted.since(before))

    def count_on(self) -> NoReturn:
        """Send it again and again: a thread's work."""
        while True:
            time.sleep(_COUNT_SECONDS)  # a progress line shows no more than ten counts a second
            self.count()

    def landed(self, layer: Descriptor, piece: Piece, span: tuple[int, int], handle: int) -> None:
        """Send that a piece is written and verified."""
        bare = replace(layer, annotations={})  # which may hold the digests of all its chunks
        self.send(Landed(bare, piece, span, os.fstat(handle).st_ino))

    def complete(self, handle: int) -> None:
        """Send that what was dealt of a file is written and verified."""
        self.send(Complete(os.fstat(handle).st_ino))

    def staged(self, layer: Descriptor) -> None:
        """Send that the members of a packed layer are on the stage."""
        self.send(Staged(layer))
