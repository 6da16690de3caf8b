"""An object of the cluster, explained: the steps of `explain -f`, and what became of its pods.

Tests: tests/verbs/test_live.py
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from cluster import kinds
from cluster.api import Api
from cluster.errors import Absent, Forbidden
from cluster.kinds import Kind
from registry.errors import Fault
from registry.printable import printable
from webhook.contract import MODEL
from webhook.injection.record import read_status
from webhook.injection.resolve import ORIGINS
from webhook.manifests.configuration import CATALOG, CONFIG, Configuration, configure
from webhook.manifests.explain import Cluster, Explanation, explain_manifest
from webhook.pod.podspec import Raw, entries, labels, mapping, name_of

from .pull_state import pull_state, refused
from .table import model_of, refusal_of

_MOST_PODS = 10
_MOST_EVENTS = 3
_WORDS = 400

Step = tuple[str, str]

_BY_SETTINGS = ("model.unknown", "catalog.invalid", "volume.invalid", "source.not-found", "containers.unknown")
"""The codes of refusals that a setting or the catalog may lift."""

_NOTHING_DONE = ("not-opted-in", "not-installed")
"""The codes of pods for which nothing would be done."""

_BY_WEBHOOK = ("injected", "refused", "unknown")
"""The results that need the webhook."""

_REFUSED = ("refused", "unknown")
"""The results of pods that would be refused, or may be."""


def explain_live(api: Api, kind: Kind, name: str, namespace: str, system_namespace: str) -> list[Explanation]:
    """Return the explanations of an object's pod templates. Raises Absent and the API server's other faults.

    1. Read the object, its namespace, the operator's configuration and the webhooks', as far as the user may.
    2. Explain it as a manifest.
    3. Add what became of its pods: their states, and what the events say.
    """
    # 1
    found = api.read(kind, name, namespace)
    known = _configuration(api, system_namespace)
    cluster = Cluster(
        catalog=known.configuration.catalog,
        settings=known.configuration.settings,
        namespaces=_labels_of(api, namespace),
        default_namespace=namespace,
        unknown="cannot be read by you",
    )
    # 2
    explained = list(explain_manifest(found, cluster))
    # 3
    happened = [*known.notes, *_of_pods(api, found, namespace)]
    if not _is_installed(api):
        explained = [_without_webhook(one) for one in explained]
    return [_with_outcome(_as_far_as_known(one, known), found, happened) for one in explained]


@dataclass(frozen=True, slots=True)
class _Known:
    """The operator's configuration as far as it can be read, and what is said of the rest."""

    configuration: Configuration
    unread: tuple[str, ...]
    """The ConfigMaps whose defaults are assumed."""

    notes: tuple[Step, ...]


def _as_far_as_known(explained: Explanation, known: _Known) -> Explanation:
    """Return an explanation that is not sure of a refusal where a setting that nobody read may allow the pod."""
    is_settings_own = explained.code in _BY_SETTINGS or explained.code.startswith("signature.")
    if explained.result != "refused" or not known.unread or not is_settings_own:
        return explained
    verdict = f"perhaps {explained.verdict}; {' and '.join(known.unread)} may say otherwise"
    return replace(explained, result="unknown", verdict=verdict)


def _is_installed(api: Api) -> bool:
    """Return whether the API server calls our webhook for pods; True for who may not read that."""
    try:
        webhooks = entries(api.read(kinds.CONFIGURATION, "admission.weighbridge.dev"), "webhooks")
    except Absent:
        return False
    except Fault:
        return True
    return any(name_of(one) == "pods.weighbridge.dev" for one in webhooks)


def _without_webhook(explained: Explanation) -> Explanation:
    """Return the explanation of what only the webhook would do, and nobody does."""
    if explained.result not in _BY_WEBHOOK:
        return explained
    verdict = "no model: the API server calls no webhook of ours for pods (weighbridge check)"
    return replace(explained, result="skipped", verdict=verdict, code="not-installed")


def _with_outcome(explained: Explanation, found: Raw, happened: list[Step]) -> Explanation:
    """Return an explanation with what became of it: what the cluster did counts, not what it would do now."""
    after = replace(explained, steps=(*explained.steps, *happened))
    said = dict(happened).get("refused")
    if said is not None and explained.result in ("injected", "unknown"):
        state = refused(said)
        return replace(after, result="refused", verdict=f"refused: {said}", code=state.code or "refused")
    if found.get("kind") != "Pod":
        return after
    if read_status(found) is not None and (explained.result in _REFUSED or explained.code in _NOTHING_DONE):
        would = "be" if explained.result in _REFUSED else "get"
        verdict = f"has its model; as a new pod it would {would} {explained.verdict}"
        return replace(after, result="injected", verdict=verdict)
    if read_status(found) is None and explained.result == "injected":
        verdict = "no model: the pod was created without it, and a pod that exists is not changed"
        return replace(after, result="skipped", verdict=verdict, code="not-injected")
    return after


