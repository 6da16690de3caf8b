"""How a transfer comes along, in words: a share, the rate of late, and the time that is left at it.

Tests: tests/registry/progress/test_pace.py
"""

from collections import deque

from .stats import Progress, human

_WINDOW_SECONDS = 10.0
"""Over how long the rate is measured: an average since the start would hide a stall for minutes."""

_MINUTE, _HOUR = 60, 3600


class Pace:
    """The progress of one transfer, looked at now and then."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._seen = deque[tuple[float, int]]([(0.0, 0)])

    def rate(self, stats: Progress, seconds: float) -> float:
        """Return the bytes a second of late; `seconds` have passed since the start."""
        self._seen.append((seconds, stats.done))
        while len(self._seen) > 2 and self._seen[1][0] <= seconds - _WINDOW_SECONDS:
            self._seen.popleft()
        (before, done), (now, total) = self._seen[0], self._seen[-1]
        return max(total - done, 0) / (now - before) if now > before else 0.0

    def line(self, stats: Progress, seconds: float) -> str:
        """Return one line: bytes done, their share, the rate, and the time left where there is a rate."""
        rate = self.rate(stats, seconds)
        share = f" ({min(stats.done / stats.total, 1):.0%})" if stats.total else ""
        left = f", {duration(max(stats.total - stats.done, 0) / rate)} left" if rate else ""
        return f"{self._name}: {human(stats.done)} of {human(stats.total)}{share}, {human(rate)}/s{left}"


def duration(seconds: float) -> str:
    """Return a time in the units that people count it in: 45 s, 12 min, 3 h 20 min."""
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{int(seconds // _HOUR)} h {int(seconds % _HOUR // _MINUTE)} min"
