"""Time limits of network exchanges: limits as values, and the clocks that check them.

Three things are limited: an exchange as a whole, whatever the pieces in which its bytes arrive; the rate of a large
body, whose total time is unlimited; and the time that a registry needs for a blob after its last byte.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple, Protocol

_PATIENT_BYTES = 16 << 10
"""For so many bytes an answer gets one more second: a large manifest may take longer than a small one."""


class Overdue(TimeoutError):
    """A limit was exceeded; the text names it."""


class Limits(NamedTuple):
    """The limits of one transport, in seconds and bytes; `clock` returns seconds."""

    exchange_seconds: float = 30.0
    """How long a small exchange may take, from connecting to its answer's last byte."""

    hurried_seconds: float = 8.0
    """How long one host may take while another is left: the next one is then asked within ten seconds."""

    floor_bytes: int = 1 << 10
    """The least rate of a large body, in bytes a second."""

    floor_seconds: float = 60.0
    """How long a large body may be slower than that."""

    commit_seconds: float = 300.0
    """The least time that a registry gets for its answer to a write."""

    told_seconds: float = 20.0
    """After how long a wait for an answer is reported to the user."""

    clock: Callable[[], float] = time.monotonic

    def answer_seconds(self, size: int) -> float:
        """Return how long the answer to a write of `size` bytes may take: stores copy blobs at 50 MB/s."""
        return max(self.commit_seconds, self.commit_seconds / 10 + size / 50e6)


class Bound(Protocol):
    """The time limit of a connection's reads and writes."""

    def wait(self) -> float:
        """Return the seconds that the next read or write may wait. Raises Overdue."""
        ...

    def passed(self, count: int, seconds: float) -> None:
        """Record that a read or write moved `count` bytes, or none, in so many seconds. Raises Overdue."""
        ...


class _Terms(NamedTuple):
    """The limits of exchanges that a thread begins inside a block."""

    ends_at: float = float("inf")
    written: int = 0
    say: Callable[[float], None] | None = None


_NONE = _Terms()
_terms = ContextVar("_terms", default=_NONE)


@contextmanager
def ending_within(seconds: float, limits: Limits) -> Iterator[None]:
    """Limit all small exchanges that this thread begins inside the block, taken together."""
    terms = _terms.get()
    token = _terms.set(terms._replace(ends_at=min(terms.ends_at, limits.clock() + seconds)))
    try:
        yield
    finally:
        _terms.reset(token)


@contextmanager
def committing(size: int, say: Callable[[float], None]) -> Iterator[None]:
    """Extend the limit of answers to writes inside the block to what `size` written bytes need.

    `say` is called once in a long wait, with the seconds that are left of it.
    """
    token = _terms.set(_terms.get()._replace(written=size, say=say))
    try:
        yield
    finally:
        _terms.reset(token)


class Deadline:
    """A Bound on a whole exchange: each 16 KiB that arrive add a second, and nothing else does."""

    def __init__(self, limits: Limits, seconds: float, silence: float, say: Callable[[float], None] | None) -> None:
        self._clock, self._silence, self._say = limits.clock, silence, say
        self._began = self._moved = limits.clock()
        self._told = self._began + limits.told_seconds if say else float("inf")
        self._seconds, self._latest = seconds, _terms.get().ends_at

    @property
    def _ends_at(self) -> float:
        return min(self._began + self._seconds, self._latest)

    def wait(self) -> float:
        """Return the seconds until the next limit or report."""
        now = self._clock()
        if now >= self._ends_at:
            raise Overdue(f"no whole answer within {self._ends_at - self._began:.3g} s")
        if now >= self._told and self._say is not None:
            self._told = float("inf")
            self._say(self._ends_at - now)
        return max(min(self._ends_at, self._moved + self._silence, self._told) - now, 0.001)

    def passed(self, count: int, seconds: float) -> None:  # noqa: ARG002 - the bound's shape
        """Record bytes; raise Overdue when none has arrived for too long."""
        now = self._clock()
        if count:
            self._moved = now
            self._seconds += count / _PATIENT_BYTES
        elif now >= self._moved + self._silence:
            raise Overdue(f"no answer within {self._silence:.3g} s")


class Floor:
    """A Bound on the rate over the seconds spent waiting; time that the caller spends between calls does not count."""

    def __init__(self, limits: Limits, silence: float) -> None:
        self._limits, self._silence = limits, silence
        self._count = 0
        self._seconds = self._silent = 0.0

    def wait(self) -> float:
        """Return the seconds until the silence is too long."""
        return max(min(self._silence - self._silent, self._limits.floor_seconds), 0.001)

    def passed(self, count: int, seconds: float) -> None:
        """Record bytes; raise Overdue when they were too few for too long."""
        self._silent = 0.0 if count else self._silent + seconds
        if self._silent >= self._silence:
            raise Overdue(f"nothing moved for {self._silent:.3g} s")
        self._count += count
        self._seconds += seconds
        if self._seconds < self._limits.floor_seconds:
            return
        if self._count < self._limits.floor_bytes * self._seconds:
            raise Overdue(f"{self._count} bytes in {self._seconds:.3g} s are too few")
        self._count, self._seconds = 0, 0.0


def for_exchange(limits: Limits, silence: float) -> Deadline:
    """Return the bound of a small exchange that starts now."""
    return Deadline(limits, limits.exchange_seconds, silence, None)


def for_answer(limits: Limits) -> Deadline:
    """Return the bound of the wait after a write's last byte, silent while the registry works."""
    terms = _terms.get()
    seconds = limits.answer_seconds(terms.written)
    return Deadline(limits, seconds, seconds, terms.say)
