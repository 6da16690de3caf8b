"""The result of a case: goals met or missed, and their measurements."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .rounds import GB, Series


@dataclass(frozen=True, slots=True)
class Goal:
    """One goal, measured. `measured` is None if it could not be measured; then `remark` says why."""

    promise: str
    threshold: float
    measured: float | None
    unit: str = "x"
    is_ceiling: bool = False
    """Whether less is better."""

    remark: str = ""

    @property
    def is_met(self) -> bool | None:
        """Return whether the goal is met; None if it was not measured."""
        if self.measured is None:
            return None
        return self.measured <= self.threshold if self.is_ceiling else self.measured >= self.threshold


@dataclass(frozen=True, slots=True)
class Outcome:
    """One case: its goals and the table of its contenders."""

    name: str
    title: str
    goals: tuple[Goal, ...]
    series: Mapping[str, Series]
    """By the name of the pulled or pushed model."""

    missing: tuple[str, ...] = ()
    """Peers that are not installed on this machine."""

    circumstances: str = ""
    """When, on which machine and how often it was measured; set when it is stored."""


def ratio(promise: str, threshold: float, series: Series, ours: str, theirs: str) -> Goal:
    """Return the goal of how many times faster `ours` is than `theirs`."""
    for name in (ours, theirs):
        if not series.has(name):
            return Goal(promise, threshold, None, remark=series.failures.get(name, f"{name} is not on this machine"))
    return Goal(promise, threshold, series.times_faster(ours, theirs))


def cores_allow(series: Series, leanest: Iterable[str], theirs: str) -> str:
    """Return in words the most that `theirs` could be beaten by on these cores, the registry's share included.

    That is the multiple of a program that never waits, and needs no more CPU than the leanest of some contenders.
    """
    cores = os.cpu_count() or 1
    needed = min(series.median(name, lambda run: run.cpu + run.origin_cpu) for name in leanest)
    most = series.wall(theirs) / (needed / cores)
    return f"{cores} cores allow {most:.2f}, at {needed / series.size * GB:.2f} CPU s/GB with the registry"