def _configuration(api: Api, system_namespace: str) -> _Known:
    """Return the operator's configuration, and what is not known of it: most users may see the catalog alone."""
    found, unread, notes = Configuration(), [], []
    for name in (CONFIG, CATALOG):
        try:
            read = configure([api.read(kinds.CONFIG_MAP, name, system_namespace)])
        except Fault as fault:
            unread.append(name)
            why = printable(str(fault), _WORDS)
            notes.append(("note", f"{name} is not known, and its defaults are assumed: {why}"))
            continue
        found = replace(read, catalog=found.catalog) if name == CONFIG else replace(found, catalog=read.catalog)
    notes += [("note", f"the webhook ignores {printable(key)} in {CONFIG}") for key in found.unknown_keys]
    return _Known(found, tuple(unread), tuple(notes))


def _labels_of(api: Api, namespace: str) -> dict[str, Raw]:
    try:
        return {namespace: labels(api.read(kinds.NAMESPACE, namespace))}
    except Forbidden:
        return {}


def _of_pods(api: Api, found: Raw, namespace: str) -> Iterator[Step]:
    """Yield the state of each pod that an object has, and the events that say why there is none."""
    events = events_of(api, namespace)
    pods = [found] if found.get("kind") == "Pod" else _pods_of(api, found, namespace)
    for pod in pods[:_MOST_PODS]:
        yield from _of_pod(pod, events)
    if len(pods) > _MOST_PODS:
        yield "pod", f"and {len(pods) - _MOST_PODS} more: weighbridge status -n {namespace}"
    refusal = refusal_of(found, events, has_pods=bool(pods))
    if refusal:
        yield "refused", refusal
    elif not pods:
        yield "pod", "there is none"


def _of_pod(pod: Raw, events: list[Raw]) -> Iterator[Step]:
    name, record = name_of(mapping(pod, "metadata")), read_status(pod)
    if MODEL.held(pod) is None:
        yield "pod", f"{name} has no label {MODEL.name}"
        return
    if record is not None:
        pinned = str(record.pinned_source)
        yield "record", f"{name} was given {record.model} from {pinned}, from {ORIGINS[record.origin]}"
    state = pull_state(pod)
    took = f", {state.ready_seconds:.0f} s after its creation" if state.ready_seconds is not None else ""
    yield "pod", f"{name}: {state.words()}{took}"
    if state.hint:
        yield "hint", state.hint.replace("POD", name)
    warned = [one for one in events if one.get("type") == "Warning" and name_of(mapping(one, "involvedObject")) == name]
    for event in warned[-_MOST_EVENTS:]:
        yield "event", f"{event.get('reason')}: {printable(str(event.get('message') or ''), _WORDS)}"


def _pods_of(api: Api, found: Raw, namespace: str) -> list[Raw]:
    if found.get("kind") == kinds.CRON_JOB.name:
        uid = mapping(found, "metadata").get("uid")
        jobs = [one for one in api.items(kinds.JOB, namespace) if _is_owned(one, uid)]
        return [pod for job in jobs for pod in _pods_of(api, job, namespace)]
    selector = _selector(mapping(mapping(found, "spec"), "selector"))
    return api.items(kinds.POD, namespace, labels=selector) if selector else []


def _is_owned(obj: Raw, uid: object) -> bool:
    return any(one.get("uid") == uid for one in entries(mapping(obj, "metadata"), "ownerReferences"))


def _selector(selector: Raw) -> str:
    """Return a label selector as a query has it."""
    stated = [f"{key}={value}" for key, value in mapping(selector, "matchLabels").items()]
    for one in entries(selector, "matchExpressions"):
        key, values = one.get("key"), ",".join(map(str, one.get("values") or ()))
        forms = {"In": f"{key} in ({values})", "NotIn": f"{key} notin ({values})", "Exists": f"{key}"}
        stated.append(forms.get(str(one.get("operator")), f"!{key}"))
    return ",".join(stated)


def workloads_of(api: Api, namespace: str) -> list[Raw]:
    """Return the workloads of a namespace, or of all, that ask for a model; of kinds that the user may not read none.

    The label may stand in the pod template alone, which no selector of the API server sees.
    """
    found: list[Raw] = []
    for kind in kinds.FOLLOWED:
        with suppress(Forbidden):
            for page in api.pages(kind, namespace):
                found += filter(model_of, page)
    return found


def events_of(api: Api, namespace: str) -> list[Raw]:
    """Return the events of a namespace, the oldest first; none for who may not read them."""
    try:
        found = api.items(kinds.EVENT, namespace)
    except Forbidden:
        return []
    return sorted(found, key=_last_seen)


def _last_seen(event: Raw) -> str:
    """Return when an event was seen last, in either form of events (core/v1 and events.k8s.io/v1)."""
    series = mapping(event, "series").get("lastObservedTime")
    return str(series or event.get("lastTimestamp") or event.get("eventTime") or "")
