"""Memory: how much a pull needs, whether that grows with the model, and whether a tight limit is enough."""

from pathlib import Path

from bench import ours
from bench.memory import NoLimit, limit
from bench.origin import Published, publish, sendfile
from bench.outcome import Goal, Outcome
from bench.plan import MIB, Shape
from bench.rounds import Contender, Series, compete
from bench.run import Command

from . import Bench

_ALLOWED = 64 * MIB + 2 * MIB * ours.CONNECTIONS
_LIMIT = 128 * MIB
_OURS, _TIGHT = "weighbridge", "weighbridge in 128 MiB"


def frugal(bench: Bench) -> Outcome:
    """Pull a large and a small model to disk, the large one also inside a control group."""
    large, small = bench.model(bench.plan.model(1)), bench.model(Shape("bf16", 1, bench.plan.archive))
    with sendfile(bench.cache) as origin:
        published = publish(large, origin.address)
        series, remark = _large(bench, published)
        little = publish(small, origin.address)
        other = compete([_ours(little)], small.size, bench.on_disk)
    goals = (
        Goal("peak memory of the large model", _ALLOWED / MIB, _peak(series, _OURS), "MiB", is_ceiling=True),
        _growth(series, other),
        _tight(series, remark),
    )
    return Outcome("frugal", "Memory, to disk", goals, {large.name: series, small.name: other})


def _large(bench: Bench, published: Published) -> tuple[Series, str]:
    """Compete with and without the limit; return the series, and the reason if there is no limit."""
    try:
        with limit(_LIMIT) as group:

            def tight(folder: Path) -> Command:
                return group.within(ours.pull(published.reference, folder))

            arms = [_ours(published), Contender(_TIGHT, tight)]
            return compete(arms, published.size, bench.on_disk), ""
    except NoLimit as error:
        return compete([_ours(published)], published.size, bench.on_disk), str(error)


def _ours(published: Published) -> Contender:
    return Contender(_OURS, lambda folder: ours.pull(published.reference, folder))


def _peak(series: Series, name: str) -> float | None:
    return series.median(name, lambda run: run.peak_rss) / MIB if series.has(name) else None


def _growth(large: Series, small: Series) -> Goal:
    promise = "peak memory of the large model, of the small one's"
    more, less = _peak(large, _OURS), _peak(small, _OURS)
    return Goal(promise, 1.1, more / less if more and less else None, is_ceiling=True)


def _tight(series: Series, remark: str) -> Goal:
    promise = "speed inside a limit of 128 MiB, of the speed without"
    if not (series.has(_TIGHT) and series.has(_OURS)):
        return Goal(promise, 0.8, None, remark=remark or "; ".join(series.failures.values()))
    return Goal(promise, 0.8, series.times_faster(_TIGHT, _OURS))
