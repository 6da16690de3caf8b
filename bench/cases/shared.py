"""A volume that many pods share: how soon a cached model is ready, and what eight pods fetch of a new one."""

import shutil
import statistics
from pathlib import Path

from bench import ours
from bench.origin import Published, Sendfile, publish, sendfile
from bench.outcome import Goal, Outcome
from bench.plan import MIB, Shape
from bench.rounds import Contender, Series, compete
from bench.run import Command, RunFailed, start

from . import Bench

_WARM, _PODS, _ALONE = "weighbridge, warm", "weighbridge, 8 pods", "weighbridge, 1 pod"
_FILES, _POD_COUNT = 30, 8
_EACH = 'for pod in $(seq $0); do WEIGHBRIDGE_PULL_DESTINATION="$1/pod-$pod" "$2" -m puller & all="$all $!"; done; \
for pod in $all; do wait $pod || exit 1; done'


def shared(bench: Bench) -> Outcome:
    """Start a pinned model of thirty files from a warm cache; then eight pods at once, on a fresh volume each time."""
    series: dict[str, Series] = {}
    with sendfile(bench.cache) as origin:
        small = publish(bench.model(Shape("bf16", _FILES, MIB)), origin.address)
        series["warm"], sent = _warm(bench, small, origin)
        large = publish(bench.model(Shape("bf16", 1, bench.plan.archive)), origin.address)
        series["pods"], fetched = _pods(bench, large, origin)
    goals = (
        Goal("seconds of a warm start, thirty files", 0.15, series["warm"].wall(_WARM), "s", is_ceiling=True),
        Goal("bytes of a warm start from the registry", 0, sent, "", is_ceiling=True),
        Goal("bytes that eight pods fetch, of the model's", 1.0, fetched, is_ceiling=True),
    )
    return Outcome("shared", "One volume, many pods", goals, series)


def _warm(bench: Bench, published: Published, origin: Sendfile) -> tuple[Series, int]:
    """Fill a cache, then start from it repeatedly; return the series, and the bytes that the origin sent meanwhile."""
    volume = bench.memory / "volume"
    volume.mkdir()
    source = f"oci://{published.reference}@{published.digest}"
    _run(ours.pull(source, volume, cache=volume / "cache"), volume)
    before = origin.sent()
    arms = (Contender(_WARM, lambda folder: ours.pull(source, folder, cache=volume / "cache")),)
    series = compete(arms, published.size, bench.in_memory)
    shutil.rmtree(volume)
    return series, origin.sent() - before


def _pods(bench: Bench, published: Published, origin: Sendfile) -> tuple[Series, float]:
    """Pull in several pods at once; return the series, and what the origin sent a round, in sizes of the model."""
    shares: list[float] = []
    marks = [origin.sent()]

    def note() -> None:
        marks.append(origin.sent())
        shares.append((marks[-1] - marks[-2]) / published.size)

    def forget() -> None:
        marks.append(origin.sent())

    arms = (
        Contender(_ALONE, lambda folder: _at_once(published, folder, 1), after=forget),
        Contender(_PODS, lambda folder: _at_once(published, folder, _POD_COUNT), after=note),
    )
    series = compete(arms, published.size, bench.in_memory)
    return series, round(statistics.median(shares), 4)


def _at_once(published: Published, folder: Path, count: int) -> Command:
    pull = ours.pull(published.reference, folder, cache=folder / "cache")
    return Command(("sh", "-c", _EACH, str(count), str(folder), pull.argv[0]), pull.environ)


def _run(command: Command, folder: Path) -> None:
    with (folder / "log").open("wb") as log:
        if start(command, log.fileno()).wait():
            raise RunFailed((folder / "log").read_text())
