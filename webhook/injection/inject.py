"""The story of one pod: from its label to its model.

Tests: tests/webhook/test_inject.py
"""

from dataclasses import dataclass

from webhook.catalog import Catalog
from webhook.contract import DISABLED, INJECTION, MODEL, STATUS
from webhook.patch import is_same
from webhook.pod.podspec import Raw, annotations, editable, labels
from webhook.quotes import quoted
from webhook.refusals import StaleInjection
from webhook.resolving.answer import Ask, ask_nobody
from webhook.settings import Settings

from .additions import add_all
from .checks import injection_warnings
from .plan import make_plan
from .previous import Earlier, is_injected
from .record import read_status
from .status import Status

_MIRROR = "kubernetes.io/config.mirror"


@dataclass(frozen=True, slots=True)
class Injection:
    """A pod with its model, the record of the injection, and what its user is warned of."""

    pod: Raw
    status: Status
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Skip:
    """A pod that stays as it is, with a stable code and the reason in words."""

    code: str
    reason: str


NO_LABEL = Skip("no-label", f"it has no label {MODEL.name}")
OPTED_OUT = Skip("disabled", f"its label {INJECTION.name} is {DISABLED}")
MIRROR_POD = Skip("mirror-pod", "it mirrors a static pod, which the API server cannot change")
ALREADY = Skip("already-injected", f"its annotation {STATUS.name} says that it has its model")


def inject(pod: Raw, catalog: Catalog, settings: Settings, ask: Ask = ask_nobody) -> Injection | Skip:
    """Return a copy of `pod` with its model, or the reason why the pod stays as it is.

    1. Skip pods that did not ask.
    2. Take out what an earlier injection added, by its record; refuse the injection of another model.
    3. Make the plan from what is left, or refuse the pod.
    4. Add what the plan needs: to the pod as it is if its record says the same, else to what was left.

    So a second pass changes nothing, and a record that was forged changes no decision. Raises a Refusal, or another
    Fault of the source. `ask` returns what the registry has for a reference, and why not.
    """
    # 1.
    skip = _reason_to_skip(pod)
    if skip:
        return skip
    # 2.
    earlier = Earlier.read(pod, _matching_record(pod))
    # 3.
    plan = make_plan(earlier.bare, catalog, settings, ask, earlier.record if is_injected(pod) else None)
    # 4.
    is_outdated = earlier.record is not None and earlier.record != plan.status
    after = editable(earlier.bare if is_outdated else pod)
    add_all(after, earlier, plan, settings)
    if is_same(pod, after):
        return ALREADY
    return Injection(after, plan.status, injection_warnings(earlier, plan, settings.all_sidecars))


def _reason_to_skip(pod: Raw) -> Skip | None:
    if labels(pod).get(MODEL.name) is None:
        return NO_LABEL
    if labels(pod).get(INJECTION.name) == DISABLED:
        return OPTED_OUT
    return MIRROR_POD if _MIRROR in annotations(pod) else None


def _matching_record(pod: Raw) -> Status | None:
    record, asked = read_status(pod), labels(pod)[MODEL.name]
    if record and record.model != asked and is_injected(pod):
        raise StaleInjection(
            f"the pod was injected with {quoted(record.model)}, and its label now says {quoted(asked)}"
        )
    return record
