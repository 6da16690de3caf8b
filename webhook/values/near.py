"""Names that come near another, for messages that ask what was meant.

Tests: tests/webhook/test_refusals.py
"""

from bisect import bisect_left
from collections.abc import Iterable
from difflib import get_close_matches

# Comparing two names takes some ten microseconds: of a long list those are compared that begin or end alike.
_BESIDE = 16
_COMPARED = 8 * _BESIDE
_LENGTH = 80
_ANSWERS = 3


class Names:
    """A set of names to which others are compared, without regard to case."""

    def __init__(self, names: Iterable[str]) -> None:
        self._folded = {name.casefold(): name for name in sorted(names)}
        self._by_start = sorted(self._folded)
        self._by_end = sorted(name[::-1] for name in self._folded)

    def near(self, name: str) -> tuple[str, ...]:
        """Return up to three names that come near `name`, the nearest first; many names take no longer than few."""
        wanted = name.casefold()
        if len(wanted) > _LENGTH:
            return ()
        found = get_close_matches(wanted, self._candidates(wanted), n=_ANSWERS)
        return tuple(self._folded[key] for key in found)

    def _candidates(self, wanted: str) -> list[str]:
        if len(self._by_start) <= _COMPARED:
            return self._by_start
        backwards = [name[::-1] for name in _beside(self._by_end, wanted[::-1])]
        return list(dict.fromkeys([*_beside(self._by_start, wanted), *backwards]))


def _beside(ordered: list[str], wanted: str) -> list[str]:
    place = bisect_left(ordered, wanted)
    return ordered[max(0, place - _BESIDE) : place + _BESIDE]
