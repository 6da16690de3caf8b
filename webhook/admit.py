"""From a review to its answer, for pods and for workloads."""

from dataclasses import dataclass

from registry.errors import Fault

from .catalog import Catalog
from .contract import warnings
from .inject import Skip, inject
from .patch import diff
from .podspec import Raw
from .review import Review, allow, deny
from .settings import Settings
from .workloads import TEMPLATES, propagate


@dataclass(frozen=True, slots=True)
class Decision:
    """An answer, and the stable code of what was decided: for the log."""

    code: str
    answer: Raw


def admit_pod(review: Review, catalog: Catalog, settings: Settings) -> Decision:
    """Give a labelled pod its model, let another pass, refuse one that asks for what cannot be."""
    try:
        outcome = inject(review.obj, catalog, settings)
    except Fault as fault:
        return Decision(fault.code, deny(review, fault))
    if isinstance(outcome, Skip):
        return Decision(outcome.code, allow(review, []))
    return Decision("injected", allow(review, diff(review.obj, outcome.pod), warnings(review.obj)))


def admit_workload(review: Review) -> Decision:
    """Copy a workload's keys into its template; never refuse one."""
    if review.kind not in TEMPLATES:
        return Decision("other-kind", allow(review, []))
    outcome = propagate(review.kind, review.obj, review.old_object)
    operations = diff(review.obj, outcome.workload)
    return Decision("propagated" if operations else "unchanged", allow(review, operations, outcome.warnings))
