"""Interleaved rounds: each row runs once a round, and each round begins with another row."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.run import RunFailed
from tests.parts.build import PartError
from tests.parts.process import NotReadyError

from .report.commands import shown
from .report.results import Cell, Figures


@dataclass(frozen=True, slots=True)
class Contender:
    """A row: its name, its settings in words, and what runs it once and returns its figures and its command."""

    name: str
    settings: str
    run: Callable[[], tuple[Figures, str]]


def run_rounds(group: str, contenders: Sequence[Contender], rounds: int) -> list[Cell]:
    """Run all rows in rounds, and return their cells; a row that failed is not run again."""
    cells = {one.name: Cell(group, one.name, one.settings) for one in contenders}
    for number in range(rounds):
        first = number * len(contenders) // rounds
        for contender in (*contenders[first:], *contenders[:first]):
            cell = cells[contender.name]
            if not cell.failure:
                _run(contender, cell)
    return list(cells.values())


def _run(contender: Contender, cell: Cell) -> None:
    try:
        figures, command = contender.run()
        cell.command = shown(command)
        cell.runs.append(figures)
        said = ", ".join(f"{key[:-8]} {seconds:.2f} s" for key, seconds in figures.items() if key.endswith("_seconds"))
    except (RunFailed, PartError, NotReadyError, subprocess.CalledProcessError) as error:
        cell.failure = shown(str(error))
        said = f"failed: {error}"
    sys.stderr.write(f"  {cell.group}, {contender.name}: {said}\n")
