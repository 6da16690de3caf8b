"""From a review to its answer, for pods and for workloads."""

from collections.abc import Iterator
from dataclasses import dataclass

from registry.errors import Fault

from .catalog import Catalog
from .contract import warnings
from .injection.inject import Skip, inject
from .injection.workloads import TEMPLATES, propagate, template_of
from .patch import diff
from .pod.podspec import Raw
from .review import Review, allow, deny
from .settings import Settings


@dataclass(frozen=True, slots=True)
class Decision:
    """An answer, and the stable code of what was decided: for the log."""

    code: str
    answer: Raw


def admit_pod(review: Review, catalog: Catalog, settings: Settings) -> Decision:
    """Return a labelled pod its model, let another pass, refuse one that asks for what cannot be."""
    try:
        outcome = inject(review.obj, catalog, settings)
    except Fault as fault:
        return Decision(fault.code, deny(review, fault))
    if isinstance(outcome, Skip):
        return Decision(outcome.code, allow(review, []))
    return Decision("injected", allow(review, diff(review.obj, outcome.pod), warnings(review.obj)))


def admit_workload(review: Review, catalog: Catalog, settings: Settings) -> Decision:
    """Copy a workload's keys into its template; never refuse one, but foretell that its pods will be."""
    if review.kind not in TEMPLATES:
        return Decision("other-kind", allow(review, []))
    outcome = propagate(review.kind, review.obj, review.old_object)
    operations = diff(review.obj, outcome.workload)
    pod = template_of(outcome.workload, TEMPLATES[review.kind])
    said = (*outcome.warnings, *warnings(review.obj, pod), *_forecast(pod, catalog, settings))
    return Decision("propagated" if operations else "unchanged", allow(review, operations, said))


def _forecast(pod: Raw, catalog: Catalog, settings: Settings) -> Iterator[str]:
    # A refused pod is reported to the controller that makes it; this one reaches whoever applies the workload.
    try:
        inject(pod, catalog, settings)
    except Fault as fault:
        yield f"its pods will be refused: [{fault.code}] {fault.explain()}"
