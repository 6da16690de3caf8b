"""Which connection is so much slower than its peers that a new one would be faster."""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from registry.repository import BlobReader

TICK_SECONDS = 1.0
_SLOW = 0.2
"""The share of the usual rate below which a connection is slow."""

_WAITED_SECONDS = 0.3
_LEAST_SECONDS = 1e-6
_STRIKES = 3
_PEERS = 3
_READS = 2

CHANCES = 3
"""How many new connections one piece may get; after that the network is slow, not the connection."""


@dataclass(eq=False)
class Watched:
    """A connection in use. Its worker counts the bytes; the watchdog sets `was_cut`, `seen…` and `strikes`."""

    body: BlobReader
    chances: int = CHANCES
    taken: int = 0
    seconds: float = 0.0
    """How long its worker waited in reads: a connection is not slow while its worker does other things."""

    reading_since: float = 0.0
    """When the worker's current read began, or 0 outside of reads."""

    wanted: int = 0
    """The bytes that the current read asks for."""

    was_cut: bool = False
    seen: int = 0
    seen_seconds: float = 0.0
    strikes: int = 0

    def has_read(self, count: int, seconds: float) -> None:
        """Record the bytes of a read, and how long it took."""
        self.reading_since = 0.0
        self.taken += count
        self.seconds += seconds

    def rate(self, now: float, usual: float) -> float | None:
        """Return bytes a second since the last rate; None while there is too little to measure.

        Reads are counted when they are done. Before that, a read may take twice as long as at the `usual` rate.
        """
        since = self.reading_since
        seconds = self.seconds + (now - since if since else 0.0)
        count, waited = self.taken - self.seen, seconds - self.seen_seconds
        if not count and waited * usual < _READS * self.wanted:
            return None
        self.seen, self.seen_seconds = self.taken, seconds
        return count / waited if waited > _WAITED_SECONDS else None


def usual_rate(rates: Sequence[float]) -> float:
    """Return the median, or 0 while there are too few to compare with."""
    return sorted(rates)[len(rates) // 2] if len(rates) >= _PEERS else 0.0


class Watchdog:
    """Cuts slow connections. Their workers see a broken connection, and continue with a new one."""

    def __init__(self) -> None:
        self._watched: set[Watched] = set()
        self._rates: deque[float] = deque(maxlen=64)
        self._lock = threading.Lock()

    def watch(self, watched: Watched) -> None:
        """Start to watch a connection."""
        with self._lock:
            self._watched.add(watched)

    def leave(self, watched: Watched) -> None:
        """Stop watching a connection; its mean rate counts as usual, too, unless it was cut."""
        with self._lock:
            self._watched.discard(watched)
            if watched.taken and not watched.was_cut:
                self._rates.append(watched.taken / max(watched.seconds, _LEAST_SECONDS))

    def tick(self, now: float) -> None:
        """Compare every connection's rate since the last tick with the usual one; `now` is time.perf_counter()."""
        with self._lock:
            before = usual_rate(self._rates)
            looked = {watched: watched.rate(now, before) for watched in self._watched}
            rates = {watched: rate for watched, rate in looked.items() if rate is not None}
            usual = usual_rate([*self._rates, *rates.values()])
            for watched, rate in rates.items():
                if rate >= usual * _SLOW:
                    watched.strikes = 0
                    self._rates.append(rate)
                else:
                    self._strike(watched)

    def _strike(self, watched: Watched) -> None:
        watched.strikes += 1
        if watched.strikes >= _STRIKES and watched.chances > 0:
            watched.was_cut = True
            watched.body.abort()
