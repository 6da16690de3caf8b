"""Other load on the machine while a command ran, which makes a measurement less reliable."""

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


def share_of_other_processes(before: Clocks, after: Clocks, client: float) -> float:
    """Return the CPU share of all programs but us, our origins and a client that used `client` CPU seconds."""
    capacity = (after.at - before.at) * (os.cpu_count() or 1)
    known = (after.harness - before.harness) + (after.origins - before.origins) + client
    theirs = after.machine - before.machine - known
    return max(theirs / capacity, 0.0)


def _children() -> float:
    """Return the CPU seconds of our children, which are the origins: clients have ended at the time of the call."""
    ours, seconds = str(os.getpid()), 0.0
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended during the scan
        if fields[1] == ours:
            seconds += (int(fields[11]) + int(fields[12])) * _TICK_SECONDS
    return seconds
