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
    """An answer, and the stable code of the decision for the log."""

    code: str
    answer: Raw

    @property
    def result(self) -> str:
        """What became of the object: `refused`, `changed` or `unchanged`."""
        response = self.answer["response"]
        if not response["allowed"]:
            return "refused"
        return "changed" if "patch" in response else "unchanged"


def admit_pod(review: Review, catalog: Catalog, settings: Settings) -> Decision:
    """Inject the model into a labelled pod; allow a pod without the label; refuse one whose request is invalid."""
    try:
        outcome = inject(review.obj, catalog, settings)
    except Fault as fault:
        return Decision(fault.code, deny(review, fault))
    if isinstance(outcome, Skip):
        return Decision(outcome.code, allow(review, []))
    return Decision(
        "injected", allow(review, diff(review.obj, outcome.pod), (*warnings(review.obj), *outcome.warnings))
    )


def admit_workload(review: Review, catalog: Catalog, settings: Settings) -> Decision:
    """Copy a workload's keys into its template; never refuse it, but warn if its pods will be refused."""
    if review.kind not in TEMPLATES:
        return Decision("other-kind", allow(review, []))
    outcome = propagate(review.kind, review.obj, review.old_object)
    operations = diff(review.obj, outcome.workload)
    pod = template_of(outcome.workload, TEMPLATES[review.kind])
    said = (*outcome.warnings, *warnings(review.obj, pod), *_forecast(pod, catalog, settings))
    return Decision("propagated" if operations else "unchanged", allow(review, operations, said))


def _forecast(pod: Raw, catalog: Catalog, settings: Settings) -> Iterator[str]:
    # A refused pod is reported to the controller that creates it; this warning reaches the workload's author.
    try:
        inject(pod, catalog, settings)
    except Fault as fault:
        yield f"its pods will be refused: [{fault.code}] {fault.explain()}"
