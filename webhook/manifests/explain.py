"""Which step decided what for the pods of a manifest, or why they get no model.

Tests: tests/webhook/test_explain.py
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from registry.errors import Fault
from registry.identity.hosts import cloud_of
from registry.identity.identities import identity_for
from registry.identity.service_account import ServiceAccountIdentity
from registry.printable import printable
from registry.signatures.policy import rule_for
from webhook.catalog import Catalog
from webhook.contract import DISABLED, INJECTION, MODEL
from webhook.injection.engines import engine_of
from webhook.injection.inject import Injection, Skip, inject
from webhook.injection.plan import Plan, make_plan
from webhook.injection.previous import without_injection
from webhook.injection.pullers.overlap import OVERLAPS
from webhook.injection.record import read_status
from webhook.injection.resolve import ORIGINS
from webhook.injection.status import Status
from webhook.pod.credentials import TOKEN_PATH, environment_of
from webhook.pod.podspec import Raw, every_container, labels, mapping, name_of
from webhook.settings import Settings
from webhook.workloads.templates import find_templates, written

from .files import is_followed, labelled, title

_ENABLED = "enabled"
_LINE = 8192
"""How long a line may be: arguments of engines are."""

_UNPINNED = (
    "none here: at admission the webhook pins what the registry has, if it is one that the operator named and answers; "
    "else its tag may move between replicas"
)
SYSTEM_NAMESPACES = ("kube-system", "kube-public", "kube-node-lease", "weighbridge-system")
"""What deploy/base/admission.yaml leaves out, whatever labels such a namespace has."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What becomes of the pods of one template: a verdict in words, its code, and the steps that led there."""

    title: str
    result: Literal["injected", "skipped", "refused", "unknown"]
    verdict: str
    code: str
    steps: tuple[tuple[str, str], ...]

    def to_raw(self) -> dict[str, Any]:
        """Return the explanation as JSON has it."""
        steps = [{"step": name, "found": found} for name, found in self.steps]
        return {"object": self.title, "result": self.result, "verdict": self.verdict, "code": self.code, "steps": steps}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """What is known of the cluster: the operator's configuration, and the labels of namespaces by their names."""

    catalog: Catalog
    settings: Settings
    namespaces: dict[str, Raw]
    default_namespace: str = ""
    unknown: str = "is in no file"
    """What is said of a namespace whose labels are not known."""

    @classmethod
    def of(
        cls, manifests: Iterable[Any], catalog: Catalog, settings: Settings, default_namespace: str = ""
    ) -> "Cluster":
        """Gather the namespaces among manifests."""
        found = [one for one in manifests if isinstance(one, dict) and one.get("kind") == "Namespace"]
        namespaces = {str(mapping(one, "metadata").get("name")): labels(one) for one in found}
        return cls(catalog=catalog, settings=settings, namespaces=namespaces, default_namespace=default_namespace)


def explain_manifest(manifest: Any, cluster: Cluster) -> Iterator[Explanation]:
    """Yield an explanation for each pod template of an object; nothing for objects without one.

    1. The label, on the object and in the template. 2. The namespace's opt-in. 3. The pod's opt-out, and which webhook
    sees it. 4. Name, source and where it was found. 5. What the pod gets: volume, containers, engine, tolerations,
    puller.
    """
    if not isinstance(manifest, dict):
        return
    after, told = labelled(manifest)
    for steps, template in find_templates(after):
        name = title(manifest, cluster.default_namespace) + (f" ({written(steps)})" if steps else "")
        found = [("label", _of_label(manifest, template, steps))]
        if labels(template).get(MODEL.name) is not None:
            found.append(("namespace", _of_namespace(manifest, cluster)))
            found.append(("opt-out", _of_opt_out(template)))
            found.append(("webhook", _of_webhooks(manifest, steps)))
        found += [("warning", text) for text in told]
        explained = _explained(name, found, template, cluster)
        if explained.result != "skipped" and _is_known_to_be_out(manifest, cluster):
            verdict = "no model: no webhook sees it, because its namespace has not opted in"
            explained = replace(explained, result="skipped", verdict=verdict, code="not-opted-in")
        yield explained


def to_text(explanations: Iterable[Explanation]) -> str:
    """Return explanations for people: a verdict, and below it each step in a line, escaped."""
    lines = []
    for explanation in explanations:
        lines.append(printable(f"{explanation.title}: {explanation.verdict} [{explanation.code}]", _LINE))
        lines += [printable(f"  {name + ':':<13}{found}", _LINE) for name, found in explanation.steps]
    return "\n".join(lines)


def _explained(name: str, found: list[tuple[str, str]], template: Raw, cluster: Cluster) -> Explanation:
    try:
        result = inject(template, cluster.catalog, cluster.settings)
        if isinstance(result, Skip) and result.code != "already-injected":
            return Explanation(name, "skipped", f"no model: {result.reason}", result.code, tuple(found))
        bare = without_injection(template, read_status(template))
        plan = make_plan(bare, cluster.catalog, cluster.settings, record=read_status(template))
    except Fault as fault:
        steps = (*found, ("refused", str(fault)), ("hint", fault.hint))
        return Explanation(name, "refused", f"refused: {fault}", fault.code, steps)
    found += _of_plan(plan.status)
    found += _of_identity(plan)
    found += _of_signatures(plan, cluster.settings)
    found += _of_engines(bare, plan)
    found += [("warning", text) for text in (result.warnings if isinstance(result, Injection) else ())]
    model = f"gets {plan.status.model} from {plan.status.source}"
    return Explanation(name, "injected", model, "injected", tuple(found))


