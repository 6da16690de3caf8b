"""How long the network may take: limits as values, and the clocks that run against them.

Three things are limited: an exchange as a whole, however its bytes are cut up; the rate of a large body, which may take
as long as it is long; and what a registry does with a blob behind its last byte.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Protocol

_PATIENT_BYTES = 16 << 10
"""The bytes of an answer that earn it a second more: a large manifest may take longer than a small one."""


class Overdue(TimeoutError):
    """A limit was passed; the text says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of all that one transport does, in seconds and bytes; `clock` gives seconds."""

    exchange_seconds: float = 30.0
    """How long a small exchange may take, from connecting to its answer's last byte."""

    hurried_seconds: float = 8.0
    """How long one host may take while another is left to be asked: so the next one hears of it within ten."""

    floor_bytes: int = 1 << 10
    """The bytes a second that a large body must come or go with."""

    floor_seconds: float = 60.0
    """How long a large body may fall short of that."""

    commit_seconds: float = 300.0
    """How long a registry may take for its answer to a write, at least."""

    told_seconds: float = 20.0
    """After how long people are told that an answer is still waited for."""

    clock: Callable[[], float] = time.monotonic

    def answer_seconds(self, size: int) -> float:
        """Return how long the answer to a write of `size` bytes may take: stores move what was written at 50 MB/s."""
        return max(self.commit_seconds, self.commit_seconds / 10 + size / 50e6)


class Bound(Protocol):
    """What a connection's reads and writes are held to."""

    def wait(self) -> float:
        """Return how long the next read or write may wait, in seconds. Raises Overdue."""
        ...

    def passed(self, count: int, seconds: float) -> None:
        """Count `count` bytes that a read or write moved in so many seconds, 0 where it moved none. Raises Overdue."""
        ...


@dataclass(frozen=True, slots=True)
class _Terms:
    """What holds for exchanges that a thread begins inside a block."""

    ends_at: float = float("inf")
    written: int = 0
    say: Callable[[float], None] | None = None


_NONE = _Terms()
_terms = ContextVar("_terms", default=_NONE)


@contextmanager
def ending_within(seconds: float, limits: Limits) -> Iterator[None]:
    """Limit all small exchanges that this thread begins inside the block, taken together."""
    terms = _terms.get()
    token = _terms.set(replace(terms, ends_at=min(terms.ends_at, limits.clock() + seconds)))
    try:
        yield
    finally:
        _terms.reset(token)


@contextmanager
def committing(size: int, say: Callable[[float], None]) -> Iterator[None]:
    """Wait for answers to writes inside the block as `size` written bytes need it.

    `say` is called once in a long wait, with the seconds that are left of it.
    """
    token = _terms.set(replace(_terms.get(), written=size, say=say))
    try:
        yield
    finally:
        _terms.reset(token)


class Deadline:
    """A Bound on the whole: each 16 KiB that come earn a second more, and nothing else does."""

    def __init__(self, limits: Limits, seconds: float, silence: float, say: Callable[[float], None] | None) -> None:
        self._clock, self._silence, self._say = limits.clock, silence, say
        self._began = self._moved = limits.clock()
        self._told = self._began + limits.told_seconds if say else float("inf")
        self._seconds, self._latest = seconds, _terms.get().ends_at

    @property
    def _ends_at(self) -> float:
        return min(self._began + self._seconds, self._latest)

    def wait(self) -> float:
        """Return the seconds until the next moment at which something must be done."""
        now = self._clock()
        if now >= self._ends_at:
            raise Overdue(f"no whole answer within {self._ends_at - self._began:.3g} s")
        if now >= self._told and self._say is not None:
            self._told = float("inf")
            self._say(self._ends_at - now)
        return max(min(self._ends_at, self._moved + self._silence, self._told) - now, 0.001)

    def passed(self, count: int, seconds: float) -> None:  # noqa: ARG002 - the bound's shape
        """Count bytes; raise Overdue when none has come for too long."""
        now = self._clock()
        if count:
            self._moved = now
            self._seconds += count / _PATIENT_BYTES
        elif now >= self._moved + self._silence:
            raise Overdue(f"no answer within {self._silence:.3g} s")


class Floor:
    """A Bound on the rate, over the seconds that were spent waiting: what the other end does meanwhile is its own."""

    def __init__(self, limits: Limits, silence: float) -> None:
        self._limits, self._silence = limits, silence
        self._count = 0
        self._seconds = self._silent = 0.0

    def wait(self) -> float:
        """Return the seconds until silence would be too long."""
        return max(min(self._silence - self._silent, self._limits.floor_seconds), 0.001)

    def passed(self, count: int, seconds: float) -> None:
        """Count bytes; raise Overdue when they were too few for too long."""
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
    """Return the bound of a small exchange that begins now."""
    return Deadline(limits, limits.exchange_seconds, silence, None)


def for_answer(limits: Limits) -> Deadline:
    """Return the bound of the wait behind a write's last byte, which is silent as long as the registry works."""
    terms = _terms.get()
    seconds = limits.answer_seconds(terms.written)
    return Deadline(limits, seconds, seconds, terms.say)
