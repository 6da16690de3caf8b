"""What a case found: goals met or missed, and the measurements behind them."""

from collections.abc import Mapping
from dataclasses import dataclass

from .rounds import Series


@dataclass(frozen=True, slots=True)
class Goal:
    """One promise, measured. `measured` is None where it could not be, and then `remark` says why."""

    promise: str
    threshold: float
    measured: float | None
    unit: str = "x"
    is_ceiling: bool = False
    """Whether less is better."""

    remark: str = ""

    @property
    def is_met(self) -> bool | None:
        """Return whether the promise is kept; None where it was not measured."""
        if self.measured is None:
            return None
        return self.measured <= self.threshold if self.is_ceiling else self.measured >= self.threshold


@dataclass(frozen=True, slots=True)
class Outcome:
    """One case: a row of goals and the table of its contestants."""

    name: str
    title: str
    goals: tuple[Goal, ...]
    series: Mapping[str, Series]
    """By the name of what was pulled or pushed."""

    missing: tuple[str, ...] = ()
    """Peers that are not on this machine."""

    circumstances: str = ""
    """When, on what machine and how often it was measured; known once it is kept."""


def ratio(promise: str, threshold: float, series: Series, ours: str, theirs: str) -> Goal:
    """Make a goal of how many times faster `ours` is than `theirs`."""
    for name in (ours, theirs):
        if not series.has(name):
            return Goal(promise, threshold, None, remark=series.failures.get(name, f"{name} is not on this machine"))
    return Goal(promise, threshold, series.times_faster(ours, theirs))
