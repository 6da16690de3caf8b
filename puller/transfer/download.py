"""Fetch pieces over many connections. Threads with blocking sockets: reads, hashing and writes all free the GIL."""

import threading
import time
from collections.abc import Sequence

from registry.process.threads import dismiss
from registry.progress.stats import Meter
from registry.repository import Repository

from .blob import Cargo, Shore
from .concurrency import TICK_SECONDS, Pace
from .queue import Queue
from .watchdog import TICK_SECONDS as WATCH_SECONDS
from .watchdog import Watchdog
from .worker import Carrier, Crew

BUFFER_BYTES = 2 << 20
"""A worker's one buffer. Half of it costs a tenth more time, in threads that wait for each other."""


def fetch(
    repository: Repository,
    cargoes: Sequence[Cargo],
    *,
    connections: int,
    meter: Meter,
    shore: Shore,
) -> None:
    """Fetch every missing piece; when this returns, all blobs are on disk and verified.

    `shore` hears of each piece and each blob. Raises the first Fault that patience did not mend; what has landed by
    then stays.
    """
    pace = Pace.start(connections)
    queue = Queue(cargoes, pace.limit)
    watchdog = Watchdog()
    crew = Crew(repository=repository, queue=queue, meter=meter, watchdog=watchdog, shore=shore)
    workers = [threading.Thread(target=_work, args=(crew,), daemon=True) for _ in range(min(connections, len(queue)))]
    try:
        for worker in workers:
            worker.start()
        _supervise(crew, pace)
        for worker in workers:
            worker.join()
    except BaseException as error:
        queue.fail(error)
        dismiss([worker for worker in workers if worker.ident is not None], repository.interrupt, error)
        raise


def _supervise(crew: Crew, pace: Pace) -> None:
    """Look after the workers until they are done: how many there may be, and whether one is stuck."""
    looked = watched = time.monotonic()
    wire, reads = crew.meter.wire, crew.meter.reads
    while not crew.queue.wait(TICK_SECONDS):
        now, count = time.monotonic(), crew.meter.wire - wire
        if crew.overload.is_set() or pace.is_due(crew.meter.reads - reads, now - looked):
            pace = pace.overrun() if crew.overload.is_set() else pace.step(count / (now - looked))
            crew.overload.clear()
            crew.queue.set_limit(pace.limit)
            looked, wire, reads = now, wire + count, crew.meter.reads
        if now - watched >= WATCH_SECONDS:
            crew.watchdog.tick(time.perf_counter())
            watched = now
    if crew.queue.failure is not None:
        raise crew.queue.failure


def _work(crew: Crew) -> None:
    buffer: memoryview | None = None
    try:
        while (task := crew.queue.take()) is not None:
            buffer = buffer or memoryview(bytearray(BUFFER_BYTES))
            try:
                Carrier(crew, buffer, task).carry()
            finally:
                crew.queue.done()
    except BaseException as error:  # noqa: BLE001 - a thread has nobody above it: the queue tells its error to the caller
        crew.queue.fail(error)
