"""Every row on every link, in interleaved rounds.

1. make the model, and serve it in every layout over TLS
2. on each link, from the unshaped one to the slowest: each row once a round, each round starting with another row
3. compare the digests of all files after every run; a row with other bytes has failed
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.evaluation.model import Phi, make_phi
from bench.evaluation.plan import Plan
from bench.evaluation.report.results import Cell, Section
from bench.line import Line, NoLine, namespace
from bench.run import RunFailed
from tests.parts.build import PartError
from tests.parts.process import NotReadyError

from .origin import Origin, limited, origin
from .rows import MISSING, named, rows
from .run import Row, run

UNSHAPED = "unshaped"


def layouts(plan: Plan, cache: Path, memory: Path, disk: Path) -> Section:
    """Measure all rows on all links; `memory` holds the origin, `disk` gets what is pulled."""
    cells: list[Cell] = []
    failure = ""
    try:
        with ExitStack() as stack:
            line = stack.enter_context(namespace())
            phi = make_phi(plan.shard_bytes, cache, memory / "phi-4")  # 1.
            served = stack.enter_context(origin(plan, phi, memory))
            for name, place in _links(plan, line, served, memory):  # 2.
                sys.stderr.write(f"layouts, {name}\n")
                with place as reached:
                    every = named(rows(reached, disk / "volume" / name.replace("/", "-")), name)
                    hops = 1 if reached is served else 2  # a forwarder's bytes pass the loopback twice
                    cells += _rounds(every, _Stage(name, hops, plan.rounds, phi, disk / "run"))
    except (NoLine, PartError, RunFailed, NotReadyError) as error:
        failure = str(error)
    size = phi.size if cells else 0
    return Section("layouts", cells, missing=MISSING, failure=failure, size=size, rounds=plan.rounds)


def _links(
    plan: Plan, line: Line, served: Origin, folder: Path
) -> Iterator[tuple[str, AbstractContextManager[Origin]]]:
    yield UNSHAPED, _plain(served)
    megabytes = plan.capped_bytes_per_second // 1_000_000
    yield f"{megabytes} MB/s a connection", limited(served, plan.capped_bytes_per_second, folder / "limited")
    for gigabits in plan.gigabits:
        line.limit(gigabits)
        yield f"{gigabits} Gbit/s", _plain(served)


@contextmanager
def _plain(served: Origin) -> Iterator[Origin]:
    yield served


@dataclass(frozen=True, slots=True)
class _Stage:
    """What the runs on one link have in common."""

    link: str
    hops: int
    """How often a byte passes the loopback."""

    rounds: int
    phi: Phi
    folder: Path


def _rounds(every: Sequence[Row], stage: _Stage) -> list[Cell]:
    """Run each row once a round; a row that fails is not run again."""
    cells = {row.name: Cell(stage.link, row.name, row.settings) for row in every}
    for number in range(stage.rounds):
        turn = number * len(every) // stage.rounds
        for row in (*every[turn:], *every[:turn]):
            cell = cells[row.name]
            if cell.failure:
                continue
            try:
                taken, cell.command = run(row, stage.folder, stage.phi.digests, stage.phi.size)  # 3.
                cell.runs.append({**taken, "wire_bytes": taken["wire_bytes"] / stage.hops})
                sys.stderr.write(f"  {row.name}: {taken['wall_seconds']:.2f} s\n")
            except (RunFailed, PartError, NotReadyError) as error:
                cell.failure = str(error)
                sys.stderr.write(f"  {row.name} failed: {error}\n")
    return list(cells.values())
