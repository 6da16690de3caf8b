"""Origins that are slow on each connection: how near a pull comes to all of them, the time to find out included."""

from bench import ours
from bench.origin import Published, publish, sendfile
from bench.outcome import Goal, Outcome
from bench.plan import MIB, Shape
from bench.rounds import Contender, Series, compete

from . import Bench

_OURS, _CONNECTIONS = "weighbridge", 16


def slow(bench: Bench) -> Outcome:
    """Pull a model of one file from origins that pace each connection."""
    plan, series, goals = bench.plan, dict[str, Series](), list[Goal]()
    for rate in plan.slow_rates:
        size = max(rate * _CONNECTIONS * plan.slow_seconds // MIB, 16)
        model = bench.model(Shape("random", 1, size * MIB))
        with sendfile(bench.cache, rate) as origin:
            published = publish(model, origin.address)
            one = series[f"{rate / 1e6:g} MB/s"] = compete([_pull(published)], model.size, bench.in_memory)
        promise = f"{rate / 1e6:g} MB/s a connection: share of {_CONNECTIONS} of them"
        share = one.rate(_OURS) / (rate * _CONNECTIONS) if one.has(_OURS) else None
        goals.append(Goal(promise, 0.9, share, remark="; ".join(one.failures.values())))
    return Outcome("slow", "Slow origins, default connections, into memory", tuple(goals), series)


def _pull(published: Published) -> Contender:
    return Contender(_OURS, lambda folder: ours.pull(published.reference, folder))
