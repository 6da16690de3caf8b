"""What else the machine did while a command ran: other programs' load makes a measurement worth less."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_TICK_SECONDS = 1 / os.sysconf("SC_CLK_TCK")
_BUSY = (0, 1, 2, 5, 6, 7)  # of a cpu line in /proc/stat: user, nice, system, irq, softirq, steal


@dataclass(frozen=True, slots=True)
class Clocks:
    """CPU seconds until now: of the whole machine, of this program, and of the origins, its children that still run."""

    at: float
    machine: float
    harness: float
    origins: float

    @classmethod
    def read(cls) -> Self:
        """Read the kernel's counters."""
        fields = Path("/proc/stat").read_text().partition("\n")[0].split()[1:]
        busy = sum(int(fields[index]) for index in _BUSY) * _TICK_SECONDS
        return cls(time.monotonic(), busy, time.process_time(), _children())


def share_of_strangers(before: Clocks, after: Clocks, client: float) -> float:
    """Return the part of the machine that neither we, nor our origins, nor a `client` of so many CPU seconds took."""
    capacity = (after.at - before.at) * (os.cpu_count() or 1)
    known = (after.harness - before.harness) + (after.origins - before.origins) + client
    theirs = after.machine - before.machine - known
    return max(theirs / capacity, 0.0)


def _children() -> float:
    """Return the CPU seconds of our children, which are the origins: clients have ended when this is asked."""
    ours, seconds = str(os.getpid()), 0.0
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended while we looked
        if fields[1] == ours:
            seconds += (int(fields[11]) + int(fields[12])) * _TICK_SECONDS
    return seconds
