"""The report page: the goals, then each case with its tables and plots."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from .outcome import Goal, Outcome
from .plan import MIB
from .plot import bars
from .rounds import Series, disturbed, summary

_PLOTTED = "unshaped"
_VERDICTS = {True: "met", False: "**missed**", None: "not measured"}
_LEGEND = """\
The registry shares the cores with the puller. Commands take turns; a ratio is the median of what the pairs of one round
give, and so firmer than seconds. Seconds begin before the process does. Wire is what passed the loopback meanwhile,
written is what went to write(2) and its kin; RSS and disk are peaks, the disk looked up 20 times a second. A run counts
as disturbed when other programs took more than a tenth of the machine; it is repeated, but not for ever.
"""


def write(outcomes: Sequence[Outcome], folder: Path) -> None:
    """Write the page and the plots to `folder`."""
    for outcome in outcomes:
        if outcome.name == _PLOTTED:
            _plot(outcome, folder)
    (folder / "README.md").write_text("\n".join(_page(outcomes)) + "\n")


def _plot(outcome: Outcome, folder: Path) -> None:
    for number, (name, series) in enumerate(outcome.series.items(), 1):
        walls = {arm: series.wall(arm) for arm in series.runs}
        (folder / f"{outcome.name}-{number}.svg").write_text(bars(f"{outcome.title}: {name}", walls))


def _page(outcomes: Sequence[Outcome]) -> Iterator[str]:
    yield "# Measurements\n"
    yield "Written by `make bench`.\n"
    yield _LEGEND
    yield "## Goals\n"
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
    yield f"\n## {outcome.title}\n"
    yield f"{outcome.circumstances}."
    for number, (name, series) in enumerate(outcome.series.items(), 1):
        yield ""
        if outcome.name == _PLOTTED:
            yield f"![{name}]({outcome.name}-{number}.svg)\n"
        yield f"{name}, {series.size / MIB:.0f} MiB; {disturbed(series)}:\n"
        yield from _table(series)
    if outcome.missing:
        yield f"\nNot on this machine: {', '.join(outcome.missing)}."


def _table(series: Series) -> Iterator[str]:
    yield "| command | seconds | GB/s | CPU s/GB | origin CPU s/GB | RSS MiB | wire MiB | written MiB | disk MiB |"
    yield "|---|---|---|---|---|---|---|---|---|"
    medians = summary(series)
    for name in sorted(series.runs, key=series.wall):
        of = medians[name]
        sizes = (of["peak_rss_bytes"], of["wire_bytes"], of["written_bytes"], of["peak_disk_bytes"])
        shown = " | ".join("-" if size is None else f"{size / MIB:.0f}" for size in sizes)
        rate = series.rate(name) / 1e9
        spent = f"{of['cpu_seconds_per_gb']:.2f} | {of['origin_cpu_seconds_per_gb']:.2f}"
        yield f"| {name} | {series.wall(name):.2f} | {rate:.2f} | {spent} | {shown} |"
    for name, reason in series.failures.items():
        last = reason.splitlines()[-1][:160].replace("|", "/")
        yield f"| {name} | failed: {last} | | | | | | | |"
