"""Outcomes to files: one JSON each, a Markdown page of all, and a plot."""

import json
import os
import platform
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .outcome import Goal, Outcome
from .plan import MIB
from .plot import bars
from .rounds import Series, summary

_PLOTTED = "unshaped"
_VERDICTS = {True: "met", False: "**missed**", None: "not measured"}


def write(outcomes: Sequence[Outcome], folder: Path, plan: str) -> None:
    """Write everything that was found to `folder`; `plan` says how it was measured."""
    folder.mkdir(parents=True, exist_ok=True)
    for outcome in outcomes:
        (folder / f"{outcome.name}.json").write_text(json.dumps(to_json(outcome), indent=1) + "\n")
        for number, (name, series) in enumerate(outcome.series.items()):
            if outcome.name == _PLOTTED and series.runs:
                walls = {arm: series.wall(arm) for arm in series.runs}
                (folder / f"{outcome.name}-{number + 1}.svg").write_text(bars(f"{outcome.title}: {name}", walls))
    (folder / "README.md").write_text("\n".join(_page(outcomes, plan)) + "\n")


def to_json(outcome: Outcome) -> dict[str, Any]:
    """Give an outcome as JSON: goals, medians, and every single run."""
    return {
        "case": outcome.name,
        "title": outcome.title,
        "machine": _machine(),
        "goals": [{**asdict(goal), "is_met": goal.is_met} for goal in outcome.goals],
        "missing": list(outcome.missing),
        "series": {
            name: {
                "size": series.size,
                "medians": summary(series),
                "runs": {arm: [asdict(run) for run in runs] for arm, runs in series.runs.items()},
                "failures": series.failures,
            }
            for name, series in outcome.series.items()
        },
    }


def _machine() -> dict[str, Any]:
    return {
        "cores": os.cpu_count(),
        "processor": platform.machine(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }


def _page(outcomes: Sequence[Outcome], plan: str) -> Iterator[str]:
    machine = _machine()
    yield "# Measurements"
    yield ""
    yield f"{machine['date']}, {machine['cores']} cores, Python {machine['python']}, {plan}."
    yield "The registry shares the cores with the puller. Commands take turns; a ratio is the median of what the pairs of"
    yield "one round give, and so firmer than seconds. Seconds begin before the process does. Wire is what passed the"
    yield "loopback meanwhile, written is what went to write(2) and its kin, peak disk is looked up 20 times a second."
    yield ""
    yield "## Goals"
    yield ""
    yield "| case | goal | wanted | measured | |"
    yield "|---|---|---|---|---|"
    for outcome in outcomes:
        for goal in outcome.goals:
            yield _goal_row(outcome, goal)
    for outcome in outcomes:
        yield from _section(outcome)


def _goal_row(outcome: Outcome, goal: Goal) -> str:
    sign = "≤" if goal.is_ceiling else "≥"
    measured = "-" if goal.measured is None else f"{goal.measured:.3g} {goal.unit}".strip()
    verdict = _VERDICTS[goal.is_met] + (f": {goal.remark}" if goal.remark else "")
    wanted = f"{sign} {goal.threshold:g} {goal.unit}".strip()
    return f"| {outcome.name} | {goal.promise} | {wanted} | {measured} | {verdict} |".replace("\n", " ")


def _section(outcome: Outcome) -> Iterator[str]:
    yield ""
    yield f"## {outcome.title}"
    for number, (name, series) in enumerate(outcome.series.items()):
        yield ""
        if outcome.name == _PLOTTED and series.runs:
            yield f"![{name}]({outcome.name}-{number + 1}.svg)"
            yield ""
        yield f"{name}, {series.size / MIB:.0f} MiB:"
        yield ""
        yield from _table(series)
    if outcome.missing:
        yield ""
        yield f"Not on this machine: {', '.join(outcome.missing)}."


def _table(series: Series) -> Iterator[str]:
    yield "| command | seconds | GB/s | CPU s/GB | peak RSS MiB | wire MiB | written MiB | peak disk MiB |"
    yield "|---|---|---|---|---|---|---|---|"
    medians = summary(series)
    for name in sorted(series.runs, key=series.wall):
        of = medians[name]
        sizes = (of["peak_rss_bytes"], of["wire_bytes"], of["written_bytes"], of["peak_disk_bytes"])
        shown = " | ".join("-" if size is None else f"{size / MIB:.0f}" for size in sizes)
        rate = series.rate(name) / 1e9
        yield f"| {name} | {series.wall(name):.2f} | {rate:.2f} | {of['cpu_seconds_per_gb']:.2f} | {shown} |"
    for name, reason in series.failures.items():
        last = reason.splitlines()[-1][:160].replace("|", "/")
        yield f"| {name} | failed: {last} | | | | | | |"
