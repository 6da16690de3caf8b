"""A line of 1 and of 4 Gbit/s: the share that a pull uses, and how soon after the last byte the model is ready."""

import statistics
from collections.abc import Callable
from pathlib import Path

from bench import ours
from bench.line import NoLine, namespace
from bench.origin import Published, Sendfile, publish, sendfile
from bench.outcome import Goal, Outcome
from bench.peers import curl
from bench.rounds import Contender, Series, compete
from bench.run import Command

from . import Bench

_OURS, _CURL = "weighbridge", "curl alone (unverified)"
_FILL, _READY = "share of the line, verify and write included", "seconds from the last byte to the end of the process"


def shaped(bench: Bench) -> Outcome:
    """Pull a model of four files over a shaped loopback, beside curl."""
    title = "Shaped line, into memory"
    series: dict[str, Series] = {}
    goals: list[Goal] = []
    try:
        with namespace() as line, sendfile(bench.cache) as origin:
            published = publish(bench.model(bench.plan.model(4)), origin.address)
            for gigabits in bench.plan.line_gigabits:
                line.limit(gigabits)
                name = f"{gigabits} Gbit/s"
                series[name], ready = _race(bench, published, origin)
                goals += _goals(name, series[name], gigabits, ready)
    except NoLine as error:
        goals = [Goal(_FILL, 0.97, None, remark=str(error)), Goal(_READY, 0.3, None, "s", remark=str(error))]
    return Outcome("shaped", title, tuple(goals), series)


def _race(bench: Bench, published: Published, origin: Sendfile) -> tuple[Series, list[float]]:
    """Compete; after each pull of ours, ask the origin when it sent its last byte."""
    last_bytes: list[float] = []

    def note() -> None:
        last_bytes.append(origin.last_byte())

    arms = (Contender(_OURS, _pull(published), after=note), Contender(_CURL, lambda folder: curl(published, folder)))
    series = compete(arms, published.size, bench.in_memory)
    if not series.has(_OURS):
        return series, []
    runs = series.runs[_OURS]
    return series, [run.finished - last for run, last in zip(runs, last_bytes, strict=True)]


def _pull(published: Published) -> Callable[[Path], Command]:
    return lambda folder: ours.pull(published.reference, folder)


def _goals(name: str, series: Series, gigabits: int, ready: list[float]) -> tuple[Goal, ...]:
    if not ready:
        return (Goal(f"{name}: {_FILL}", 0.97, None, remark=series.failures[_OURS]),)
    wire = series.median(_OURS, lambda run: run.wire)
    curl_share = f"; curl: {_share(series, _CURL, gigabits):.3f}" if series.has(_CURL) else ""
    return (
        Goal(
            f"{name}: {_FILL}",
            0.97,
            _share(series, _OURS, gigabits),
            remark=f"from the start of the process; headers are {wire / series.size - 1:.1%} of the wire{curl_share}",
        ),
        Goal(f"{name}: {_READY}", 0.3, statistics.median(ready), "s", is_ceiling=True),
    )


def _share(series: Series, name: str, gigabits: int) -> float:
    return series.rate(name) * 8 / (gigabits * 1e9)
