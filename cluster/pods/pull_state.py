"""What a pod says of its model: its record, what its containers wait for, and the puller's termination message. Pure.

Tests: tests/verbs/test_pull_state.py
"""

import datetime as dt
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from registry.printable import printable
from webhook.contract import DISABLED, INJECTION
from webhook.injection.record import read_status
from webhook.injection.status import Status
from webhook.names import PULLER, READY, SIDECAR, is_our_container
from webhook.pod.podspec import Raw, entries, labels, mapping, name_of

Name = Literal[
    "without",
    "opted-out",
    "refused",
    "pending",
    "waiting",
    "pulling",
    "failing",
    "starting",
    "ready",
    "terminating",
    "ended",
]
_WORDS = 600
_CODE = re.compile(r"denied the request: \[([a-z-]+\.[a-z.-]+)\]")
_ORDINARY = ("PodInitializing", "ContainerCreating")
_REASONS = {
    "OOMKilled": "give the pod more memory, or the model another weighbridge.dev/volume than memory",
    "ErrImagePull": "see WEIGHBRIDGE_PULLER_IMAGE and WEIGHBRIDGE_PULLER_PULL_SECRETS for the puller's image, and the "
    "pod's imagePullSecrets for its own",
    "Evicted": "the node ran out of what the message names: give the model a claim, or the pod ephemeral-storage",
    "CreateContainerConfigError": "create what the message names, in the pod's namespace",
}
_REASONS["ImagePullBackOff"] = _REASONS["ErrImagePull"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PullState:
    """How far a pod is. `why` and `hint` say what keeps it; the rest is what its puller left, where it did."""

    name: Name
    code: str = ""
    why: str = ""
    hint: str = ""
    digest: str = ""
    byte_count: int | None = None
    pull_seconds: float | None = None
    ready_seconds: float | None = None

    def words(self) -> str:
        """Return the state in one line: `failing [registry.not-found]: …`."""
        code = f" [{self.code}]" if self.code else ""
        return f"{self.name}{code}" + (f": {self.why}" if self.why else "")


def refused(said: str) -> PullState:
    """Return the state of pods that the API server refuses, with the code that our webhook wrote into its words."""
    code = _CODE.search(said)
    hint = "" if code else "read the API server's own words: a quota, a policy, or a webhook that does not answer"
    return PullState(name="refused", code=code[1] if code else "", why=said, hint=hint)


def pull_state(pod: Raw) -> PullState:
    """Return how far a labelled pod is with its model."""
    record, phase = read_status(pod), mapping(pod, "status").get("phase")
    if phase in ("Succeeded", "Failed"):
        return _of_ended(pod)
    deleted = mapping(pod, "metadata").get("deletionTimestamp")
    if deleted:
        return PullState(name="terminating", why=f"it is to be gone by {deleted}")
    if record is None:
        if labels(pod).get(INJECTION.name) == DISABLED:
            return PullState(name="opted-out", why=f"its label {INJECTION.name} is {DISABLED}")
        hint = "create it anew where its namespace has opted in and the webhook runs: weighbridge check"
        return PullState(name="without", why="it was created without its model: no webhook saw it", hint=hint)
    puller = _puller_status(pod)
    if record.image and not _has_pulled(puller):
        return _of_puller(pod, puller)
    return _of_server(pod, record, _message(mapping(mapping(puller, "state"), "terminated")))


def _puller_status(pod: Raw) -> Raw:
    """Return the status of the container that ends as the pull does; before it begins, of the sidecar that pulls."""
    ready = _container_status(pod, READY)
    if mapping(ready, "state").keys() - {"waiting"} or mapping(ready, "lastState"):
        return ready
    return _container_status(pod, SIDECAR) or _container_status(pod, PULLER)


def _has_pulled(puller: Raw) -> bool:
    return mapping(mapping(puller, "state"), "terminated").get("exitCode") == 0


def _of_ended(pod: Raw) -> PullState:
    status = mapping(pod, "status")
    reason, message = str(status.get("reason") or ""), printable(str(status.get("message") or ""), _WORDS)
    puller = _puller_status(pod)
    ended = mapping(mapping(puller, "state"), "terminated")
    if ended.get("exitCode"):
        return _of_failure(ended, name_of(puller))
    if status.get("phase") == "Failed":
        why = f"{reason}: {message}".strip(": ") or "a container of it failed"
        return PullState(name="failing", code=reason, why=why, hint=_REASONS.get(reason, "kubectl describe pod"))
    return PullState(name="ended")


def _of_puller(pod: Raw, puller: Raw) -> PullState:
    """Return the state of a pod whose puller is not done."""
    state = mapping(puller, "state")
    ended = mapping(state, "terminated") or mapping(mapping(puller, "lastState"), "terminated")
    failure = _of_failure(ended, name_of(puller)) if ended.get("exitCode") else None
    running = mapping(state, "running")
    if failure is not None and not running:
        return failure
    statuses = entries(mapping(pod, "status"), "initContainerStatuses")
    waiting = next(_waits([one for one in statuses if is_our_container(name_of(one))]), None)
    if waiting is not None:
        return waiting
    if running:
        since = f"since {running.get('startedAt')}"
        if failure is not None:
            return PullState(name="pulling", code=failure.code, why=f"{since}, again after: {failure.why}")
        return PullState(name="pulling", why=since)
    return _of_scheduling(pod)


def _of_failure(ended: Raw, container: str) -> PullState:
    """Return the state of a pod whose puller failed, by what it said; one that was killed says nothing."""
    said, reason = _message(ended), str(ended.get("reason") or "")
    if isinstance(said.get("code"), str):
        why, hint = (printable(str(said.get(key) or ""), _WORDS) for key in ("error", "hint"))
        return PullState(name="failing", code=said["code"], why=why, hint=hint)
    text = printable(str(ended.get("message") or ""), _WORDS)
    why = f"its puller ended with {ended.get('exitCode')}, {reason}" + (f": {text}" if text else "")
    hint = _REASONS.get(reason, f"kubectl logs POD -c {container} --previous")
    return PullState(name="failing", code=reason, why=why, hint=hint)


def _of_scheduling(pod: Raw) -> PullState:
    for condition in entries(mapping(pod, "status"), "conditions"):
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            why = printable(str(condition.get("message") or condition.get("reason") or ""), _WORDS)
            hint = "free a node that it fits on, or let it tolerate its taints (weighbridge.dev/tolerations)"
            return PullState(name="pending", code="Unschedulable", why=why, hint=hint)
    return PullState(name="waiting", why="its containers have not begun")


def _of_server(pod: Raw, record: Status, said: Raw) -> PullState:
    """Return the state of a pod whose model is there."""
    digest, size, seconds = said.get("digest"), said.get("bytes"), said.get("seconds")
    known: dict[str, Any] = {
        "digest": digest if isinstance(digest, str) and digest else str(record.digest or ""),
        "byte_count": size if isinstance(size, int) else record.content_bytes,
        "pull_seconds": float(seconds) if isinstance(seconds, int | float) else None,
    }
    ready = next((one for one in entries(mapping(pod, "status"), "conditions") if one.get("type") == "Ready"), {})
    if ready.get("status") == "True":
        return PullState(name="ready", ready_seconds=_ready_seconds(pod, ready), **known)
    others = [*entries(mapping(pod, "status"), "initContainerStatuses"), *_app_statuses(pod)]
    waiting = next(_waits(others), None)
    if waiting is None:
        return PullState(name="starting", **known)
    return PullState(name="starting", code=waiting.code, why=waiting.why, hint=waiting.hint, **known)


def _waits(statuses: list[Raw]) -> Iterator[PullState]:
    """Yield what containers wait for that is out of the ordinary."""
    for status in statuses:
        waiting = mapping(mapping(status, "state"), "waiting")
        reason = str(waiting.get("reason") or "")
        if not reason or reason in _ORDINARY:
            continue
        said = printable(str(waiting.get("message") or ""), _WORDS)
        why = f"{name_of(status)}: {reason}" + (f", {said}" if said else "")
        hint = _REASONS.get(reason, f"kubectl logs POD -c {name_of(status)} --previous")
        yield PullState(name="waiting", code=reason, why=why, hint=hint)


def _app_statuses(pod: Raw) -> list[Raw]:
    return entries(mapping(pod, "status"), "containerStatuses")


def _container_status(pod: Raw, name: str) -> Raw:
    found = entries(mapping(pod, "status"), "initContainerStatuses")
    return next((one for one in found if name_of(one) == name), {})


def _message(ended: Raw) -> Raw:
    """Return a termination message that is a JSON object; else an empty one. The kubelet keeps a log's end as well."""
    try:
        said = json.loads(str(ended.get("message") or ""))
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _ready_seconds(pod: Raw, ready: Raw) -> float | None:
    try:
        made, since = mapping(pod, "metadata")["creationTimestamp"], ready["lastTransitionTime"]
        return (dt.datetime.fromisoformat(since) - dt.datetime.fromisoformat(made)).total_seconds()
    except (LookupError, TypeError, ValueError):
        return None
