"""How many connections are worth having: more while they bring more, fewer when the registry is overrun."""

from dataclasses import dataclass, replace

FIRST = 4
TICK_SECONDS = 0.1
_WORTH = 1.15
"""What doubling the connections must multiply the rate by, to be kept."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The state between two ticks; `step` gives the next. Pure: rates in, limits out.

    `proven` is the limit that was last found worth having, at `rate` bytes a second; while `limit` is larger, it is on
    trial.
    """

    most: int
    limit: int
    proven: int = 0
    rate: float = 0.0
    is_new: bool = True
    """Whether the limit was set only just now, and its connections are still to come up to speed."""

    is_settled: bool = False

    @classmethod
    def start(cls, most: int) -> "Pace":
        """Give the first state for at most `most` connections."""
        return cls(most=most, limit=min(FIRST, most))

    def step(self, rate: float) -> "Pace":
        """Take the rate of the last tick, in bytes a second."""
        if self.is_settled or rate <= 0:
            return self
        if self.is_new:
            return replace(self, is_new=False)
        if rate < self.rate * _WORTH:
            return replace(self, limit=max(self.proven, 1), is_settled=True)
        if self.limit == self.most:
            return replace(self, proven=self.limit, rate=rate, is_settled=True)
        return replace(self, proven=self.limit, rate=rate, limit=min(self.limit * 2, self.most), is_new=True)

    def overrun(self) -> "Pace":
        """Halve the connections: the registry said that it has too much to do."""
        limit = max(self.limit // 2, 1)
        return replace(self, limit=limit, proven=limit, is_settled=True)
