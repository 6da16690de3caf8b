"""Fetch pieces over many connections: threads with blocking sockets, for reads, hashing and writes release the GIL.

Tests: tests/puller/test_pull.py
"""

import threading
import time
from collections.abc import Mapping, Sequence

from registry.process.control_group import own_cores
from registry.process.threads import dismiss
from registry.progress.stats import TransferStats
from registry.repository import Repository

from .blob import BlobWriter, PieceListener
from .concurrency import TICK_SECONDS, ConcurrencyLimit
from .file_piece import LEAST_PART_BYTES
from .queue import Queue
from .watchdog import TICK_SECONDS as WATCH_SECONDS
from .watchdog import Watchdog
from .worker import DownloadContext, work


def fetch_all(
    repositories: Mapping[str, Repository],
    writers: Sequence[BlobWriter],
    *,
    connections: int,
    stats: TransferStats,
    listener: PieceListener,
) -> None:
    """Fetch every missing piece, as `fetch` does; `repositories` are by the artifacts' references."""
    for reference, repository in repositories.items():
        own = [writer for writer in writers if writer.reference == reference]
        fetch(repository, own, connections=connections, stats=stats, listener=listener)


def fetch(
    repository: Repository,
    writers: Sequence[BlobWriter],
    *,
    connections: int,
    stats: TransferStats,
    listener: PieceListener,
) -> None:
    """Fetch every missing piece; when this returns, all blobs are on disk and verified.

    `listener` is called for each piece and each blob. Raises the first Fault that retries did not overcome; the pieces
    that are written by then stay.
    """
    concurrency = ConcurrencyLimit.start(connections, own_cores())
    queue = Queue(writers, concurrency.limit, connections)
    watchdog = Watchdog()
    context = DownloadContext(repository=repository, queue=queue, stats=stats, watchdog=watchdog, listener=listener)
    parts = max(len(queue), sum(writer.missing_bytes for writer in writers) // LEAST_PART_BYTES)
    workers = [threading.Thread(target=work, args=(context,), daemon=True) for _ in range(min(connections, parts))]
    try:
        for worker in workers:
            worker.start()
        _supervise(context, concurrency)
        for worker in workers:
            worker.join()
    except BaseException as error:
        queue.fail(error)
        dismiss([worker for worker in workers if worker.ident is not None], repository.interrupt, error)
        raise


def _supervise(context: DownloadContext, concurrency: ConcurrencyLimit) -> None:
    """Adjust the number of workers, and cut slow connections, until the queue is done. Raises what failed it."""
    looked = watched = time.monotonic()
    wire, reads = context.stats.wire, context.stats.reads
    while not context.queue.wait(TICK_SECONDS):
        now, count = time.monotonic(), context.stats.wire - wire
        context.queue.look_again()
        if context.overload.is_set() or concurrency.is_due(context.stats.reads - reads, now - looked):
            concurrency = (
                concurrency.on_overload() if context.overload.is_set() else concurrency.on_rate(count / (now - looked))
            )
            context.overload.clear()
            context.queue.set_limit(concurrency.limit, is_settled=concurrency.is_settled)
            looked, wire, reads = now, wire + count, context.stats.reads
        if now - watched >= WATCH_SECONDS:
            context.watchdog.tick(time.perf_counter())
            watched = now
    if context.queue.failure is not None:
        raise context.queue.failure
