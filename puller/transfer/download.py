"""Fetch pieces over many connections: threads with blocking sockets, for reads, hashing and writes release the GIL.

Tests: tests/puller/test_pull.py
"""

import threading
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from puller.errors import NoThread
from registry.process.core_time import CoreSeconds, core_seconds
from registry.process.threads import dismiss
from registry.progress.stats import TransferStats
from registry.repository import Repository

from .blob import BlobWriter, PieceListener
from .concurrency import TICK_SECONDS, Capacity, ConcurrencyLimit
from .file_piece import LEAST_PART_BYTES
from .queue import Queue
from .watchdog import TICK_SECONDS as WATCH_SECONDS
from .watchdog import Watchdog
from .worker import DownloadContext, work


def fetch_all(
    repositories: Mapping[str, Repository],
    writers: Sequence[BlobWriter],
    capacity: Capacity,
    *,
    stats: TransferStats,
    listener: PieceListener,
) -> None:
    """Fetch every missing piece, as `fetch` does; `repositories` are by the artifacts' references."""
    for reference, repository in repositories.items():
        own = [writer for writer in writers if writer.reference == reference]
        fetch(repository, own, capacity, stats=stats, listener=listener)


def fetch(
    repository: Repository,
    writers: Sequence[BlobWriter],
    capacity: Capacity,
    *,
    stats: TransferStats,
    listener: PieceListener,
) -> None:
    """Fetch every missing piece; when this returns, all blobs are on disk and verified.

    `listener` is called for each piece and each blob. Raises the first Fault that retries did not overcome; the pieces
    that are written by then stay.
    """
    concurrency = ConcurrencyLimit.start(*capacity)
    queue = Queue(writers, concurrency.limit, capacity.connections)
    watchdog = Watchdog()
    context = DownloadContext(repository=repository, queue=queue, stats=stats, watchdog=watchdog, listener=listener)
    parts = max(len(queue), sum(writer.missing_bytes for writer in writers) // LEAST_PART_BYTES)
    workers = [
        threading.Thread(target=work, args=(context,), daemon=True) for _ in range(min(capacity.connections, parts))
    ]
    try:
        started = _started(workers)
        _supervise(context, concurrency)
        for worker in started:
            worker.join()
    except BaseException as error:
        queue.fail(error)
        dismiss([worker for worker in workers if worker.ident is not None], repository.interrupt, error)
        raise


def _started(workers: Sequence[threading.Thread]) -> Sequence[threading.Thread]:
    """Start as many workers as the limit of processes allows; return those. Raises NoThread where that is none."""
    for number, worker in enumerate(workers):
        try:
            worker.start()
        except RuntimeError as error:  # "can't start new thread": EAGAIN of clone(2)
            if not number:
                raise NoThread(f"no thread can be started: {error}") from error
            return workers[:number]
    return workers


class _Counts(NamedTuple):
    """What was counted up to a moment: bytes and reads, and the time on cores."""

    moment: float
    wire: int
    reads: int
    cores: CoreSeconds

    @classmethod
    def now(cls, stats: TransferStats) -> "_Counts":
        return cls(time.monotonic(), stats.wire, stats.reads, core_seconds())

    def since(self, before: "_Counts") -> tuple[float, float]:
        """Return the bytes a second, and how many cores were wanted, since an earlier moment.

        Threads waited for cores that they want; as long as they ran, at most: what is more is the work of others.
        """
        seconds, ran = self.moment - before.moment, self.cores.ran - before.cores.ran
        waited = max(self.cores.waited - before.cores.waited, 0.0)  # of a thread that has ended they are forgotten
        return (self.wire - before.wire) / seconds, (ran + min(waited, ran)) / seconds


def _supervise(context: DownloadContext, concurrency: ConcurrencyLimit) -> None:
    """Adjust the number of workers, and cut slow connections, until the queue is done. Raises what failed it."""
    before = _Counts.now(context.stats)
    watched = before.moment
    while not context.queue.wait(TICK_SECONDS):
        now = time.monotonic()
        context.queue.look_again()
        seconds = now - before.moment
        is_overload = context.overload.is_set()
        if is_overload:
            context.overload.clear()
            is_overload = concurrency.hears(seconds)
        if is_overload or concurrency.is_due(context.stats.reads - before.reads, seconds):
            counts = _Counts.now(context.stats)
            concurrency = concurrency.on_overload() if is_overload else concurrency.on_rate(*counts.since(before))
            context.queue.set_limit(concurrency.limit, is_settled=concurrency.is_settled)
            before = counts
        if now - watched >= WATCH_SECONDS:
            context.watchdog.tick(time.perf_counter())
            watched = now
    if context.queue.failure is not None:
        raise context.queue.failure
