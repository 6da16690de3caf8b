"""What a request shows that may fail later: the injection's warnings.

Tests: tests/webhook/test_refusals.py
"""

from collections.abc import Iterator

from webhook.contract import ADAPTERS
from webhook.pod.podspec import Raw, entries, every_container, init_containers, name_of
from webhook.pod.quantities import quantity
from webhook.pod.resources import NEEDED_BYTES, memory_of, storage_limit
from webhook.pod.security import puller_security, puller_user
from webhook.pod.sidecars import Sidecars
from webhook.quotes import listed, quoted
from webhook.resolving.answer import Code
from webhook.values.annotation import Engine

from .engines import ADAPTERS_IN_ARGUMENTS, engine_of
from .plan import Plan
from .previous import Earlier
from .status import Status
from .targets import names_our_variables
from .warnings import (
    ClaimDoubt,
    EngineUnwired,
    Hidden,
    ImageGate,
    InjectionWarning,
    NamedTooEarly,
    NetworkBlocked,
    Renewed,
    ScarceMemory,
    Unpinned,
    Unsigned,
    VariablesUnseen,
    VolumeTooSmall,
    VolumeUnserved,
)

# What needs credentials is no doubt: the puller has them, and the webhook has none.
_UNPINNED: dict[Code, str] = {
    "not-listed": "its registry is none that the operator lets the webhook ask (WEIGHBRIDGE_RESOLVE_REGISTRIES)",
    "not-in-time": "its registry did not answer in time",
    "too-many": "more is asked of registries at once than the webhook waits for",
    "not-found": "its registry shows it to nobody without credentials",
    "refused": "its registry did not answer as registries do",
}


def injection_warnings(earlier: Earlier, plan: Plan, sidecars: Sidecars) -> tuple[str, ...]:
    """Return the warnings of an injection."""
    bare = earlier.bare
    found = [
        *_of_source(plan),
        *_of_puller(bare, plan, sidecars),
        *_of_engines(bare, plan),
        *_of_record(earlier.record, plan.status),
    ]
    return tuple(map(str, found))


def _of_source(plan: Plan) -> Iterator[InjectionWarning]:
    why = _UNPINNED.get(plan.unknown) if plan.unknown else None
    if plan.is_hidden:
        yield Hidden(f"the registry does not show {quoted(plan.status.source)} without credentials")
    elif why and plan.status.digest is None:
        yield Unpinned(f"{quoted(plan.status.source)} was not resolved to a digest: {why}")
    for words in plan.unsigned:
        yield Unsigned(words)


def _of_puller(bare: Raw, plan: Plan, sidecars: Sidecars) -> Iterator[InjectionWarning]:
    if plan.status.volume.kind == "image":
        yield ImageGate("an API server without image volumes starts the pod with an empty folder")
    if not plan.is_pulled:
        return
    if plan.placement.blocked_by:
        proxy = quoted(plan.placement.blocked_by)
        yield NetworkBlocked(f"all traffic goes to {proxy}, which starts after the puller, and its user is not known")
    early = [name_of(one) for one in init_containers(bare)[: plan.placement.index] if names_our_variables(one)]
    if early:
        yield NamedTooEarly(f"{listed(early)} names our variables, and starts before the model is pulled")
    late = sidecars.late_volume_servers(bare)
    if late and plan.status.volume.kind == "pvc":
        yield VolumeUnserved(f"{listed(late)} may serve the claim, and starts after the puller")
    amount = memory_of(bare, plan.status.resources)
    if amount and (quantity(amount) or 0) < NEEDED_BYTES:
        yield ScarceMemory(
            f"the puller may use {amount} of memory and needs {NEEDED_BYTES >> 20}Mi for all its connections"
        )
    narrow = _shortage_of_room(bare, plan.status)
    if narrow:
        yield VolumeTooSmall(narrow)
    if plan.group.doubt:
        user = puller_user(puller_security(bare, plan.server, plan.placement.user))
        yield ClaimDoubt(f"the puller ({user}) gets no fsGroup on the claim, because {plan.group.doubt}")


def _shortage_of_room(bare: Raw, status: Status) -> str:
    """Return in words which limit of the pod is too small for a model of known size on its volume; empty if none is."""
    needed, limit, what, who = quantity(status.room), None, "memory", "the puller"
    if needed is None:
        return ""
    if status.volume.kind == "emptydir":
        limit, what, who = storage_limit(bare, status.resources), "ephemeral storage", "the pod"
    if status.volume.kind == "memory":
        limit = quantity(memory_of(bare, status.resources))
    if limit is None or needed <= limit:
        return ""
    return f"the model needs {status.room} of {what}, of which {who} may use {int(limit) >> 20}Mi"


def _of_engines(bare: Raw, plan: Plan) -> Iterator[InjectionWarning]:
    containers = {name_of(one): one for one in every_container(bare)}
    for target in plan.status.targets:
        container = containers[target.name]
        if plan.status.adapters and target.name == name_of(plan.server):
            yield from _of_adapters(container, plan.engine or engine_of(container))
        ours = [name for name, _ in target.environment if not name.startswith("WEIGHBRIDGE_")]
        if ours and entries(container, "envFrom"):
            yield VariablesUnseen(f"{quoted(target.name)} takes variables by envFrom, over which {listed(ours)} win")


def _of_adapters(server: Raw, engine: Engine) -> Iterator[InjectionWarning]:
    name = quoted(name_of(server))
    if engine in ADAPTERS_IN_ARGUMENTS:
        yield EngineUnwired(f"{ADAPTERS.name}: no variable tells {engine} in {name} of adapters")
    if engine == "vllm" and "VLLM_PLUGINS" in map(name_of, entries(server, "env")):
        yield EngineUnwired(f"{name} sets VLLM_PLUGINS, which must name lora_filesystem_resolver")


def _of_record(record: Status | None, status: Status) -> Iterator[InjectionWarning]:
    if record is None:
        return
    then = {"source": record.source, "image": record.image, "volume": record.volume, "layout": record.layout}
    now = {"source": status.source, "image": status.image, "volume": status.volume, "layout": status.layout}
    changed = [name for name, value in then.items() if value != now[name]]
    if changed:
        name = changed[0]
        yield Renewed(f"the {name} was {quoted(then[name])}, and is now {quoted(now[name])}")
