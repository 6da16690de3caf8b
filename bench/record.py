"""Outcomes as JSON files, so that any case can be measured again without the others."""

import json
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .outcome import Goal, Outcome
from .rounds import Series, summary
from .run import Measurement


def keep(outcome: Outcome, plan: str, folder: Path) -> None:
    """Write an outcome to `folder`; `plan` says how it was measured."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {"machine": _machine(), "plan": plan, **_to_json(outcome)}
    (folder / f"{outcome.name}.json").write_text(json.dumps(document, indent=1) + "\n")


def kept(folder: Path, order: Sequence[str]) -> list[Outcome]:
    """Read the outcomes of `folder`, in the order of their names."""
    paths = [folder / f"{name}.json" for name in order]
    return [_from_json(json.loads(path.read_text())) for path in paths if path.exists()]


def _to_json(outcome: Outcome) -> dict[str, Any]:
    return {
        "name": outcome.name,
        "title": outcome.title,
        "missing": list(outcome.missing),
        "goals": [{**asdict(goal), "is_met": goal.is_met} for goal in outcome.goals],
        "series": {name: _series_to_json(series) for name, series in outcome.series.items()},
    }


def _series_to_json(series: Series) -> dict[str, Any]:
    runs = {arm: [asdict(run) for run in runs] for arm, runs in series.runs.items()}
    return {"size": series.size, "medians": summary(series), "runs": runs, "failures": series.failures}


def _from_json(document: dict[str, Any]) -> Outcome:
    goals = [{key: value for key, value in goal.items() if key != "is_met"} for goal in document["goals"]]
    return Outcome(
        name=document["name"],
        title=document["title"],
        goals=tuple(Goal(**goal) for goal in goals),
        series={name: _series_from_json(one) for name, one in document["series"].items()},
        missing=tuple(document["missing"]),
        circumstances=_describe(document["machine"], document["plan"]),
    )


def _series_from_json(document: dict[str, Any]) -> Series:
    runs = {arm: [Measurement(**run) for run in runs] for arm, runs in document["runs"].items()}
    return Series(document["size"], runs, document["failures"])


def _machine() -> dict[str, Any]:
    return {
        "cores": os.cpu_count(),
        "processor": platform.machine(),
        "kernel": platform.release().partition("-")[0],
        "python": platform.python_version(),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }


def _describe(machine: dict[str, Any], plan: str) -> str:
    where = f"{machine['cores']} cores ({machine['processor']}), Linux {machine['kernel']}, Python {machine['python']}"
    return f"{machine['date']}, {where}, {plan}"
