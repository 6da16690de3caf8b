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
"""How often one piece is given a new connection; after that the network is slow, not the connection."""


@dataclass(eq=False)
class Watched:
    """A connection at work. Its worker counts what it brings; the watchdog has the rest."""

    body: BlobReader
    chances: int = CHANCES
    taken: int = 0
    seconds: float = 0.0
    """How long its worker waited for it: while it does other things, the connection need not bring anything."""

    reading_since: float = 0.0
    """When the worker began to wait, or 0 while it does other things."""

    wanted: int = 0
    """The bytes that it waits for."""

    was_cut: bool = False
    seen: int = 0
    seen_seconds: float = 0.0
    strikes: int = 0

    def has_read(self, count: int, seconds: float) -> None:
        """Count bytes that came, and how long that took."""
        self.reading_since = 0.0
        self.taken += count
        self.seconds += seconds

    def rate(self, now: float, usual: float) -> float | None:
        """Return bytes a second since the last verdict; None while there is too little to judge by.

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
    """Cuts slow connections. Their workers notice a broken one, and go on where it was with another."""

    def __init__(self) -> None:
        self._watched: set[Watched] = set()
        self._rates: deque[float] = deque(maxlen=64)
        self._lock = threading.Lock()

    def watch(self, watched: Watched) -> None:
        """Begin to look at a connection."""
        with self._lock:
            self._watched.add(watched)

    def leave(self, watched: Watched) -> None:
        """Look at a connection no more; one that did its work between two looks tells what is usual, too."""
        with self._lock:
            self._watched.discard(watched)
            if watched.taken and not watched.was_cut:
                self._rates.append(watched.taken / max(watched.seconds, _LEAST_SECONDS))

    def tick(self, now: float) -> None:
        """Judge every connection by what it brought since the last tick; `now` as time.perf_counter() gives it."""
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
