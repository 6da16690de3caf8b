"""One worker's errand: a piece of a blob, brought to disk through whatever the network does to it."""

import time
from collections import deque
from dataclasses import dataclass, field
from threading import Event

from registry.errors import Fault, Mismatch, Unavailable
from registry.progress.stats import Meter
from registry.repository import Body, Repository

from .blob import Landing, Shore
from .queue import Queue, Task
from .watchdog import CHANCES, Watchdog, Watched


@dataclass(frozen=True, kw_only=True)
class Crew:
    """What all workers of one fetch share."""

    repository: Repository
    queue: Queue
    meter: Meter
    watchdog: Watchdog
    shore: Shore
    overload: Event = field(default_factory=Event)


class Carrier:
    """Brings one piece, or the whole rest of its blob where the registry knows no ranges."""

    def __init__(self, crew: Crew, buffer: memoryview, task: Task) -> None:
        self._crew, self._buffer = crew, buffer
        self._cargo = task.cargo
        self._pieces = deque([task.piece])
        self._watched: Watched | None = None
        self._offset = 0
        self._wire_seconds = 0.0

    def carry(self) -> None:
        """Bring the piece, and what its answer turns out to hold beside it, to disk."""
        try:
            while self._pieces and self._crew.queue.failure is None:
                landing = self._cargo.land(self._pieces.popleft())
                try:
                    self._bring(landing)
                finally:
                    landing.close()
        finally:
            self._hang_up()
            self._crew.meter.spend("wire", self._wire_seconds)

    def _bring(self, landing: Landing) -> None:
        """Fetch one piece, each time from where the last connection broke."""
        waiting = self._crew.repository.patience.begin()
        was_wrong, chances = False, CHANCES
        while self._crew.queue.failure is None:
            before = landing.position
            try:
                if self._fill(landing, chances):
                    landing.finish(self._crew.meter, self._crew.shore)
                return  # noqa: TRY300 - the way out of the loop, beside what keeps it going
            except Mismatch:
                self._hang_up()
                can_mend = self._crew.repository.distrust(frozenset(landing.givers))
                if not can_mend and not self._is_worth_another(landing, was_wrong):
                    raise
                was_wrong = was_wrong or not can_mend
                if self._begin_again(landing):
                    return
            except Fault as error:
                was_cut = self._watched is not None and self._watched.was_cut
                self._hang_up()
                if was_cut:
                    chances -= 1
                    continue
                if isinstance(error, Unavailable) and error.is_overload:
                    self._crew.overload.set()
                waiting.after(error, landing.position - before)

    def _is_worth_another(self, landing: Landing, was_wrong: bool) -> bool:  # noqa: FBT001 - a state, not a switch
        """Tell whether to ask the same host anew: once for each piece, or blob, that has a digest of its own."""
        if landing.piece.digest:
            return not was_wrong
        return self._cargo.has_all and not self._cargo.was_wrong

    def _begin_again(self, landing: Landing) -> bool:
        """Forget what was wrong; True when that is the whole blob, whose pieces anybody may bring then."""
        if self._cargo.has_all:
            self._crew.meter.take_back(self._cargo.layer.size)
            self._cargo.begin_again()
            self._crew.queue.put_back(self._cargo, self._cargo.missing)
            return True
        self._crew.meter.take_back(landing.position - landing.piece.start)
        landing.restart()
        return False

    def _fill(self, landing: Landing, chances: int) -> bool:
        """Read the piece to its end; False when another worker's failure ended the work before."""
        stop = landing.piece.stop
        while landing.position < stop:
            if self._crew.queue.failure is not None:
                return False
            watched = self._seek(landing, chances)
            count = self._read(watched, stop - landing.position)
            landing.take(self._buffer[:count])
            self._crew.meter.add(count)
        body = self._watched.body if self._watched else None
        if body is not None and self._offset == body.stop and body.readinto(self._buffer[:1]):
            size = self._cargo.layer.size
            raise Mismatch(f"{self._cargo.name}: longer than the {size} bytes that were promised")
        return True

    def _seek(self, landing: Landing, chances: int) -> Watched:
        """Give a body that stands at the landing's position: the one at hand, or a new one."""
        if self._watched is None:
            body = self._open(landing)
            self._watched = Watched(body, chances)
            self._crew.watchdog.watch(self._watched)
            self._offset = body.start
        landing.givers.add(self._watched.body.giver)
        while self._offset < landing.position:
            self._read(self._watched, landing.position - self._offset)
        return self._watched

    def _open(self, landing: Landing) -> Body:
        began = time.perf_counter()
        stop = landing.piece.stop
        body = self._crew.repository.open(self._cargo.layer, landing.position, stop)
        self._wire_seconds += time.perf_counter() - began
        if body.start < landing.position or body.stop > stop:
            self._pieces.extend(self._crew.queue.take_rest(self._cargo))
        elif landing.piece.stop - landing.piece.start < self._cargo.layer.size:
            self._crew.queue.ranges_work()
            self._crew.queue.put_back(self._cargo, self._pieces)  # what a broken stream was to carry
            self._pieces.clear()
        return body

    def _read(self, watched: Watched, most: int) -> int:
        watched.wanted = min(most, len(self._buffer))
        began = watched.reading_since = time.perf_counter()
        count = watched.body.readinto(self._buffer[:most])
        seconds = time.perf_counter() - began
        watched.has_read(count, seconds)
        self._wire_seconds += seconds
        if not count:
            raise Unavailable(f"{self._cargo.name}: the connection ended at byte {self._offset}")
        self._offset += count
        return count

    def _hang_up(self) -> None:
        if self._watched is not None:
            self._crew.watchdog.leave(self._watched)
            self._watched.body.close()
            self._watched = None
