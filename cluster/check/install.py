"""The lines about the Deployment: its namespace, its pods, its endpoints, its settings. Pure.

Tests: tests/verbs/test_check.py
"""

from collections.abc import Iterator

from cluster.errors import Absent
from registry.errors import Fault
from registry.printable import printable
from webhook.pod.podspec import Raw, entries, mapping, name_of

from .finding import Finding, bad, good, unread, warn
from .reading import WEBHOOK, Reading

_PULLS = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable")
_IMAGE_HINT = (
    "name an image that the nodes can pull (images: in deploy/kustomization.yaml, with Helm image.repository), push it "
    "there, and give private registries an imagePullSecret"
)
_ONE_IMAGE = "name one image for both: WEIGHBRIDGE_PULLER_IMAGE follows by the replacement in deploy/components/image"


def of_install(reading: Reading) -> Iterator[Finding]:
    """Yield the lines about what runs in the install's namespace."""
    yield _of_namespace(reading)
    yield from _of_deployment(reading.deployment)
    yield from _of_pods(reading.webhook_pods)
    yield _of_endpoints(reading.endpoint_slices)
    yield _of_settings(reading)


def _of_namespace(reading: Reading) -> Finding:
    name, found = reading.system_namespace, reading.namespaces
    if isinstance(found, Fault):
        return unread("namespace", found)
    if name in {name_of(mapping(one, "metadata")) for one in found}:
        return good("namespace", f"the namespace {name} exists")
    return bad("namespace", f"there is no namespace {name}")


def _of_deployment(deployment: Raw | Fault) -> Iterator[Finding]:
    if isinstance(deployment, Absent):
        yield bad("deployment", f"there is no Deployment {WEBHOOK}", "kubectl apply --server-side -k deploy/")
        return
    if isinstance(deployment, Fault):
        yield unread("deployment", deployment)
        return
    wanted = int(mapping(deployment, "spec").get("replicas", 1))
    available = int(mapping(deployment, "status").get("availableReplicas", 0))
    if not wanted:
        yield bad(
            "deployment",
            f"{WEBHOOK} is scaled to no replicas",
            f"kubectl -n weighbridge-system scale deployment {WEBHOOK} --replicas=2",
        )
    elif not available:
        yield bad("deployment", f"of {wanted} replicas of {WEBHOOK} none is available")
    elif available < wanted:
        yield warn("deployment", f"of {wanted} replicas of {WEBHOOK} {available} are available")
    else:
        yield good("deployment", f"{WEBHOOK} has all its replicas ({wanted})")


def _of_pods(pods: list[Raw] | Fault) -> Iterator[Finding]:
    if isinstance(pods, Fault):
        yield unread("pods", pods)
        return
    troubles = [trouble for pod in pods for trouble in _of_pod(pod)]
    yield from troubles
    if not pods:
        yield bad("pods", "the webhook has no pods", "kubectl -n weighbridge-system describe replicaset says why")
    elif not troubles:
        images = {str(one.get("image")) for pod in pods for one in entries(mapping(pod, "spec"), "containers")}
        yield good("pods", f"the webhook's image is pulled, and its containers run: {', '.join(sorted(images))}")


def _of_pod(pod: Raw) -> Iterator[Finding]:
    name, status = name_of(mapping(pod, "metadata")), mapping(pod, "status")
    for condition in entries(status, "conditions"):
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            why = printable(str(condition.get("message") or condition.get("reason")))
            yield bad("pods", f"the pod {name} is not scheduled: {why}", "give the cluster a node that it fits on")
    for container in (*entries(status, "initContainerStatuses"), *entries(status, "containerStatuses")):
        waiting = mapping(mapping(container, "state"), "waiting")
        reason, message = str(waiting.get("reason") or ""), printable(str(waiting.get("message") or ""))
        if reason in _PULLS:
            yield bad("pods", f"the pod {name} waits for its image, {reason}: {message}", _IMAGE_HINT)
        elif reason == "CreateContainerConfigError":
            yield bad("pods", f"the pod {name} cannot start: {message}", "create what the message names")
        elif reason == "CrashLoopBackOff":
            yield bad("pods", f"the pod {name} ends again and again: {_last_words(container) or message}")


def _last_words(container: Raw) -> str:
    ended = mapping(mapping(container, "lastState"), "terminated")
    said = printable(str(ended.get("message") or ended.get("reason") or ""))
    return f"exit code {ended['exitCode']}, {said}".rstrip(", ") if "exitCode" in ended else said


def _of_endpoints(slices: list[Raw] | Fault) -> Finding:
    if isinstance(slices, Fault):
        return unread("endpoints", slices)
    ready = sum(
        mapping(one, "conditions").get("ready", True) is True for part in slices for one in entries(part, "endpoints")
    )
    if not ready:
        return bad("endpoints", f"the Service {WEBHOOK} leads to no ready pod")
    return good("endpoints", f"the Service {WEBHOOK} leads to {ready} ready pod{'s' if ready > 1 else ''}")


def _of_settings(reading: Reading) -> Finding:
    found = reading.settings
    if isinstance(reading.settings_map, Absent):
        return bad("settings", "there is no ConfigMap weighbridge-config", "kubectl apply --server-side -k deploy/")
    if isinstance(reading.settings_map, Fault):
        return unread("settings", reading.settings_map)
    if isinstance(found, Fault):
        return bad("settings", printable(str(found)))
    if reading.unknown_keys:
        return warn("settings", printable(f"the webhook ignores {', '.join(reading.unknown_keys)}: no such setting"))
    image = _image_of(reading.deployment)
    if image not in {"", found.puller_image}:
        return warn(
            "settings", printable(f"pullers run {found.puller_image}, and the webhook runs {image}"), _ONE_IMAGE
        )
    return good("settings", f"the settings can be read; pullers run {found.puller_image}")


def _image_of(deployment: Raw | Fault) -> str:
    if isinstance(deployment, Fault):
        return ""
    spec = mapping(mapping(mapping(deployment, "spec"), "template"), "spec")
    return next((str(one.get("image", "")) for one in entries(spec, "containers") if name_of(one) == "webhook"), "")
