"""How many connections are worth having: more while they bring more, fewer when the registry is overrun."""

from dataclasses import dataclass, replace

FIRST = 8
TICK_SECONDS = 0.1
_WORTH = 1.05
"""What doubling the connections must multiply the rate by, to be kept."""

_CLEAR = 1.5
"""The multiple that needs no second look."""

_LOOKS = 3
"""How many steps a doubled rate that is not clear is watched for: one may hold a burst, or a pause."""


@dataclass(frozen=True, slots=True)
class ConcurrencyLimit:
    """The state between two steps; `step` gives the next. Pure: rates in, limits out.

    `proven` is the limit that was last found worth having, at `rate` bytes a second; while `limit` is larger, it is on
    trial.
    """

    maximum: int
    limit: int
    proven: int = 0
    rate: float = 0.0
    is_new: bool = True
    """Whether the limit was set only just now, and its connections are still to come up to speed."""

    seen: tuple[float, ...] = ()
    """The rates of the trial's steps."""

    is_settled: bool = False

    @classmethod
    def start(cls, maximum: int) -> "ConcurrencyLimit":
        """Return the first state for at most `most` connections."""
        return cls(maximum=maximum, limit=min(FIRST, maximum))

    def is_due(self, reads: int, seconds: float) -> bool:
        """Return whether what `reads` reads brought in so many seconds is enough to step by.

        Bytes are counted when a read is done, a large buffer at a time: in less time than each connection takes for
        one, chance decides how many were done.
        """
        return seconds >= TICK_SECONDS and reads >= self.limit

    def on_rate(self, rate: float) -> "ConcurrencyLimit":
        """Take the rate since the last step, in bytes a second."""
        if self.is_settled or rate <= 0:
            return self
        if self.is_new:
            return replace(self, is_new=False)
        seen = (*self.seen, rate)
        mean = sum(seen) / len(seen)
        if mean < self.rate * _CLEAR and len(seen) < _LOOKS:
            return replace(self, seen=seen)
        if mean < self.rate * _WORTH:
            return replace(self, limit=self.proven, is_settled=True)
        if self.limit == self.maximum:
            return replace(self, proven=self.limit, rate=mean, is_settled=True)
        limit = min(self.limit * 2, self.maximum)
        return ConcurrencyLimit(maximum=self.maximum, limit=limit, proven=self.limit, rate=mean)

    def on_overload(self) -> "ConcurrencyLimit":
        """Halve the connections: the registry said that it has too much to do."""
        limit = max(self.limit // 2, 1)
        return replace(self, limit=limit, proven=limit, is_settled=True)
