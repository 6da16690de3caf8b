"""Laws of the rounds."""

from collections.abc import Callable

from bench.evaluation.report.results import Figures
from bench.evaluation.rounds import Contender, run_rounds
from bench.run import RunFailed


def contenders(order: list[str], broken: str = "") -> list[Contender]:
    """Return three rows that note in which order they ran, one of which may fail."""

    def run(name: str) -> Callable[[], tuple[Figures, str]]:
        def once() -> tuple[Figures, str]:
            order.append(name)
            if name == broken:
                raise RunFailed("other bytes")
            return {"wall_seconds": float(len(order))}, f"pull {name}"

        return once

    return [Contender(name, f"settings of {name}", run(name)) for name in "abc"]


def test_every_round_begins_with_another_row() -> None:
    """No row is always the first on a machine that slows down."""
    order: list[str] = []
    cells = run_rounds("unshaped", contenders(order), 3)
    assert "".join(order) == "abcbcacab"
    assert [(cell.row, cell.command, len(cell.runs)) for cell in cells] == [(one, f"pull {one}", 3) for one in "abc"]


def test_a_row_that_fails_says_why_and_is_not_run_again() -> None:
    """The others are measured all the same."""
    order: list[str] = []
    cells = {cell.row: cell for cell in run_rounds("unshaped", contenders(order, broken="b"), 3)}
    assert order.count("b") == 1
    assert cells["b"].failure == "other bytes"
    assert [len(cells[name].runs) for name in "abc"] == [3, 0, 3]