def _of_label(manifest: Raw, template: Raw, steps: tuple[str | int, ...]) -> str:
    own, found = MODEL.held(manifest), MODEL.held(template)
    if found is None:
        where = "on the workload, or in its pod template" if is_followed(manifest) else "in the pod template"
        return f"{MODEL.name} is missing: set it {where if steps else 'on the pod'}"
    if steps and is_followed(manifest) and own is not None:
        return f"{MODEL.name}={found}, copied from the workload to its template"
    return f"{MODEL.name}={found}" + (", in the template itself" if steps else "")


def _namespace(manifest: Raw, cluster: Cluster) -> str:
    return str(mapping(manifest, "metadata").get("namespace") or cluster.default_namespace)


def _is_known_to_be_out(manifest: Raw, cluster: Cluster) -> bool:
    name = _namespace(manifest, cluster)
    held = cluster.namespaces.get(name)
    return name in SYSTEM_NAMESPACES or (held is not None and held.get(INJECTION.name) != _ENABLED)


def _of_namespace(manifest: Raw, cluster: Cluster) -> str:
    name = _namespace(manifest, cluster)
    held = cluster.namespaces.get(name)
    if name in SYSTEM_NAMESPACES:
        return f"{name} is the system's, and no label opts it in"
    command = f"kubectl label namespace {name or 'NAMESPACE'} {INJECTION.name}={_ENABLED}"
    if held is None:
        return f"{name or 'unnamed'} {cluster.unknown}: it must have the label {INJECTION.name}={_ENABLED} ({command})"
    if held.get(INJECTION.name) == _ENABLED:
        return f"{name} has opted in"
    return f"{name} has not opted in, and no webhook sees the pod: {command}"


def _of_opt_out(template: Raw) -> str:
    value = labels(template).get(INJECTION.name)
    return f"{INJECTION.name}={DISABLED} opts the pod out" if value == DISABLED else "the pod has not opted out"


def _of_webhooks(manifest: Raw, steps: tuple[str | int, ...]) -> str:
    injects = "pods.weighbridge.dev injects pods as they are created (failurePolicy Fail)"
    if steps and is_followed(manifest) and MODEL.held(manifest) is not None:
        return f"workloads.weighbridge.dev copies the label to the template, {injects}"
    return injects


def _of_plan(status: Status) -> Iterator[tuple[str, str]]:
    yield "source", f"{status.source}, from {ORIGINS[status.origin]}"
    if status.pin is not None:
        yield "digest", f"{status.pin}, which the registry had for the tag"
    elif status.digest is None:
        yield "digest", _UNPINNED
    yield "volume", str(status.volume)
    yield "layout", str(status.layout)
    for target in status.targets:
        given = ", ".join(name for name, _ in target.environment)
        more = f"; arguments {' '.join(target.arguments)}" if target.arguments else ""
        yield "container", f"{target.name} sees it at {target.mount_path}, with {given or 'no variables'}{more}"
    if not status.targets:
        yield "container", "none: the pod has no container that could get it"
    tolerated = ", ".join(str(toleration.to_raw().get("key", "all taints")) for toleration in status.tolerations)
    yield "tolerations", tolerated or "none: no accelerator is asked for, and the catalog says nothing of one"
    if status.image:
        secrets = ", ".join(status.pull_secrets) or "none"
        yield "puller", f"{status.image}, with the pull secrets: {secrets}"
        if status.overlap:
            beside = "the model is pulled beside the engine's image" if status.overlap == OVERLAPS else status.overlap
            yield "overlap", beside
    else:
        yield "puller", "none: the kubelet mounts the model"


def _of_identity(plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield which identity a pull will use at each registry, and from where."""
    if not plan.is_pulled:
        return
    status = plan.status
    token = ServiceAccountIdentity(status.registries[0], TOKEN_PATH) if status.token_audience else None
    before = "; a pull secret for the registry comes before it" if status.pull_secrets else ""
    for registry in dict.fromkeys(status.registries):
        found = identity_for(registry, environment_of(plan.server, status.registries), token)
        if found is None and cloud_of(registry):
            yield "identity", f"none: {name_of(plan.server)} has no variables of {cloud_of(registry)} for {registry}"
        elif found is not None and token is not None and found.identity == token:
            yield "identity", f"the ServiceAccount's token for {status.token_audience}, at {registry}"
        elif found is not None:
            doubt = "" if found.is_likely else ", if the node has one"
            yield "identity", f"{found.identity.who}{doubt}, at {registry}{before}"


def _of_signatures(plan: Plan, settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield what is asked of the source's signatures, where anything is."""
    rule = rule_for(settings.signatures, plan.status.source, is_required=plan.status.require_signature)
    if rule.is_on:
        what = "required, else the pull fails" if rule.mode == "require" else "looked for, and a missing one is said"
        who = ", ".join([f"{len(rule.keys)} keys"] * bool(rule.keys) + list(map(str, rule.signatories)))
        yield "signatures", f"{what}; by one of: {who}"


def _of_engines(bare: Raw, plan: Plan) -> Iterator[tuple[str, str]]:
    for container in every_container(bare):
        if name_of(container) in plan.status.containers:
            how = "by its annotation" if plan.engine else "by command and image"
            yield "engine", f"{plan.engine or engine_of(container)} in {name_of(container)}, {how}"
