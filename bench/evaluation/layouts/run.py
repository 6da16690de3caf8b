"""One run of one row: a fresh folder, a command under the stopwatch, and the digest of every file at the end."""

import os
import shlex
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from bench.evaluation.model import file_digest
from bench.evaluation.report.results import Figures
from bench.memory_filler import MemoryFiller
from bench.rounds import GB
from bench.run import Command, RunFailed, measure

_TICK_SECONDS = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be measured, when all that it needs stands."""

    command: Command
    tree: Path
    """Where the files are afterwards."""

    server: int = 0
    """The process id of a server that works for the command, whose use counts; 0 for none."""


@dataclass(frozen=True, slots=True)
class Row:
    """A way to bring a model to a node."""

    name: str
    settings: str
    open: Callable[[Path], AbstractContextManager[Task]]
    """From an empty folder to what is to be measured in it."""

    brings: str = "weights alone"
    """What is on the node afterwards."""

    links: frozenset[str] = frozenset()
    """The links on which it runs; none means on all."""


def run(row: Row, folder: Path, expected: Mapping[str, str], size: int, filler: MemoryFiller) -> tuple[Figures, str]:
    """Run a row once; return what it took and its command; raise RunFailed where bytes are not those expected."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.sync()
    try:
        with row.open(folder) as task:
            filler.fill()
            samples = _Wire()
            before = _Usage.of(task.server)
            taken = measure(task.command, folder, samples.take)
            used = _Usage.of(task.server)
            check(task.tree, expected)
        last = min(samples.last_byte(taken.finished - taken.wall), taken.wall)
        figures = {
            "wall_seconds": taken.wall,
            "cpu_seconds_per_gb": (taken.cpu + used.cpu - before.cpu) / size * GB,
            "peak_memory_bytes": max(taken.peak_rss, used.peak_memory),
            "peak_disk_bytes": taken.peak_disk,
            "wire_bytes": taken.wire,
            "receiving_seconds": last,
            "after_seconds": taken.wall - last,
            "others_share": taken.strangers,
        }
        return figures, repeatable(task.command)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def repeatable(command: Command) -> str:
    """Return a command with the variables that it is given, as a shell takes it."""
    settings = [f"{name}={shlex.quote(value)}" for name, value in command.environ.items() if value]
    return " ".join([*settings, shlex.join(command.argv)])


def check(tree: Path, expected: Mapping[str, str]) -> None:
    """Raise RunFailed unless a file below `tree` has each expected digest: under its name, or as a blob."""
    found = digests_below(tree)
    for path, digest in found.items():
        if digest != expected.get(path.name, digest):
            raise RunFailed(f"{path.name} has other bytes than the model's")
    check_present(set(found.values()), expected)


def check_present(found: set[str], expected: Mapping[str, str]) -> None:
    """Raise RunFailed unless each expected digest was found."""
    if left := sorted(name for name, digest in expected.items() if digest not in found):
        raise RunFailed(f"not found afterwards: {', '.join(left)}")


def digests_below(tree: Path) -> dict[Path, str]:
    """Return the digest of each file below a folder."""
    return {path: file_digest(path) for path in sorted(tree.rglob("*")) if path.is_file() and not path.is_symlink()}


@dataclass(frozen=True, slots=True)
class _Usage:
    """CPU seconds, with those of children that ended, and peak memory of a process."""

    cpu: float
    peak_memory: int

    @classmethod
    def of(cls, pid: int) -> "_Usage":
        if not pid:
            return cls(0.0, 0)
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        status = Path(f"/proc/{pid}/status").read_text().splitlines()
        peak = next(int(line.split()[1]) << 10 for line in status if line.startswith("VmHWM:"))
        return cls(sum(map(int, fields[11:15])) * _TICK_SECONDS, peak)


class _Wire:
    """The loopback's counter over time, which says when the last large bytes came."""

    _LARGE = 64 << 10

    def __init__(self) -> None:
        self._at, self._bytes = 0.0, read_loopback()[1]

    def take(self) -> None:
        """Look at the counter."""
        now, count = read_loopback()
        if count - self._bytes > self._LARGE:
            self._bytes, self._at = count, now

    def last_byte(self, started: float) -> float:
        """Return the seconds from the start to the last large bytes."""
        return max(0.0, self._at - started)


def read_loopback() -> tuple[float, int]:
    """Return the time, on the system's monotonic clock, and the bytes that the loopback carried so far."""
    for line in Path("/proc/thread-self/net/dev").read_text().splitlines():
        name, _, counters = line.partition(":")
        if name.strip() == "lo":
            return time.monotonic(), int(counters.split()[0])
    return time.monotonic(), 0
