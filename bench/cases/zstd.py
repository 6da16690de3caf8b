"""Weights compressed with zstd: what that saves on a line of 1 Gbit/s, and how unpacking uses cores."""

import os
import shutil
from pathlib import Path

from bench import ours
from bench.line import NoLine, namespace
from bench.origin import distribution, publish, push_model
from bench.outcome import Goal, Outcome, ratio
from bench.rounds import Contender, Series, compete
from bench.run import Command

from . import Bench

_RAW, _ZSTD = "weighbridge, raw", "weighbridge, zstd"
_ONE, _TWO = "weighbridge, zstd, on one core", "weighbridge, zstd, on two cores"
_LINE, _CORES = "faster than raw at 1 Gbit/s", "two cores, of the speed of one"


def zstd(bench: Bench) -> Outcome:
    """Pull one model raw and compressed over a shaped line; and compressed from memory, on one core and on two."""
    series: dict[str, Series] = {}
    goals = [_over_a_line(bench, series), _on_cores(bench, series)]
    return Outcome("zstd", "Behind zstd", tuple(goals), series)


def _over_a_line(bench: Bench, series: dict[str, Series]) -> Goal:
    model = bench.model(bench.plan.model(4))
    try:
        with namespace() as line, distribution(bench.memory / "registry") as address:
            if address is None:
                return Goal(_LINE, 1.25, None, remark="CNCF distribution could not be had")
            raw, packed = publish(model, address), publish(model, address, "zstd")
            line.limit(1)
            arms = (
                Contender(_RAW, lambda folder: ours.pull(raw.reference, folder)),
                Contender(_ZSTD, lambda folder: ours.pull(packed.reference, folder)),
            )
            series["1 Gbit/s"] = compete(arms, model.size, bench.in_memory)
    except NoLine as error:
        return Goal(_LINE, 1.25, None, remark=str(error))
    return ratio(_LINE, 1.25, series["1 Gbit/s"], _ZSTD, _RAW)


def _on_cores(bench: Bench, series: dict[str, Series]) -> Goal:
    if (os.cpu_count() or 1) < 2 or not shutil.which("taskset"):
        return Goal(_CORES, 1.6, None, remark="needs two cores, and taskset of util-linux")
    model = bench.model(bench.plan.model(4))
    source = f"layout://{bench.memory / 'layout'}:v1"
    push_model(model, source, "zstd")

    def arm(name: str, cores: str) -> Contender:
        def command(folder: Path) -> Command:
            pull = ours.pull(source, folder)
            return Command(("taskset", "-c", cores, *pull.argv), pull.environ)

        return Contender(name, command)

    series["from memory"] = compete((arm(_ONE, "0"), arm(_TWO, "0,1")), model.size, bench.in_memory)
    shutil.rmtree(bench.memory / "layout")
    return ratio(_CORES, 1.6, series["from memory"], _TWO, _ONE)
