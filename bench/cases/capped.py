"""An origin that limits the rate of each connection, as object stores do."""

from dataclasses import replace

from bench import ours
from bench.origin import Published, publish, sendfile
from bench.outcome import Goal, Outcome, ratio
from bench.peers import bare, peers_here
from bench.rounds import Contender, Series, compete

from . import Bench

_CONNECTIONS = (4, 8, 16)
_LINE = "line: bare loop x16, no cap"
_BARE = {count: f"bare loop x{count}" for count in _CONNECTIONS}
_LAYER_PARALLEL = ("oras pull", "crane pull", "skopeo copy oci:", "curl alone (unverified)")


def capped(bench: Bench) -> Outcome:
    """Pull a model of one file over 4, 8 and 16 connections, beside a tool that parallelises only over layers.

    The bare loop runs under the same limit: pacing costs the kernel time, and that loop shows the achievable rate.
    """
    plan = bench.plan
    model = bench.model(plan.model(1))
    with sendfile(bench.cache, plan.capped_rate) as slow, sendfile(bench.cache) as free:
        published, unbound = publish(model, slow.address), publish(model, free.address)
        arms, _ = peers_here(published)
        peer = next(arm for name in _LAYER_PARALLEL for arm in arms if arm.name == name)
        line = Contender(_LINE, lambda folder: bare(unbound, folder, 16))
        loops = (_bare(published, count) for count in _CONNECTIONS)
        contestants = (*(_ours(published, count) for count in _CONNECTIONS), *loops, line, peer)
        series = compete(contestants, model.size, bench.in_memory)
    goals = (
        *(_share(series, count, plan.capped_rate) for count in _CONNECTIONS),
        ratio(f"faster than {peer.name}, on one blob", 7.0, series, _name(16), peer.name),
    )
    title = f"Origin capped at {plan.capped_rate / 1e6:.0f} MB/s a connection, into memory"
    return Outcome("capped", title, goals, {model.name: series})


def _name(count: int) -> str:
    return f"weighbridge x{count}"


def _ours(published: Published, count: int) -> Contender:
    return Contender(_name(count), lambda folder: ours.pull(published.reference, folder, connections=count))


def _bare(published: Published, count: int) -> Contender:
    return Contender(_BARE[count], lambda folder: bare(published, folder, count))


def _share(series: Series, count: int, rate: int) -> Goal:
    promise = f"x{count}: share of min({count} x {rate / 1e6:.0f} MB/s, line)"
    if not (series.has(_name(count)) and series.has(_LINE)):
        return Goal(promise, 0.9, None, remark="; ".join(series.failures.values()))
    most = min(count * rate, series.rate(_LINE))
    goal = Goal(promise, 0.9, series.rate(_name(count)) / most)
    if not series.has(_BARE[count]):
        return goal
    return replace(goal, remark=f"the {_BARE[count]} behind the same cap: {series.rate(_BARE[count]) / most:.3f}")
