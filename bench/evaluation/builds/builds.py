"""The side that builds: a model into an image or an artifact, and what a service's updates cost.

1. make the model before and after its change, the engine's images, and a registry behind TLS
2. build and push the model in each way, from nothing, on an unshaped link; pull it back and compare digests
3. play the update cycle in each way on a line of 1 Gbit/s
"""

import shutil
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from bench.evaluation.layouts.origin import secured_registry
from bench.evaluation.model import make_phi
from bench.evaluation.plan import Plan
from bench.evaluation.report.results import Section
from bench.evaluation.rounds import Contender, run_rounds
from bench.line import NoLine, namespace
from bench.run import RunFailed
from tests.parts.build import PartError
from tests.parts.process import NotReadyError

from . import ways
from .update import SETTINGS, STEPS, Service, make_bases, run_cycle

BUILD, UPDATE = "build and push", "update cycle, 1 Gbit/s"


def builds(plan: Plan, cache: Path, memory: Path, disk: Path) -> Section:
    """Measure both parts; the registry is in `memory`, and what pipelines and nodes store on `disk`."""
    section = Section("builds", rounds=plan.build_rounds)
    if not shutil.which("buildah"):
        section.missing = {"weights in the image, by buildah": "buildah is not on this machine"}
    try:
        with ExitStack() as stack:
            line = stack.enter_context(namespace())  # 1.
            phi, changed = (make_phi(plan.build_shard_bytes, cache, memory / f"phi-4-{one}", one) for one in (1, 2))
            section.size = phi.size
            registry = stack.enter_context(secured_registry(memory / "registry"))
            bases = make_bases(plan.rebuilds + 1, plan.build_base_bytes, memory / "pipeline")
            service = Service(registry, bases, (phi, changed), memory / "pipeline", disk / "node")
            service.push_image(bases[:1], ways.BASE)
            pipeline = ways.Pipeline(registry, phi, disk / "build")
            building = [
                Contender(way.name, way.settings, partial(ways.run, pipeline, way)) for way in ways.ways(pipeline)
            ]
            section.cells += run_rounds(BUILD, building, plan.build_rounds)  # 2.
            line.limit(1)
            updating = [
                Contender(name, SETTINGS[name], partial(run_cycle, service, step)) for name, step in STEPS.items()
            ]
            section.cells += run_rounds(UPDATE, updating, 1)  # 3.
    except (NoLine, PartError, RunFailed, NotReadyError) as error:
        section.failure = str(error)
    return section
