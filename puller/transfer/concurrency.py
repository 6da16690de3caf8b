"""How many connections are worth having: more while they raise the rate, fewer when the registry is overloaded.

More are tried only while the cores could do their work, too: threads that wait for a core only take turns.

Tests: tests/puller/transfer/test_concurrency.py
"""

from typing import NamedTuple

FIRST = 8
"""The most connections at first."""

_LEAST_FIRST = 2
"""The least: on one core, too, one connection can wait while another one's bytes are worked on."""

TICK_SECONDS = 0.1
_LONGEST_SECONDS = 1.0
"""After how long a rate is measured, however few reads there were."""

_WORTH = 1.05
"""The factor by which more connections must raise the rate, to be kept."""

_CLEAR = 1.5
"""The factor that is enough after one measurement."""

_OVERLAP = 4 / 3
"""How many times the connections that the cores can just work for are tried: they do not all have bytes at once."""

_ROOM = 1.5
"""The factor by which the cores must allow more connections for these to be tried."""

_LOOKS = 3
"""How many rates are averaged when the first is not clear: a single one may hold a burst, or a pause."""

_REST_SECONDS = 1.0
"""After how long a limit that is settled is looked at again, and after twice as long each time that it stays.

A fetch may begin beside the start of much else, whose end nobody tells it.
"""

_OVERLOAD_SECONDS, _LONGEST_OVERLOAD_SECONDS = 30.0, 240.0
"""After how long more connections are tried again behind an overload, and at most after further ones."""

_ONE_OVERLOAD_SECONDS = 5.0
"""Within so long after an overload others are the same one: connections hear of it one after another."""

_LOOK_SHARE = 0.1
"""How long a rate of a trial is measured, of such a rest."""


class Capacity(NamedTuple):
    """How many connections a fetch may open, and how many cores their work may take."""

    connections: int
    cores: float


class ConcurrencyLimit(NamedTuple):
    """The current limit; `on_rate` and `on_overload` return the next one. Pure.

    `proven` is the last limit that was worth having, at `rate` bytes a second. A larger `limit` is on trial; it never
    exceeds `maximum`.
    """

    maximum: int
    limit: int
    cores: float
    """How many cores the connections' work may take."""

    proven: int = 0
    rate: float = 0.0
    is_new: bool = True
    """Whether the limit was just set: its new connections are not yet at full speed, so the next rate is ignored."""

    seen: tuple[float, ...] = ()
    """The rates that were measured during the trial."""

    is_settled: bool = False
    """Whether no limit is on trial."""

    rest: float = 0.0
    """After how many seconds a limit that is settled, or that was before the trial, is looked at again."""

    was_overload: bool = False
    """Whether the registry ever said that it is overloaded: more connections are then tried in small steps."""

    @classmethod
    def start(cls, maximum: int, cores: float = FIRST) -> "ConcurrencyLimit":
        """Return the first limit, of at most `maximum` connections: one a core.

        Where bytes come as fast as they can be worked on, more would take turns.
        """
        return cls(maximum=maximum, limit=min(maximum, max(_LEAST_FIRST, min(int(cores), FIRST))), cores=cores)

    def is_due(self, reads: int, seconds: float) -> bool:
        """Return whether a rate is wanted, and `reads` reads in so many seconds are enough to measure it.

        Bytes are counted when a read ends. Within less time than each connection takes for one read, chance decides how
        many of them end.
        """
        if self.is_settled:
            return seconds >= self.rest
        return seconds >= _LONGEST_SECONDS or (seconds >= self._look_seconds and reads >= self.limit)

    @property
    def _look_seconds(self) -> float:
        return max(TICK_SECONDS, _LOOK_SHARE * self.rest)

    def on_rate(self, rate: float, busy: float) -> "ConcurrencyLimit":
        """Return the limit that follows from a rate in bytes a second, which `busy` cores were wanted for meanwhile."""
        if rate <= 0:
            return self
        if self.is_settled:
            return self._try(rate, busy)
        if self.is_new:
            return self._replace(is_new=False)
        seen = (*self.seen, rate)
        mean = sum(seen) / len(seen)
        if mean < self.rate * _CLEAR and len(seen) < _LOOKS:
            return self._replace(seen=seen)
        return self._kept(self.proven) if mean < self.rate * _WORTH else self._try(mean, busy)

    def hears(self, seconds: float) -> bool:
        """Return whether an overload is another one, so many seconds after the limit changed last."""
        return not (self.was_overload and self.is_settled) or seconds >= _ONE_OVERLOAD_SECONDS

    def on_overload(self) -> "ConcurrencyLimit":
        """Return half the limit, which then stays for a while: the registry said that it is overloaded.

        It stays twice as long each time that more connections were tried in vain.
        """
        rest = max(self.rest, _OVERLOAD_SECONDS) if self.was_overload else _OVERLOAD_SECONDS
        if self.was_overload and not self.is_settled:
            rest = min(2 * rest, _LONGEST_OVERLOAD_SECONDS)
        return self._kept(max(self.limit // 2, 1))._replace(rest=rest, was_overload=True)

    def _try(self, rate: float, busy: float) -> "ConcurrencyLimit":
        """Return a larger limit, on trial, or where the cores have no room for more the same one, settled."""
        most = min(self.maximum, 2 * self.limit) if self.was_overload else self.maximum
        limit = int(min(most, _OVERLAP * self.limit * self.cores / busy)) if busy else most
        if self.limit == self.maximum or limit < min(self.maximum, self.limit * _ROOM):
            return self._kept(self.limit)
        return self._replace(limit=limit, proven=self.limit, rate=rate, is_new=True, seen=(), is_settled=False)

    def _kept(self, limit: int) -> "ConcurrencyLimit":
        return self._replace(
            limit=limit, proven=limit, seen=(), is_settled=True, rest=max(_REST_SECONDS, 2 * self.rest)
        )
