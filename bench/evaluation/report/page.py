"""docs/evaluation.md and its charts, written from the stored sections alone."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.plan import MIB

from .chart import THEMES, timeline
from .columns import columns_of
from .goals import Goal, goals
from .growth import growth
from .results import Cell, Section
from .words import AFTER, HEAD, SECTIONS, Words


def write(sections: Mapping[str, Section], page: Path) -> None:
    """Write the page, and its charts to a folder of its name beside it."""
    charts = page.with_suffix("")
    charts.mkdir(parents=True, exist_ok=True)
    for chart in charts.glob("*.svg"):
        chart.unlink()
    page.write_text("\n".join(_page(sections, charts)) + "\n")


def _page(sections: Mapping[str, Section], charts: Path) -> Iterator[str]:
    yield HEAD
    yield "| goal | wanted | measured | |"
    yield "|---|---|---|---|"
    for goal in goals(sections):
        yield _goal(goal)
    for name, words in SECTIONS.items():
        if name in sections:
            yield from _section(sections[name], words, charts)
    yield AFTER


def _goal(goal: Goal) -> str:
    measured = "" if goal.measured is None else f"{goal.measured:.2f}"
    remark = f"; {goal.remark}" if goal.remark else ""
    sign = "≤" if goal.is_ceiling else "≥"
    return f"| {goal.promise} | {sign} {goal.threshold:g} | {measured} | {goal.verdict}{remark} |"


def _section(section: Section, words: Words, charts: Path) -> Iterator[str]:
    yield f"\n## {words.title}\n"
    yield words.text
    if section.failure:
        yield f"\nNot measured: {_one_line(section.failure)}"
        return
    rounds = f"{section.rounds} round{'s' * (section.rounds > 1)}"
    yield f"\nModel of {section.size / MIB:.0f} MiB, {rounds}. {section.circumstances}"
    for number, group in enumerate(section.groups(), 1):
        yield f"\n### {words.group.format(group)}\n"
        cells = section.of(group)
        yield from _chart(f"{section.name}-{number}", f"{words.chart}, {group}", cells, words, charts)
        yield from _table(cells)
    if section.name == "fleet":
        yield from growth(section)
    yield from _details(section)


def _chart(name: str, title: str, cells: list[Cell], words: Words, charts: Path) -> Iterator[str]:
    rows = {cell.row: [cell.median(key) for key in words.stretches if cell.values(key)] for cell in cells if cell.runs}
    rows = {row: stretches for row, stretches in rows.items() if stretches}
    if not rows:
        return
    for theme in THEMES:
        (charts / f"{name}-{theme.name}.svg").write_text(timeline(title, rows, words.legend, theme))
    yield "<picture>"
    yield f'  <source media="(prefers-color-scheme: dark)" srcset="{charts.name}/{name}-dark.svg">'
    yield f'  <img alt="{title}" src="{charts.name}/{name}-light.svg" width="480">'
    yield "</picture>\n"


def _table(cells: list[Cell]) -> Iterator[str]:
    columns = columns_of(cells)
    yield f"| row | {' | '.join(column.title for column in columns)} |"
    yield "|---" * (len(columns) + 1) + "|"
    for cell in cells:
        if cell.failure:
            yield f"| {cell.row} | failed: {_one_line(cell.failure)[:200]} |" + " |" * (len(columns) - 1)
        else:
            yield f"| {cell.row} | {' | '.join(column.show(cell) for column in columns)} |"


def _details(section: Section) -> Iterator[str]:
    """Yield each row's settings and command, and the rows that could not be had."""
    yield "\n<details><summary>Settings and commands</summary>\n"
    told: dict[str, Cell] = {}
    for cell in section.cells:
        told.setdefault(cell.row, cell)
    for row, cell in told.items():
        command = f" `{_one_line(cell.command)}`" if cell.command else ""
        yield f"- **{row}**: {cell.settings}.{command}"
    yield "\n</details>"
    if section.missing:
        yield "\nMissing:\n"
        yield from (f"- {row}: {reason}." for row, reason in section.missing.items())


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("|", "/").replace("`", "'")
