"""From a review to its answer, for pods and for workloads.

Tests: tests/webhook/test_case_answers.py
"""

from collections.abc import Iterator
from dataclasses import dataclass

from registry.errors import Fault

from .catalog import Catalog
from .injection.inject import Injection, Skip, inject
from .injection.warnings import ShortDeadline
from .patch import diff
from .pod.podspec import Raw
from .pod.service_account import before_admission
from .resolving.answer import Ask, ask_nobody
from .review import Review, allow, deny
from .settings import Settings
from .warnings import warnings
from .workloads.advice import advise, advise_opt_in
from .workloads.change import Change
from .workloads.deadline import too_short
from .workloads.propagate import propagate
from .workloads.templates import TEMPLATES, template_of


@dataclass(frozen=True, slots=True)
class Decision:
    """An answer, and the stable code of the decision for the log."""

    code: str
    answer: Raw
    has_crashed: bool = False

    @property
    def result(self) -> str:
        """What became of the object: `refused`, `changed` or `unchanged`; `failed` where we let it pass undecided."""
        response = self.answer["response"]
        if not response["allowed"]:
            return "refused"
        if self.has_crashed:
            return "failed"
        return "changed" if "patch" in response else "unchanged"


def admit_pod(review: Review, catalog: Catalog, settings: Settings, ask: Ask = ask_nobody) -> Decision:
    """Inject the model into a labelled pod; allow a pod without the label; refuse one whose request is invalid."""
    try:
        outcome = inject(review.obj, catalog, settings, ask)
    except Fault as fault:
        return Decision(fault.code, deny(review, fault))
    if isinstance(outcome, Skip):
        return Decision(outcome.code, allow(review, []))
    return Decision(
        "injected", allow(review, diff(review.obj, outcome.pod), (*warnings(review.obj), *outcome.warnings))
    )


def admit_workload(review: Review, catalog: Catalog, settings: Settings, ask: Ask = ask_nobody) -> Decision:
    """Copy a workload's keys into its template; never refuse it, but warn if its pods will be refused."""
    if review.kind not in TEMPLATES:
        return Decision("other-kind", allow(review, []))
    change = _change(review)
    outcome = propagate(change)
    operations = diff(review.obj, outcome.workload)
    said: tuple[str, ...] = outcome.warnings
    if not change.is_being_deleted:
        pod = template_of(outcome.workload, change.path)
        said = (*said, *warnings(review.obj, pod), *_forecast(review, pod, catalog, settings, ask))
    return Decision("propagated" if operations else "unchanged", allow(review, operations, said))


def advise_on_label(review: Review) -> Decision:
    """Allow an object whose label does nothing where it is, and say where it belongs."""
    return _advised(review, tuple(advise(review.kind, review.obj, review.old_object)))


def advise_on_namespace(review: Review) -> Decision:
    """Allow a labelled object in a namespace that has not opted in, and say how it does."""
    return _advised(review, tuple(advise_opt_in(review.namespace)))


def _advised(review: Review, advice: tuple[str, ...]) -> Decision:
    return Decision("advised" if advice else "no-advice", allow(review, [], advice))


def _change(review: Review) -> Change:
    return Change(
        kind=review.kind,
        new=review.obj,
        old=review.old_object,
        is_patch=review.is_patch,
    )


def _forecast(review: Review, pod: Raw, catalog: Catalog, settings: Settings, ask: Ask) -> Iterator[str]:
    # What is said of a pod reaches the controller that creates it; these warnings reach the workload's author.
    try:
        outcome = inject(before_admission(pod), catalog, settings, ask)
    except Fault as fault:
        yield f"its pods will be refused: [{fault.code}] {fault.explain()}"
        return
    if isinstance(outcome, Injection):
        yield from outcome.warnings
        short = too_short(review.kind, review.obj, outcome.status.content_bytes)
        if short:
            yield str(ShortDeadline(short))
