"""Whether this process leaves the cores idle: it then waits for a line or a registry, and more uploads cost nothing.

Tests: tests/packer/test_outcomes.py
"""

import time
from collections.abc import Callable

_IDLE_SHARE = 0.5


class IdleCores:
    """Tells whether less than half of the cores' time was used since it was asked last."""

    def __init__(
        self, cores: int, used: Callable[[], float] = time.process_time, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`used` returns the seconds of all cores that the process had so far."""
        self._cores, self._used, self._clock = cores, used, clock
        self._before = used(), clock()

    def __call__(self) -> bool:
        """Return whether they were idle."""
        before, self._before = self._before, (self._used(), self._clock())
        used, passed = (now - then for now, then in zip(self._before, before, strict=True))
        return used < _IDLE_SHARE * self._cores * passed
