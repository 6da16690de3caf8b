"""The lines about those who use models: namespaces, a pod on trial, labelled pods and workloads. Pure.

Tests: tests/verbs/test_check.py
"""

from collections.abc import Iterator

from cluster.errors import Forbidden, Rejected
from registry.errors import Fault
from registry.printable import printable
from webhook.contract import DISABLED, INJECTION
from webhook.injection.previous import is_injected as has_parts
from webhook.manifests.files import title
from webhook.names import PULLER, READY, SIDECAR, VOLUMES, WARM
from webhook.pod.podspec import Raw, labels, mapping

from .finding import Finding, bad, good, unread, warn
from .probe import is_injected
from .reading import Reading

_SHOWN = 10
_ENDED = ("Succeeded", "Failed")
_WORDS = 600

_OURS = "pods.weighbridge.dev"
"""The webhook's name, and the policy's, which the API server writes into what either refused. Whoever refuses what the
webhook added names that."""

_HINTS = (
    ("no endpoints available", "no pod of the webhook is ready: kubectl -n weighbridge-system get pods"),
    ("connection refused", "the webhook does not listen there: kubectl -n weighbridge-system get pods,service"),
    ("x509", "the CA in the configuration is not that of the served certificate: see ca-bundle above"),
    ("deadline exceeded", "the API server cannot reach port 10250 of the pods: a firewall, or a NetworkPolicy"),
    ("no such host", "the API server cannot resolve the webhook's name: see configuration above"),
    ("violates PodSecurity", "the namespace's Pod Security profile refuses even a plain pod: read the message"),
    ("exceeded quota", "the namespace's ResourceQuota is used up: try another one with -n"),
)


def of_models(reading: Reading) -> Iterator[Finding]:
    """Yield the lines about namespaces, a pod on trial, and what carries the label."""
    if isinstance(reading.namespaces, Fault):
        yield unread("namespaces", reading.namespaces)
    elif reading.opted_in:
        yield good("namespaces", f"namespaces that opted in: {_some(list(reading.opted_in))}")
    else:
        yield warn("namespaces", "no namespace has opted in")
    yield _of_probe(reading)
    yield _of_pods(reading)
    yield _of_labels(reading)


def _of_probe(reading: Reading) -> Finding:
    probe, namespace = reading.probe, reading.probe_namespace
    if probe is None and isinstance(reading.namespaces, Fault):
        return warn("dry-run", "not tried: namespaces cannot be read", "name one that has opted in: -n NAMESPACE")
    if probe is None:
        return warn("dry-run", "not tried: no namespace has opted in", "opt one in, or name one that has: -n NAMESPACE")
    if isinstance(probe, Forbidden):
        return unread("dry-run", probe)
    if isinstance(probe, Fault):
        return _of_refusal(probe, namespace)
    if not is_injected(probe.content):
        hint = "no webhook saw it: look at the lines of admission above, and that the namespace has opted in"
        return bad("dry-run", f"a labelled pod in {namespace} came back without a model", hint)
    return good("dry-run", f"a labelled pod in {namespace} comes back with its model (nothing was stored)")


def _of_refusal(probe: Fault, namespace: str) -> Finding:
    """Return the line about a probe that was not taken: what others refuse says nothing of the webhook."""
    said = printable(str(probe), _WORDS)
    hint = next((hint for words, hint in _HINTS if words in said), "")
    is_of_ours = any(name in said for name in (_OURS, PULLER, SIDECAR, WARM, READY, *VOLUMES))
    if is_of_ours or not isinstance(probe, Rejected):
        return bad("dry-run", f"a labelled pod in {namespace} was refused: {said}", hint)
    hint = hint or "a policy of the cluster refuses even the trial: name another namespace with -n"
    return warn("dry-run", f"not tried: something else refused the pod in {namespace}: {said}", hint)


def _of_pods(reading: Reading) -> Finding:
    pods, opted_in = reading.pods, reading.opted_in
    if isinstance(pods, Fault) or isinstance(reading.namespaces, Fault):
        return unread("labelled-pods", _first_fault(pods, reading.namespaces))
    asked = [pod for pod in pods if _namespace(pod) in opted_in and _is_asking(pod)]
    bare = [title(pod).partition("/")[2] for pod in asked if not is_injected(pod) and not has_parts(pod)]
    if bare:
        return bad("labelled-pods", f"pods with the label and without their model: {_some(bare)}")
    return good("labelled-pods", f"every labelled pod has its model ({len(asked)})")


def _first_fault(*read: object) -> Fault:
    return next(one for one in read if isinstance(one, Fault))


def _is_asking(pod: Raw) -> bool:
    phase = mapping(pod, "status").get("phase")
    return labels(pod).get(INJECTION.name) != DISABLED and phase not in _ENDED


def _of_labels(reading: Reading) -> Finding:
    pods, workloads, namespaces = reading.pods, reading.workloads, reading.namespaces
    if isinstance(pods, Fault) or isinstance(workloads, Fault) or isinstance(namespaces, Fault):
        return unread("labels", _first_fault(pods, workloads, namespaces))
    labelled = [*workloads, *(pod for pod in pods if not _has_owner(pod))]
    idle = [title(one) for one in labelled if _namespace(one) not in reading.opted_in]
    if not idle:
        return good("labels", "no label stands in a namespace that has not opted in")
    return warn("labels", f"labels that do nothing, because their namespace has not opted in: {_some(idle)}")


def _has_owner(pod: Raw) -> bool:
    return bool(mapping(pod, "metadata").get("ownerReferences"))


def _namespace(obj: Raw) -> str:
    return str(mapping(obj, "metadata").get("namespace") or "")


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(sorted(names)[:_SHOWN]) + more
