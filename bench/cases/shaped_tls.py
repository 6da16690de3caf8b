"""A line of 1 and of 4 Gbit/s with TLS on it: the share that a pull uses, beside curl."""

from bench import ours
from bench.line import NoLine, namespace
from bench.origin import publish, tls_distribution
from bench.outcome import Goal, Outcome
from bench.peers import CURL, curl
from bench.rounds import Contender, Series, compete

from . import Bench

_OURS = "weighbridge"
_FILL = "share of the line, TLS, verify and write included"


def shaped_tls(bench: Bench) -> Outcome:
    """Pull a model of four files over TLS on a shaped loopback."""
    title, series, goals = "Shaped line with TLS, into memory", dict[str, Series](), list[Goal]()
    model = bench.model(bench.plan.model(4))
    try:
        with namespace() as line, tls_distribution(bench.memory / "shaped-tls") as registry:
            if registry is None:
                reason = "CNCF distribution could not be had"
                return Outcome("shaped_tls", title, (Goal(_FILL, 0.97, None, remark=reason),), series)
            published = registry.secured(publish(model, registry.plain_address))
            arms = (
                Contender(_OURS, lambda folder: ours.pull(published.reference, folder, hosts=registry.hosts)),
                Contender(CURL, lambda folder: curl(published, folder, registry.certificate)),
            )
            for gigabits in bench.plan.line_gigabits:
                line.limit(gigabits)
                one = series[f"{gigabits} Gbit/s"] = compete(arms, model.size, bench.in_memory)
                goals.append(_goal(one, gigabits))
    except NoLine as error:
        goals = [Goal(_FILL, 0.97, None, remark=str(error))]
    return Outcome("shaped_tls", title, tuple(goals), series)


def _goal(series: Series, gigabits: int) -> Goal:
    promise = f"{gigabits} Gbit/s: {_FILL}"
    if not series.has(_OURS):
        return Goal(promise, 0.97, None, remark=series.failures[_OURS])
    shares = {name: series.rate(name) * 8 / (gigabits * 1e9) for name in (_OURS, CURL) if series.has(name)}
    beside = f"; curl: {shares[CURL]:.3f}" if CURL in shares else ""
    wire = series.median(_OURS, lambda run: run.wire) / series.size - 1
    return Goal(promise, 0.97, shares[_OURS], remark=f"headers and records are {wire:.1%} of the wire{beside}")
