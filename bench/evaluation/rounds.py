"""Rows that take turns: each runs once a round, and each round begins with another row."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.run import RunFailed
from tests.parts.build import PartError
from tests.parts.process import NotReadyError

from .report.results import Cell, Figures


@dataclass(frozen=True, slots=True)
class Turn:
    """A row: its name, its settings in words, and what runs it once and returns its figures and its command."""

    name: str
    settings: str
    run: Callable[[], tuple[Figures, str]]


def take_turns(group: str, turns: Sequence[Turn], rounds: int) -> list[Cell]:
    """Run all rows in rounds, and return their cells; a row that failed is not run again."""
    cells = {turn.name: Cell(group, turn.name, turn.settings) for turn in turns}
    for number in range(rounds):
        first = number * len(turns) // rounds
        for turn in (*turns[first:], *turns[:first]):
            cell = cells[turn.name]
            if not cell.failure:
                _run(turn, cell)
    return list(cells.values())


def _run(turn: Turn, cell: Cell) -> None:
    try:
        figures, cell.command = turn.run()
        cell.runs.append(figures)
        shown = ", ".join(
            f"{name.removesuffix('_seconds')} {figures[name]:.2f} s" for name in figures if name.endswith("seconds")
        )
    except (RunFailed, PartError, NotReadyError) as error:
        cell.failure = str(error)
        shown = f"failed: {error}"
    sys.stderr.write(f"  {cell.group}, {turn.name}: {shown}\n")
