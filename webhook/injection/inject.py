"""The story of one pod: from its label to its model."""

import copy
from dataclasses import dataclass

from webhook.catalog import Catalog
from webhook.contract import DISABLED, INJECTION, MODEL, STATUS, Request
from webhook.names import CREDENTIALS_VOLUME, MODEL_VOLUME, PULLER, is_subdomain
from webhook.patch import is_same
from webhook.pod.mounts import check_free
from webhook.pod.podspec import Raw, annotations, entries, every_container, labels, mapping, name_of
from webhook.pod.tolerations import Toleration, add_tolerations, needed
from webhook.pod.volumes import add_volumes
from webhook.refusals import NameTaken, StaleInjection, WrongSystem
from webhook.settings import Settings

from .containers import add_puller, has_puller, wire_targets
from .resolve import Resolution, resolve
from .status import Status, read_status, write_status
from .targets import choose_targets

_MIRROR = "kubernetes.io/config.mirror"


@dataclass(frozen=True, slots=True)
class Injection:
    """A pod with its model, and the record of the injection."""

    pod: Raw
    status: Status


@dataclass(frozen=True, slots=True)
class Skip:
    """A pod that stays as it is, with a stable code and the reason in words."""

    code: str
    reason: str


NO_LABEL = Skip("no-label", f"it has no label {MODEL.name}")
OPTED_OUT = Skip("disabled", f"its label {INJECTION.name} is {DISABLED}")
MIRROR_POD = Skip("mirror-pod", "it mirrors a static pod, which the API server cannot change")
ALREADY = Skip("already-injected", f"its annotation {STATUS.name} says that it has its model")


def inject(pod: Raw, catalog: Catalog, settings: Settings) -> Injection | Skip:
    """Return a copy of `pod` with its model, or the reason why the pod stays as it is.

    1. Skip pods that did not ask.
    2. Read the plan of a pod that was injected before; else make one, or refuse the pod.
    3. Add what the plan needs and the pod lacks: volumes, puller, mount and environment, tolerations,
       the record.

    Raises a Refusal, or another Fault of the source.
    """
    # 1.
    skip = _reason_to_skip(pod)
    if skip:
        return skip
    # 2.
    plan = _recorded_plan(pod) or _make_plan(pod, catalog, settings)
    # 3.
    after = copy.deepcopy(pod)
    add_volumes(after, plan.volume, plan.pull_secrets)
    add_puller(after, plan, settings)
    wire_targets(after, plan)
    add_tolerations(after, plan.tolerations)
    write_status(after, plan)
    return ALREADY if is_same(pod, after) else Injection(after, plan)


def _reason_to_skip(pod: Raw) -> Skip | None:
    if labels(pod).get(MODEL.name) is None:
        return NO_LABEL
    if labels(pod).get(INJECTION.name) == DISABLED:
        return OPTED_OUT
    return MIRROR_POD if _MIRROR in annotations(pod) else None


def _recorded_plan(pod: Raw) -> Status | None:
    plan = read_status(pod) if has_puller(pod) else None
    asked = labels(pod)[MODEL.name]
    if plan and plan.model != asked:
        raise StaleInjection(f"the pod asks for {asked!r}, but was injected with {plan.model!r} when it was written")
    return plan


def _make_plan(pod: Raw, catalog: Catalog, settings: Settings) -> Status:
    request = Request.read(pod)
    _check_pod(pod)
    found = resolve(request, catalog, settings)
    targets = choose_targets(pod, request.containers, settings.accelerators)
    mount_path = request.mount_path or found.mount_path or f"/models/{request.model}"
    check_free(pod, targets, mount_path)
    return Status(
        model=request.model,
        source=str(found.source),
        origin=found.origin,
        containers=tuple(name_of(container) for container in targets),
        volume=request.volume,
        mount_path=mount_path,
        pull_secrets=_default_secrets(pod) if request.pull_secrets is None else request.pull_secrets,
        tolerations=_tolerations(pod, request, found, settings),
        image=settings.puller_image,
    )


def _check_pod(pod: Raw) -> None:
    spec = mapping(pod, "spec")
    if mapping(spec, "os").get("name") == "windows":
        raise WrongSystem("the pod runs Windows")
    if any(name_of(container) == PULLER for container in every_container(pod)):
        raise NameTaken(f"the pod has a container {PULLER} which we did not put there")
    for volume in entries(spec, "volumes"):
        if name_of(volume) in (MODEL_VOLUME, CREDENTIALS_VOLUME):
            raise NameTaken(f"the pod has a volume {name_of(volume)} which we did not put there")


def _default_secrets(pod: Raw) -> tuple[str, ...]:
    # A name that no secret can have is skipped, as the kubelet does for its own pulls.
    names = (name_of(reference) for reference in entries(mapping(pod, "spec"), "imagePullSecrets"))
    return tuple(dict.fromkeys(name for name in names if is_subdomain(name)))


def _tolerations(pod: Raw, request: Request, found: Resolution, settings: Settings) -> tuple[Toleration, ...]:
    return needed(
        pod,
        request.tolerations,
        is_gpu_model=found.gpu,
        accelerators=settings.accelerators,
        extra=settings.tolerations,
    )
