"""Fetch pieces over many connections. Threads with blocking sockets: reads, hashing and writes all free the GIL."""

import threading
import time
from collections.abc import Callable, Sequence
from random import Random

from registry.errors import Fault, Mismatch, Unavailable
from registry.progress import Meter
from registry.repository import Body, Repository
from registry.retry import delays, wait_for

from .assembly import Assembly, Landing
from .plan import Piece
from .queue import Queue

BUFFER_BYTES = 1 << 20


def fetch(repository: Repository, assemblies: Sequence[Assembly], *, connections: int, meter: Meter) -> None:
    """Fetch every piece of every blob; when this returns, all of them are on disk and verified.

    Raises the first Fault that patience did not mend; what had landed by then stays.
    """
    queue = Queue(assemblies)
    pieces = sum(len(assembly.blob.pieces) for assembly in assemblies)
    workers = [
        threading.Thread(target=_work, args=(repository, queue, meter), daemon=True)
        for _ in range(min(connections, pieces))
    ]
    for worker in workers:
        worker.start()
    try:
        for worker in workers:
            worker.join()
    except BaseException as error:
        queue.fail(error)
        raise
    if queue.failure is not None:
        raise queue.failure


def _work(repository: Repository, queue: Queue, meter: Meter) -> None:
    buffer = memoryview(bytearray(BUFFER_BYTES))
    try:
        while (task := queue.take()) is not None:
            Carrier(repository, queue, meter, buffer, task[0]).carry(task[1])
    except BaseException as error:  # noqa: BLE001 - a thread has nobody above it: the queue carries its error to the caller
        queue.fail(error)


class Carrier:
    """One worker's errand for one blob: a piece, or the whole rest of it where the registry knows no ranges."""

    def __init__(
        self, repository: Repository, queue: Queue, meter: Meter, buffer: memoryview, assembly: Assembly
    ) -> None:
        self._repository, self._queue, self._meter = repository, queue, meter
        self._buffer, self._assembly = buffer, assembly
        self._layer = assembly.blob.layer
        self._body: Body | None = None
        self._offset = 0
        self._sleep: Callable[[float], None] = time.sleep
        self._random = Random()  # noqa: S311 - jitter, not a secret

    def carry(self, piece: Piece) -> None:
        """Bring a piece, and what its answer turns out to hold beside it, to disk."""
        pieces = [piece]
        try:
            while pieces:
                self._bring(pieces.pop(0), pieces)
        finally:
            self._hang_up()

    def _bring(self, piece: Piece, following: list[Piece]) -> None:
        """Fetch one piece, from where the last connection broke; `following` grows when the body is the whole blob."""
        landing = self._assembly.land(piece)
        patience = delays(self._random)
        mismatches = 0
        try:
            while self._queue.failure is None:
                before = landing.position
                try:
                    if self._fill(landing, following):
                        landing.finish()
                    return  # noqa: TRY300 - the way out of the loop, beside what keeps it going
                except Mismatch:
                    mismatches += 1
                    if piece.digest is None or mismatches > 1:
                        raise
                    self._meter.take_back(landing.position - piece.start)
                    landing.restart()
                    self._hang_up()
                except Fault as error:
                    self._hang_up()
                    if landing.position > before:
                        patience = delays(self._random)  # only errors without progress wear patience out
                    self._wait(error, next(patience, None))
        finally:
            landing.close()

    def _wait(self, error: Fault, planned: float | None) -> None:
        seconds = None if planned is None else wait_for(error, planned)
        if seconds is None:
            raise error
        self._sleep(seconds)

    def _fill(self, landing: Landing, following: list[Piece]) -> bool:
        """Read the piece to its end; False when another worker's failure ended the work before."""
        stop = landing.piece.stop
        while landing.position < stop:
            if self._queue.failure is not None:
                return False
            body = self._seek(landing, following)
            count = self._read(body, stop - landing.position)
            landing.take(self._buffer[:count])
            self._meter.add(count)
        if self._body is not None and self._offset == self._body.stop and self._body.readinto(self._buffer[:1]):
            raise Mismatch(f"{self._assembly.name}: longer than the {self._layer.size} bytes that were promised")
        return True

    def _seek(self, landing: Landing, following: list[Piece]) -> Body:
        """Give a body that stands at the landing's position: the one at hand, or a new one."""
        if self._body is None:
            piece = landing.piece
            self._body = self._repository.open(self._layer, landing.position, piece.stop)
            self._offset = self._body.start
            if self._body.start < landing.position or self._body.stop > piece.stop:
                following.extend(self._queue.take_rest(self._assembly))
            elif len(self._assembly.blob.pieces) > 1:
                self._queue.ranges_work()
        while self._offset < landing.position:
            self._read(self._body, landing.position - self._offset)
        return self._body

    def _read(self, body: Body, most: int) -> int:
        count = body.readinto(self._buffer[:most])
        if not count:
            raise Unavailable(f"{self._assembly.name}: the connection ended at byte {self._offset}")
        self._offset += count
        return count

    def _hang_up(self) -> None:
        if self._body is not None:
            self._body.close()
            self._body = None
