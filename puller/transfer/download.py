"""Fetch pieces over many connections. Threads with blocking sockets: reads, hashing and writes all free the GIL."""

import threading
import time
from collections.abc import Sequence

from registry.process.threads import dismiss
from registry.progress.stats import TransferStats
from registry.repository import Repository

from .blob import BlobWriter, PieceListener
from .concurrency import TICK_SECONDS, ConcurrencyLimit
from .queue import Queue
from .watchdog import TICK_SECONDS as WATCH_SECONDS
from .watchdog import Watchdog
from .worker import DownloadContext, PieceDownloader

BUFFER_BYTES = 2 << 20
"""A worker's one buffer. Half of it costs a tenth more time, in threads that wait for each other."""


def fetch(
    repository: Repository,
    writers: Sequence[BlobWriter],
    *,
    connections: int,
    stats: TransferStats,
    listener: PieceListener,
) -> None:
    """Fetch every missing piece; when this returns, all blobs are on disk and verified.

    `listener` hears of each piece and each blob. Raises the first Fault that patience did not mend; what has landed by
    then stays.
    """
    concurrency = ConcurrencyLimit.start(connections)
    queue = Queue(writers, concurrency.limit)
    watchdog = Watchdog()
    context = DownloadContext(repository=repository, queue=queue, stats=stats, watchdog=watchdog, listener=listener)
    workers = [
        threading.Thread(target=_work, args=(context,), daemon=True) for _ in range(min(connections, len(queue)))
    ]
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
    """Look after the workers until they are done: how many there may be, and whether one is stuck."""
    looked = watched = time.monotonic()
    wire, reads = context.stats.wire, context.stats.reads
    while not context.queue.wait(TICK_SECONDS):
        now, count = time.monotonic(), context.stats.wire - wire
        if context.overload.is_set() or concurrency.is_due(context.stats.reads - reads, now - looked):
            concurrency = (
                concurrency.on_overload() if context.overload.is_set() else concurrency.on_rate(count / (now - looked))
            )
            context.overload.clear()
            context.queue.set_limit(concurrency.limit)
            looked, wire, reads = now, wire + count, context.stats.reads
        if now - watched >= WATCH_SECONDS:
            context.watchdog.tick(time.perf_counter())
            watched = now
    if context.queue.failure is not None:
        raise context.queue.failure


def _work(context: DownloadContext) -> None:
    buffer: memoryview | None = None
    try:
        while (task := context.queue.take()) is not None:
            buffer = buffer or memoryview(bytearray(BUFFER_BYTES))
            try:
                PieceDownloader(context, buffer, task).run()
            finally:
                context.queue.done()
    except BaseException as error:  # noqa: BLE001 - a thread has nobody above it: the queue tells its error to the caller
        context.queue.fail(error)
