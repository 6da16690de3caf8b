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
from bench.run import RunFailed
from tests.cluster.cluster import CommandFailed
from tests.cluster.requirements import missing
from tests.cluster.scenarios.pods.timeline import created_seconds
from tests.parts.build import PartError
from tests.parts.process import NotReadyError

from .pods import STARTS
from .stage import NAMESPACE, Stage, fill, links, stage

COLD, WARM = "cold", "warm"
_SECONDS = 180


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
            with stage(link, phi, artifacts, memory, disk) as ready:  # 2.
                warm = {name: Cell(f"{WARM}, {link.name}", name, start.settings) for name, start in STARTS.items()}
                ways = [Contender(name, STARTS[name].settings, partial(_both, ready, warm[name])) for name in STARTS]
                section.cells += run_rounds(f"{COLD}, {link.name}", ways, plan.start_rounds)  # 3.
                section.cells += warm.values()
    except (PartError, NotReadyError, CommandFailed, RunFailed) as error:
        section.failure = str(error)
    return section


def _both(stage: Stage, warm: Cell) -> tuple[Figures, str]:
    """Start a pod cold and, when it is gone, a second one; return the first one's figures."""
    try:
        first = _start(stage, warm.row)
        warm.runs.append(_start(stage, warm.row))
    except CommandFailed as error:
        stage.cluster.tried(
            "-n", NAMESPACE, "delete", "pod", "engine", "--ignore-not-found", "--grace-period=0", "--force"
        )
        warm.failure = "its cold start failed"
        raise RunFailed(str(error)) from None
    finally:
        stage.forget()  # 4.
    return first, json.dumps(STARTS[warm.row].pod(stage.sources))


def _start(stage: Stage, way: str) -> Figures:
    """Start a pod, and return what it took; the pod is gone afterwards."""
    cluster, before = stage.cluster, stage.sent_bytes()
    cluster.apply(STARTS[way].pod(stage.sources), namespace=NAMESPACE)
    logs = ("-n", NAMESPACE, "logs", "engine", "-c", "engine")

    def reported() -> str:
        phase = cluster.tried("-n", NAMESPACE, "get", "pod", "engine", "-o", "jsonpath={.status.phase}")
        if phase == "Failed":
            raise CommandFailed(f"{way}: {cluster.kubectl('-n', NAMESPACE, 'describe', 'pod', 'engine')[-2000:]}")
        return cluster.tried(*logs).strip()

    report = json.loads(cluster.wait(f"{way}: the engine's report", reported, _SECONDS))
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
