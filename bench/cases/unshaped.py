"""An unshaped loopback, raw, verified: beside curl, every installed peer, and the roofline."""

import statistics
from dataclasses import replace

from bench import ours
from bench.origin import Published, distribution, publish, sendfile
from bench.outcome import Goal, Outcome, cores_allow, ratio
from bench.peers import CURL, CURL_OPENSSL, HF_TRANSFER, VERIFYING, bare, peers_here
from bench.rounds import Contender, Series, compete

from . import Bench

OURS = "weighbridge"
_BARE = {count: f"bare loop x{count}" for count in (2, 4, 16)}


def unshaped(bench: Bench) -> Outcome:
    """Pull models of one, four and sixteen files from a real registry into memory."""
    series: dict[str, Series] = {}
    missing: list[str] = []
    with distribution(bench.memory / "registry") as real, sendfile(bench.cache) as cheap:
        for count in (1, 4, 16):
            model = bench.model(bench.plan.model(count))
            published = publish(model, real or cheap.address)
            arms, missing = peers_here(published)
            contestants = [_ours(published), *(_bare(published, threads) for threads in _BARE), *arms]
            series[model.name] = compete(contestants, published.size, bench.in_memory)
    goals = tuple(goal for name, one in series.items() for goal in _goals(name, one))
    origin = "CNCF distribution" if real else "the sendfile origin: CNCF distribution could not be had"
    return Outcome("unshaped", f"Unshaped loopback, from {origin}, into memory", goals, series, tuple(missing))


def _ours(published: Published) -> Contender:
    return Contender(OURS, lambda folder: ours.pull(published.reference, folder))


def _bare(published: Published, threads: int) -> Contender:
    return Contender(_BARE[threads], lambda folder: bare(published, folder, threads))


def _goals(name: str, series: Series) -> tuple[Goal, ...]:
    if not series.has(OURS):
        return (Goal(f"{name}: pulled", 1, None, remark=series.failures[OURS]),)
    best = min((peer for peer in VERIFYING if series.has(peer)), key=series.wall)
    roof = min((loop for loop in _BARE.values() if series.has(loop)), key=series.wall)
    wanted = 2.0 if "-1x" in name else 1.5
    races = (
        ("curl alone", 1.2, CURL),
        ("curl, then openssl dgst", 2.0, CURL_OPENSSL),
        (f"the best verifying peer, {best}", wanted, best),
        ("hf_transfer, unverified", 1.5, HF_TRANSFER),
    )
    return (
        *(_race(f"{name}: faster than {whom}", least, series, peer, roof) for whom, least, peer in races),
        ratio(f"{name}: share of the {roof}", 0.85, series, OURS, roof),
        _disk(name, series),
    )


def _race(promise: str, wanted: float, series: Series, peer: str, roof: str) -> Goal:
    """Return the goal of a multiple of a peer's speed; its remark has the bare loop's, and the most on these cores."""
    goal = ratio(promise, wanted, series, OURS, peer)
    if goal.measured is None:
        return goal
    reached = series.times_faster(roof, peer)
    return replace(goal, remark=f"the {roof}: {reached:.2f}; {cores_allow(series, (OURS, roof), peer)}")


def _disk(name: str, series: Series) -> Goal:
    """Return the goal that the disk holds no more than the model's size: nothing is written twice."""
    peak = statistics.median(run.peak_disk for run in series.runs[OURS]) / series.size
    return Goal(f"{name}: peak disk, of the model's size", 1.01, peak, is_ceiling=True)
