"""A push, beside only sha256 over the same files, and beside only reading, hashing twice and sending."""

import itertools
import sys
from dataclasses import replace

from bench import ours
from bench.origin import sendfile
from bench.outcome import Outcome, ratio
from bench.rounds import Contender, compete
from bench.run import Command

from . import Bench

_OURS, _HASH = "weighbridge push", "hashlib.sha256, one thread"
_BARE = "bare push: read, hash twice, send"
_HASH_ALL = """
import hashlib, sys
for path in sys.argv[1:]:
    with open(path, "rb") as file:
        hashlib.file_digest(file, "sha256")
"""


def pack(bench: Bench) -> Outcome:
    """Push four files to an origin that discards them, each time to an empty repository."""
    model = bench.model(bench.plan.model(4))
    files = tuple(str(file) for file in model.files)
    numbers = itertools.count()
    with sendfile(bench.cache) as origin:
        arms = (
            Contender(
                _OURS, lambda _: ours.push(model.folder, f"{origin.address}/push-{next(numbers)}:v1"), fills=False
            ),
            Contender(_HASH, lambda _: Command((sys.executable, "-c", _HASH_ALL, *files)), fills=False),
            Contender(
                _BARE, lambda _: Command((sys.executable, "-m", "bench.bare_push", origin.address, *files)), fills=False
            ),
        )
        series = compete(arms, model.size, bench.in_memory)
    goal = ratio("speed of push, of sha256 alone", 0.9, series, _OURS, _HASH)
    if series.has(_BARE) and series.has(_HASH):
        goal = replace(goal, remark=f"the {_BARE}: {series.times_faster(_BARE, _HASH):.2f}")
    return Outcome("pack", "Push, hashed and uploaded in one pass", (goal,), {model.name: series})
