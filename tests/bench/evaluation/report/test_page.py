"""Laws of the page."""

from pathlib import Path

import pytest

from bench.evaluation.layouts.rows import (
    AT_ONCE_RAW,
    AT_ONCE_ZSTD,
    BASE_ORAS,
    BASE_RAW,
    MULTI_ZSTD,
    SINGLE_GZIP,
    WITH_IMAGE,
)
from bench.evaluation.report.goals import goals
from bench.evaluation.report.page import write
from bench.evaluation.report.results import Cell, Figures, Section

WIRE_BYTES = 125_000_000 // 2
"""Half a second of a line of 1 Gbit/s."""


def measured(row: str, *seconds: float) -> Cell:
    """Return a row that took some seconds in each of its rounds."""
    runs: list[Figures] = [
        {"wall_seconds": one, "receiving_seconds": one / 2, "after_seconds": one / 2, "wire_bytes": WIRE_BYTES}
        for one in seconds
    ]
    return Cell(f"1 Gbit/s, {WITH_IMAGE}", row, f"settings of {row}", f"pull {row}", runs)


def layouts(*more: Cell, raw: float = 2.0) -> Section:
    """Return a section with the chart's rows that goals are about, and more; `raw` is our raw row's seconds."""
    times = {SINGLE_GZIP: 9.0, MULTI_ZSTD: 4.0, BASE_ORAS: 1.0, BASE_RAW: 1.5, AT_ONCE_RAW: raw, AT_ONCE_ZSTD: 1.0}
    cells = [measured(row, seconds) for row, seconds in times.items()]
    return Section("layouts", [*cells, *more], missing={"kit unpack": "cannot be had"}, size=1 << 20, rounds=1)


def test_goals_that_are_missed_stand_beside_those_that_are_met() -> None:
    """Nothing is left out that we lose."""
    verdicts = {goal.promise: goal.verdict for goal in goals({"layouts": layouts()})}
    assert verdicts[f"times as fast as {SINGLE_GZIP}, 1 Gbit/s"] == "met"
    assert verdicts[f"times as fast as {BASE_ORAS}, 1 Gbit/s"] == "**not met**"


@pytest.mark.parametrize(("raw", "best", "other"), [(0.5, "raw", "zstd: 9.00"), (2.0, "zstd", "raw: 4.50")])
def test_ours_is_raw_or_packed_as_is_faster(raw: float, best: str, other: str) -> None:
    """Which one it is, and what the other one was, stands behind it."""
    goal = next(goal for goal in goals({"layouts": layouts(raw=raw)}) if SINGLE_GZIP in goal.promise)
    assert goal.measured == 9.0 / min(raw, 1.0)
    assert goal.remark.startswith(f"{best}, {other}")


def test_what_a_line_allows_stands_behind_a_goal() -> None:
    """Bytes cross a shaped line in their time, so no row is faster; a link without a rate says nothing of it."""
    shaped = layouts()
    goal = next(goal for goal in goals({"layouts": shaped}) if SINGLE_GZIP in goal.promise)
    assert goal.remark.endswith("the bytes of the first alone take 0.50 s of the line: at most 18.00")
    for cell in shaped.cells:
        cell.group = f"85 MB/s a connection, {WITH_IMAGE}"
    assert not any("of the line" in goal.remark for goal in goals({"layouts": shaped}))


def test_what_was_not_measured_is_no_goal_met() -> None:
    """A part that failed leaves its goals with the reason."""
    failed = Section("layouts", failure="needs root, for a network namespace")
    found = goals({"layouts": failed})
    assert {goal.verdict for goal in found} >= {"not measured"}
    assert "needs root, for a network namespace" in {goal.remark for goal in found}


def test_the_page_has_every_row_its_settings_and_its_command(tmp_path: Path) -> None:
    """A reader can repeat each cell, and sees which rows failed or are missing, and why."""
    failed = Cell(f"1 Gbit/s, {WITH_IMAGE}", "broken", "its settings", failure="exit code 1: a | b\nsecond line")
    page = tmp_path / "evaluation.md"
    write({"layouts": layouts(failed, measured("many rounds", 1.0, 3.0, 2.0))}, page)
    text = page.read_text()
    assert "| broken | failed: exit code 1: a / b second line |" in text
    assert "| many rounds | 2.00 (1.00 to 3.00) |" in text
    assert f"- **{SINGLE_GZIP}**: settings of {SINGLE_GZIP}. `pull {SINGLE_GZIP}`" in text
    assert "- kit unpack: cannot be had." in text


def test_every_chart_that_the_page_names_is_there(tmp_path: Path) -> None:
    """Each has a light and a dark picture, and charts of an earlier page are gone."""
    (tmp_path / "evaluation").mkdir()
    (tmp_path / "evaluation" / "old-light.svg").write_text("")
    write({"layouts": layouts()}, tmp_path / "evaluation.md")
    names = {path.name for path in (tmp_path / "evaluation").iterdir()}
    text = (tmp_path / "evaluation.md").read_text()
    assert names == {"layouts-1-light.svg", "layouts-1-dark.svg"}
    assert all(f"evaluation/{name}" in text for name in names)
