"""What was measured, as values and as JSON: a section of the page has groups of rows, and each row its runs."""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

Figures = Mapping[str, float]
"""What one run took, by the columns of `report.columns`; units are in their names."""


@dataclass(slots=True)
class Cell:
    """One row in one group: a link, a size of fleet, or whatever a section's rows are compared under."""

    group: str
    row: str
    settings: str
    command: str = ""
    runs: list[Figures] = field(default_factory=list)
    failure: str = ""

    def values(self, column: str) -> list[float]:
        """Return what the runs have of a column."""
        return [run[column] for run in self.runs if column in run]

    def median(self, column: str) -> float:
        """Return the median over the runs."""
        return statistics.median(self.values(column))


@dataclass(slots=True)
class Section:
    """One part of the evaluation."""

    name: str
    cells: list[Cell] = field(default_factory=list)
    missing: Mapping[str, str] = field(default_factory=dict)
    """Rows that could not be had, with the reason."""

    failure: str = ""
    """Why the part as a whole could not be measured."""

    size: int = 0
    """Bytes of the model."""

    rounds: int = 0
    circumstances: str = ""
    """When, on which machine and by which versions it was measured; set when it is stored."""

    def groups(self) -> list[str]:
        """Return the groups in the order in which they were measured."""
        return list(dict.fromkeys(cell.group for cell in self.cells))

    def of(self, group: str) -> list[Cell]:
        """Return the cells of a group."""
        return [cell for cell in self.cells if cell.group == group]

    def cell(self, group: str, row: str) -> Cell | None:
        """Return a cell that was measured, or None."""
        return next((one for one in self.of(group) if one.row == row and one.runs), None)

    def ratio(self, group: str, less: str, more: str, column: str = "wall_seconds") -> float | None:
        """Return the median over the rounds of how many times as much `more` took as `less`; None without both."""
        a, b = self.cell(group, less), self.cell(group, more)
        if a is None or b is None:
            return None
        pairs = zip(a.values(column), b.values(column), strict=False)
        return statistics.median(y / x for x, y in pairs)


def keep(section: Section, folder: Path) -> None:
    """Write a section as JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{section.name}.json").write_text(json.dumps(asdict(section), indent=1) + "\n")


def kept(folder: Path, names: Sequence[str]) -> dict[str, Section]:
    """Read the sections that are there."""
    paths = [folder / f"{name}.json" for name in names]
    found = [json.loads(path.read_text()) for path in paths if path.exists()]
    return {one["name"]: Section(**{**one, "cells": [Cell(**cell) for cell in one["cells"]]}) for one in found}
