"""Whether a server finds its weights in memory: right after a pull to disk, inside limits above and below the model."""

import json
import shutil
import statistics
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bench import ours
from bench.memory import Limit, NoLimit, limit
from bench.origin import Published, publish, sendfile
from bench.outcome import Goal, Outcome
from bench.run import Command, RunFailed, start

from . import Bench

_ABOVE, _BELOW = 1.5, 0.5
"""The limits, of the model's size."""


@dataclass(slots=True)
class Touches:
    """The shares of resident pages, and the seconds of the first touch, of several runs."""

    resident: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def add(self, folder: Path, *options: str) -> None:
        """Touch a model in a process of its own."""
        command = (sys.executable, "-m", "bench.touch", str(folder), *options)
        found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        self.resident.append(found["resident"])
        self.seconds.append(found["seconds"])


def warm(bench: Bench) -> Outcome:
    """Pull a model of four files to disk, as a pod with more memory than the model, and as one with less."""
    title, model = "The server's first touch, after a pull to disk", bench.model(bench.plan.model(4))
    above, below, cold = Touches(), Touches(), Touches()
    try:
        with ExitStack() as stack:
            published = publish(model, stack.enter_context(sendfile(bench.cache)).address)
            for _ in range(bench.plan.rounds):
                with limit(int(model.size * _ABOVE) + (256 << 20)) as group:
                    folder = _pull(bench, published, group)
                    above.add(folder)
                    cold.add(folder, "--cold")
                with limit(int(model.size * _BELOW) + (128 << 20)) as group:
                    below.add(_pull(bench, published, group))
    except (NoLimit, RunFailed) as error:
        return Outcome("warm", title, (Goal("share of resident pages", 0.95, None, remark=str(error)),), {})
    finally:
        shutil.rmtree(bench.on_disk.scratch, ignore_errors=True)
    middle = statistics.median
    slower = middle(slow / quick for slow, quick in zip(cold.seconds, above.seconds, strict=True))
    remark = f"first touch of all tensors {middle(above.seconds):.2f} s, from a cold disk {middle(cold.seconds):.2f} s"
    goals = (
        Goal(f"share of resident pages, limit {_ABOVE} of the model", 0.95, middle(above.resident), remark=remark),
        Goal("the first touch is faster than a cold one", 1.0, slower),
        Goal(f"share of resident pages, limit {_BELOW} of the model", _BELOW * 0.8, middle(below.resident)),
    )
    return Outcome("warm", title, goals, {})


def _pull(bench: Bench, published: Published, group: Limit) -> Path:
    """Pull to disk within a group's memory; return the model's folder."""
    folder = bench.on_disk.scratch / "warm"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    command: Command = group.within(ours.pull(published.reference, folder))
    puller = start(command, subprocess.PIPE)
    said = puller.communicate()[0].decode(errors="replace")
    if puller.returncode:
        raise RunFailed(said[-2000:])
    return folder / "model"
