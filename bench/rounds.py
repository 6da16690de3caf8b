"""Commands in rounds: each runs once in every round, so that other load on the machine affects all alike."""

import os
import shutil
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .memory_filler import MemoryFiller
from .run import Command, Measurement, RunFailed, measure

GB = 1e9
_DISTURBED = 0.1


@dataclass(frozen=True, slots=True)
class Contender:
    """A contender: `command` returns the command that fills a folder."""

    name: str
    command: Callable[[Path], Command]
    fills: bool = True
    """Whether the folder must hold the model afterwards."""

    after: Callable[[], None] = lambda: None
    """Called when a run has ended well."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a competition: rounds, attempts a run, the folder of its runs, and the share of memory held."""

    rounds: int
    attempts: int
    scratch: Path
    held: float


@dataclass(slots=True)
class Series:
    """The measurements of each arm, and the failures of others."""

    size: int
    """Bytes that every arm had to move."""

    runs: dict[str, list[Measurement]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def median(self, name: str, what: Callable[[Measurement], float]) -> float:
        """Return the median of one quantity over an arm's runs."""
        return statistics.median(what(run) for run in self.runs[name])

    def wall(self, name: str) -> float:
        """Return the median of the seconds."""
        return self.median(name, lambda run: run.wall)

    def rate(self, name: str) -> float:
        """Return bytes a second, by the median."""
        return self.size / self.wall(name)

    def times_faster(self, ours: str, theirs: str) -> float:
        """Return the median over the rounds of how many times as long `theirs` took."""
        return statistics.median(b.wall / a.wall for a, b in zip(self.runs[ours], self.runs[theirs], strict=True))

    def has(self, name: str) -> bool:
        """Return whether an arm ran."""
        return bool(self.runs.get(name))


def compete(arms: Sequence[Contender], size: int, rules: Rules) -> Series:
    """Run every arm once a round in a fresh folder, each round starting with another arm."""
    series = Series(size)
    with MemoryFiller(size, rules.held) as filler:
        for number in range(rules.rounds):
            turn = number % len(arms)
            for arm in (*arms[turn:], *arms[:turn]):
                if arm.name in series.failures:
                    continue
                try:
                    series.runs.setdefault(arm.name, []).append(_once(arm, size, rules, filler))
                except RunFailed as error:
                    series.failures[arm.name] = str(error)
                    series.runs.pop(arm.name, None)
                _tell(series, arm)
    return series


def _once(arm: Contender, size: int, rules: Rules, filler: MemoryFiller) -> Measurement:
    """Run one arm; repeat the run if other programs used too much of the machine meanwhile."""
    for _ in range(rules.attempts):
        measurement = _attempt(arm, size, rules.scratch, filler)
        if measurement.strangers <= _DISTURBED:
            break
    arm.after()
    return measurement


def _attempt(arm: Contender, size: int, scratch: Path, filler: MemoryFiller) -> Measurement:
    folder = scratch / "run"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.sync()
    try:
        command = arm.command(folder)
        filler.fill()
        measurement = measure(command, folder)
        if arm.fills and _content(folder) < size:
            raise RunFailed(f"left {_content(folder)} of {size} bytes")
        return measurement
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _content(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _tell(series: Series, arm: Contender) -> None:
    if arm.name in series.failures:
        line = f"failed: {series.failures[arm.name].splitlines()[-1]}"
    else:
        last = series.runs[arm.name][-1]
        line = f"{last.wall:.2f} s, {last.cpu / series.size * GB:.2f} cpu s/GB, {last.peak_rss >> 20} MiB"
    sys.stderr.write(f"  {arm.name}: {line}\n")


def summary(series: Series) -> Mapping[str, Mapping[str, float | None]]:
    """Return each arm's medians, for the report."""
    return {
        name: {
            "wall_seconds": series.wall(name),
            "cpu_seconds_per_gb": series.median(name, lambda run: run.cpu) / series.size * GB,
            "origin_cpu_seconds_per_gb": series.median(name, lambda run: run.origin_cpu) / series.size * GB,
            "peak_rss_bytes": series.median(name, lambda run: run.peak_rss),
            "wire_bytes": series.median(name, lambda run: run.wire),
            "written_bytes": _written(runs),
            "peak_disk_bytes": max(run.peak_disk for run in runs),
        }
        for name, runs in series.runs.items()
    }


def disturbed(series: Series) -> str:
    """Return how many runs other programs disturbed."""
    runs = [run for runs in series.runs.values() for run in runs]
    return f"{sum(run.strangers > _DISTURBED for run in runs)} of {len(runs)} runs disturbed"


def _written(runs: Sequence[Measurement]) -> float | None:
    known = [run.written for run in runs if run.written is not None]
    return statistics.median(known) if known else None
