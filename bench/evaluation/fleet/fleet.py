"""A fleet that starts at one moment, on an origin of 1 Gbit/s.

1. make a bridge, and an origin on a line of its own with the model in it
2. for each size of fleet: every way once a round, each round starting with another way
3. compare the digests of all pods' files, and count what the origin sent
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.evaluation.model import Phi, make_phi
from bench.evaluation.plan import Plan
from bench.evaluation.report.results import Figures, Section
from bench.evaluation.rounds import Contender, run_rounds
from bench.origin import distribution, publish
from bench.run import RunFailed
from tests.cluster.requirements import missing
from tests.parts.build import PartError
from tests.parts.process import NotReadyError

from .hosts import network, server
from .slices import has_nginx
from .ways import MISSING, SETTINGS, SLICES, WAYS, Stage

_ORIGIN_RATE = "1gbit"


def fleet(plan: Plan, cache: Path, memory: Path, _disk: Path) -> Section:
    """Measure every way for each size of fleet; volumes and registries are in `memory`."""
    absent = MISSING if has_nginx() else MISSING | {SLICES: "nginx is not on this machine"}
    section = Section("fleet", missing=absent, failure=missing(), rounds=plan.rounds)
    if section.failure:
        return section
    try:
        phi = make_phi(plan.fleet_shard_bytes, cache, memory / "phi-4")
        section.size = phi.size
        with _stage(phi, memory) as stage:
            for number, pods in enumerate(plan.pullers):
                rounds = 1 if number else plan.rounds  # the large one takes minutes, and says how it grows
                ways = [_contender(name, stage, pods) for name in WAYS if name != SLICES or has_nginx()]
                section.cells += run_rounds(f"{pods} pods", ways, rounds)  # 2.
    except (PartError, RunFailed, NotReadyError) as error:
        section.failure = str(error)
    return section


@contextmanager
def _stage(phi: Phi, memory: Path) -> Iterator[Stage]:
    with distribution(memory / "origin") as plain:  # 1.
        if plain is None:
            raise RunFailed("CNCF distribution could not be had")
        published = publish(phi.as_model, plain)
    with (
        network(memory / "network") as bridge,
        bridge.host(_ORIGIN_RATE) as host,
        server(host, memory / "origin" / "storage", memory / "server") as origin,
    ):
        reference = published.reference.replace(plain, origin.address)
        yield Stage(bridge, origin, reference, phi, memory / "fleet")


def _contender(name: str, stage: Stage, pods: int) -> Contender:
    def once() -> tuple[Figures, str]:
        return WAYS[name](stage, pods), ""  # 3.

    return Contender(name, SETTINGS[name], once)
