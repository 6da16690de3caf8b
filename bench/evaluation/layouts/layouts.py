"""Every row on every link, in interleaved rounds.

1. make the model, and serve it in every layout over TLS
2. on each link, from the unshaped one to the slowest: each row once a round, each round starting with another row
3. compare the digests of all files after every run; a row with other bytes has failed
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path

from bench.evaluation.model import Phi, make_phi
from bench.evaluation.plan import Plan
from bench.evaluation.report.results import Cell, Figures, Section
from bench.evaluation.rounds import Contender, run_rounds
from bench.line import Line, NoLine, namespace
from bench.memory_filler import ON_DISK, MemoryFiller
from bench.run import RunFailed
from tests.parts.build import PartError
from tests.parts.process import NotReadyError

from .origin import Origin, limited, origin
from .rows import MISSING, UNSHAPED, WITH_IMAGE, named, rows
from .run import Row, run


def layouts(plan: Plan, cache: Path, memory: Path, disk: Path) -> Section:
    """Measure all rows on all links; `memory` holds the origin, `disk` gets what is pulled."""
    cells: list[Cell] = []
    failure = ""
    try:
        with ExitStack() as stack:
            line = stack.enter_context(namespace())
            phi = make_phi(plan.shard_bytes, cache, memory / "phi-4")  # 1.
            served = stack.enter_context(origin(plan, phi, memory))
            filler = stack.enter_context(MemoryFiller(phi.size, ON_DISK))
            for name, place in _links(plan, line, served, memory):  # 2.
                with place as reached:
                    every = named(rows(reached, disk / "volume" / name.replace("/", "-")), name)
                    hops = 1 if reached is served else 2  # a forwarder's bytes pass the loopback twice
                    once = partial(_once, phi=phi, folder=disk / "run", hops=hops, filler=filler)
                    ways = [Contender(row.name, row.settings, partial(once, row)) for row in every]
                    found = run_rounds(name, ways, plan.rounds)
                    cells += _grouped(found, every)
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


def _grouped(cells: list[Cell], every: list[Row]) -> list[Cell]:
    """Return the cells of one link in groups by what their rows bring: rivals are only those of a group."""
    for cell, row in zip(cells, every, strict=True):
        cell.group = f"{cell.group}, {row.brings}"
    return sorted(cells, key=lambda cell: not cell.group.endswith(WITH_IMAGE))


def _once(row: Row, phi: Phi, folder: Path, hops: int, filler: MemoryFiller) -> tuple[Figures, str]:
    """Run the row once; a byte passes the loopback `hops` times."""
    figures, command = run(row, folder, phi.digests, phi.size, filler)  # 3.
    return {**figures, "wire_bytes": figures["wire_bytes"] / hops}, command
