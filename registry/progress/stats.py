"""Counters of a transfer: bytes, and workers' seconds.

Tests: tests/registry/progress/test_reporter.py
"""

import threading
from collections.abc import Mapping
from typing import NamedTuple, Protocol

_UNITS = ("B", "kB", "MB", "GB", "TB")


class Progress(Protocol):
    """The progress of some work: `done` of `total` bytes."""

    @property
    def total(self) -> int:
        """All bytes."""
        ...

    @property
    def done(self) -> int:
        """The bytes that are done."""
        ...


class TransferStats:
    """Counts a transfer; any thread may count.

    `done` of `total` bytes are complete, `wire` bytes came over the network, by so many `reads`.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self.done = 0
        self.wire = 0
        self.reads = 0
        self.seconds: dict[str, float] = {}
        self._lock = threading.Lock()

    def add(self, count: int) -> None:
        """Count bytes that came over the wire."""
        with self._lock:
            self.done += count
            self.wire += count
            self.reads += 1

    def skip(self, count: int) -> None:
        """Count bytes that are present and need no download."""
        with self._lock:
            self.done += count

    def take_back(self, count: int) -> None:
        """Count bytes as missing that must be transferred again."""
        with self._lock:
            self.done -= count

    def begin_again(self, size: int, had: int) -> None:
        """Count `size` bytes as missing: `had` of them were counted here, the others were there before."""
        with self._lock:
            self.done -= had
            self.total += size - had

    def spend(self, where: str, seconds: float) -> None:
        """Count a worker's time: on the `wire`, for the `hash`, for the `disk`."""
        with self._lock:
            self.seconds[where] = self.seconds.get(where, 0.0) + seconds

    def counted(self) -> "Counted":
        """Return all that was counted so far."""
        with self._lock:
            return Counted(self.done, self.wire, self.reads, dict(self.seconds))

    def join(self, counted: "Counted") -> None:
        """Count what another process counted."""
        with self._lock:
            self.done += counted.done
            self.wire += counted.wire
            self.reads += counted.reads
        for where, seconds in counted.seconds.items():
            self.spend(where, seconds)


class Counted(NamedTuple):
    """What TransferStats counted, as a value."""

    done: int
    wire: int
    reads: int
    seconds: Mapping[str, float]

    def since(self, before: "Counted") -> "Counted":
        """Return what was counted since an earlier time."""
        seconds = {where: spent - before.seconds.get(where, 0.0) for where, spent in self.seconds.items()}
        return Counted(self.done - before.done, self.wire - before.wire, self.reads - before.reads, seconds)


def human(count: float) -> str:
    """Return a count of bytes as text for people, in powers of 1000."""
    number = 0
    while count >= 999.5 and number < len(_UNITS) - 1:
        count /= 1000
        number += 1
    return f"{count:.0f} {_UNITS[number]}" if number == 0 or count >= 99.95 else f"{count:.1f} {_UNITS[number]}"
