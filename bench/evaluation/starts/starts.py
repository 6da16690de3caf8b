"""Pods on a node: from their creation to an engine that has touched all its tensors, cold and then warm.

1. fill a registry with the engine's image, and one with the model
2. for each link bring up a cluster of one node, both registries behind TLS, and our install
3. each way once a round: a cold start, on a node without the engine's image and the weights; and a second one after it
4. compare the digests that the engine counted, and have the node forget images and weights
"""

import json
from functools import partial
from pathlib import Path

from bench.evaluation.model import make_phi
from bench.evaluation.plan import Plan
from bench.evaluation.report.results import Cell, Figures, Section
from bench.evaluation.rounds import Contender, run_rounds
from bench.memory_filler import ON_DISK, MemoryFiller
from bench.run import RunFailed
from tests.cluster.cluster import Cluster, CommandFailed
from tests.cluster.requirements import missing
from tests.cluster.scenarios.pods.timeline import created_seconds
from tests.parts.build import PartError
from tests.parts.process import NotReadyError

from .pods import STARTS
from .stage import NAMESPACE, Stage, fill, links, stage

COLD, WARM = "cold", "warm"
_SECONDS = 180
_LAST_WORDS = 2000
_ENDED = '{.status.containerStatuses[?(@.name=="engine")].state.terminated.reason}=Completed'


def starts(plan: Plan, cache: Path, memory: Path, disk: Path) -> Section:
    """Measure all ways to start; registries are in `memory`, and the node's disk is on `disk`."""
    section = Section("starts", failure=missing(), rounds=plan.start_rounds)
    if section.failure:
        return section
    try:
        phi = make_phi(plan.start_shard_bytes, cache, memory / "phi-4")
        section.size = phi.size
        artifacts = fill(plan, phi, memory)  # 1.
        for link in links(plan):
            filler = MemoryFiller(phi.size, ON_DISK)
            with stage(link, phi, artifacts, memory, disk) as ready, filler:  # 2.
                warm = {name: Cell(f"{WARM}, {link.name}", name, start.settings) for name, start in STARTS.items()}
                ways = [
                    Contender(name, STARTS[name].settings, partial(_both, ready, filler, warm[name])) for name in STARTS
                ]
                section.cells += run_rounds(f"{COLD}, {link.name}", ways, plan.start_rounds)  # 3.
                section.cells += warm.values()
    except (PartError, NotReadyError, CommandFailed, RunFailed) as error:
        section.failure = str(error)
    return section


def _both(stage: Stage, filler: MemoryFiller, warm: Cell) -> tuple[Figures, str]:
    """Start a pod cold and, when it is gone, a second one; return the first one's figures."""
    try:
        first = _start(stage, filler, warm.row)
        warm.runs.append(_start(stage, filler, warm.row))
    except CommandFailed as error:
        stage.cluster.tried(
            "-n", NAMESPACE, "delete", "pod", "engine", "--ignore-not-found", "--grace-period=0", "--force"
        )
        warm.failure = "its cold start failed"
        raise RunFailed(str(error)) from None
    finally:
        stage.forget()  # 4.
    return first, json.dumps(STARTS[warm.row].pod(stage.sources))


def _start(stage: Stage, filler: MemoryFiller, way: str) -> Figures:
    """Start a pod, and return what it took; the pod is gone afterwards."""
    cluster, before = stage.cluster, stage.sent_bytes()
    filler.fill()
    cluster.apply(STARTS[way].pod(stage.sources), namespace=NAMESPACE)
    _await_end(cluster, way)
    report = json.loads(cluster.kubectl("-n", NAMESPACE, "logs", "engine", "-c", "engine"))
    created = created_seconds(cluster, cluster.read("pod", "engine", "-n", NAMESPACE))
    sent = stage.sent_bytes() - before
    cluster.kubectl("-n", NAMESPACE, "delete", "pod", "engine", "--wait", "--timeout=60s")
    if report["digests"] != stage.phi.digests:
        raise RunFailed(f"{way}: the engine found other bytes than the model's: {report['digests']}")
    return {
        "created_to_ready_seconds": report["ready"] - created,
        "ready_to_touched_seconds": report["touched"] - report["ready"],
        "start_seconds": report["touched"] - created,
        "wire_bytes": sent,
    }


def _await_end(cluster: Cluster, way: str) -> None:
    """Wait for the engine's end by one watch: a program that asks again and again takes a core from the pull."""
    try:
        cluster.kubectl("-n", NAMESPACE, "wait", "pod/engine", f"--for=jsonpath={_ENDED}", f"--timeout={_SECONDS}s")
    except CommandFailed as error:
        told = cluster.kubectl("-n", NAMESPACE, "describe", "pod", "engine")[-_LAST_WORDS:]
        raise CommandFailed(f"{way}: {error}\n{told}") from None
