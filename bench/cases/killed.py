"""`kill -9` at random instants: what is visible afterwards, and how much the next pull fetches again."""

import hashlib
import random
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from bench import ours
from bench.corpus import Model
from bench.origin import Published, Sendfile, publish, sendfile
from bench.outcome import Goal, Outcome
from bench.plan import MIB, Shape
from bench.run import start

from . import Bench

_CONNECTIONS = 4
_SEED = 20
_EARLIEST_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class _Try:
    """One pull that was killed, and the one after it."""

    refetched: int
    """Bytes that the origin sent beyond the model's size, including those in flight at the kill."""

    was_partly_visible: bool
    """Whether the kill left something under the model's name that was not the whole model."""

    is_right: bool


def killed(bench: Bench) -> Outcome:
    """Kill pulls from a capped origin, pull again, and compare every byte."""
    model = bench.model(Shape("bf16", 1, bench.plan.archive))
    instants = random.Random(_SEED)  # noqa: S311 - any instants will do, and the same ones again
    with sendfile(bench.cache, bench.plan.capped_rate) as origin:
        published = publish(model, origin.address)
        folder = bench.memory / "killed"
        undisturbed = _pull(published, folder, None)
        latest = max(undisturbed, 2 * _EARLIEST_SECONDS)
        tries = [
            _try(origin, published, model, folder, instants.uniform(_EARLIEST_SECONDS, latest))
            for _ in range(bench.plan.kills)
        ]
    allowed = _CONNECTIONS * ours.PIECE_BYTES / MIB
    worst = max(one.refetched for one in tries) / MIB
    goals = (
        Goal("most that was fetched again", allowed, worst, "MiB", is_ceiling=True, remark=f"{len(tries)} kills"),
        Goal(
            "models partly visible after a kill", 0, sum(one.was_partly_visible for one in tries), "", is_ceiling=True
        ),
        Goal("models that were wrong in the end", 0, sum(not one.is_right for one in tries), "", is_ceiling=True),
    )
    return Outcome("killed", f"kill -9 at {len(tries)} random instants, {_CONNECTIONS} connections", goals, {})


def _try(origin: Sendfile, published: Published, model: Model, folder: Path, instant: float) -> _Try:
    before = origin.sent()
    _pull(published, folder, instant)
    was_partly_visible = (folder / "model").exists() and not _is_right(folder, model, published)
    _pull(published, folder, None, is_fresh=False)
    refetched = origin.sent() - before - published.size
    return _Try(refetched, was_partly_visible, _is_right(folder, model, published))


def _pull(published: Published, folder: Path, instant: float | None, *, is_fresh: bool = True) -> float:
    """Pull, killed at `instant` if there is one; return the seconds."""
    if is_fresh:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    command = ours.pull(published.reference, folder, connections=_CONNECTIONS)
    with folder.with_suffix(".log").open("wb") as log:
        began = time.monotonic()
        child = start(command, log.fileno())
        try:
            child.wait(instant)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    return time.monotonic() - began


def _is_right(folder: Path, model: Model, published: Published) -> bool:
    try:
        with (folder / "model" / model.files[0].name).open("rb") as file:
            return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}" == published.files[0].digest
    except OSError:
        return False
