"""Laws of the stored results."""

from pathlib import Path

import pytest

from bench.evaluation.report.results import Cell, Section, keep, kept


def section() -> Section:
    """Return a section with two rows that were measured and one that failed."""
    slow = Cell("unshaped", "slow", "defaults", "pull", [{"wall_seconds": 4.0}, {"wall_seconds": 9.0}])
    quick = Cell("unshaped", "quick", "defaults", "pull", [{"wall_seconds": 2.0}, {"wall_seconds": 3.0}])
    failed = Cell("unshaped", "failed", "defaults", failure="other bytes")
    return Section("layouts", [slow, quick, failed], missing={"kit": "not here"}, size=10, rounds=2)


def test_a_section_is_read_as_it_was_written(tmp_path: Path) -> None:
    """JSON loses nothing of a section, and a section that was not measured is left out."""
    keep(section(), tmp_path)
    assert kept(tmp_path, ("layouts", "fleet")) == {"layouts": section()}


def test_a_ratio_is_the_median_of_the_pairs_of_a_round() -> None:
    """What disturbed one round disturbed both rows of it."""
    assert section().ratio("unshaped", "quick", "slow") == pytest.approx(2.5)


@pytest.mark.parametrize("row", ["failed", "never there"])
def test_there_is_no_ratio_without_both_rows(row: str) -> None:
    """A row that failed is nobody's equal."""
    assert section().ratio("unshaped", "quick", row) is None
