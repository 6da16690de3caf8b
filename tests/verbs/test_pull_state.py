"""What a pod says of its model, in each state that a kubelet leaves."""

import json
from typing import Any

import pytest

from cluster.pods.pull_state import PullState, pull_state, refused
from tests.parts.objects import Object
from webhook.catalog import Catalog
from webhook.injection.inject import Injection, inject
from webhook.settings import Settings

DIGEST = "sha256:" + "a" * 64
CATALOG = Catalog.read({"phi-4": f"oci://registry.example.com/phi-4:v1@{DIGEST}"})
SUCCESS = json.dumps(
    {"source": "oci://x", "digest": DIGEST, "files": 3, "bytes": 1000, "wireBytes": 1000, "seconds": 2.5}
)
FAILURE = json.dumps({"code": "registry.not-found", "error": "GET …: 404", "hint": "check the spelling"})
MADE = "2026-11-26T03:00:00Z"


def pod(annotations: dict[str, str] | None = None, labels: dict[str, str] | None = None) -> Object:
    """Return a pod that the webhook gave its model."""
    metadata = {
        "name": "chat",
        "creationTimestamp": MADE,
        "labels": {"weighbridge.dev/model": "phi-4"} | (labels or {}),
        "annotations": annotations or {},
    }
    bare = {"kind": "Pod", "metadata": metadata, "spec": {"containers": [{"name": "server"}]}}
    made = inject(bare, CATALOG, Settings())
    return made.pod if isinstance(made, Injection) else bare


def state_of(status: Object, **metadata: dict[str, str]) -> PullState:
    """Return the state of a pod with a status."""
    return pull_state(pod(**metadata) | {"status": status})


def puller(**state: Any) -> Object:
    """Return the status of the puller's container."""
    return {"initContainerStatuses": [{"name": "weighbridge-puller", "state": state}]}


DONE = puller(terminated={"exitCode": 0, "message": SUCCESS})
FAILED = {"exitCode": 1, "reason": "Error", "message": FAILURE}
READY = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-26T03:01:30Z"}
UNSCHEDULABLE = {"type": "PodScheduled", "status": "False", "message": "0/1 nodes: Insufficient nvidia.com/gpu"}


def test_a_pod_that_serves_says_what_it_pulled_and_how_long_it_took() -> None:
    """From its puller's message and its own conditions."""
    assert state_of(DONE | {"phase": "Running", "conditions": [READY]}) == PullState(
        name="ready", digest=DIGEST, byte_count=1000, pull_seconds=2.5, ready_seconds=90.0
    )


@pytest.mark.parametrize(
    ("status", "name", "code", "words", "hint"),
    [
        ({}, "waiting", "", "have not begun", ""),
        ({"conditions": [UNSCHEDULABLE]}, "pending", "Unschedulable", "Insufficient nvidia.com/gpu", "free a node"),
        (puller(waiting={"reason": "PodInitializing"}), "waiting", "", "have not begun", ""),
        (
            puller(waiting={"reason": "ErrImagePull", "message": "no such image"}),
            "waiting",
            "ErrImagePull",
            "weighbridge-puller: ErrImagePull, no such image",
            "WEIGHBRIDGE_PULLER_IMAGE",
        ),
        (puller(running={"startedAt": MADE}), "pulling", "", f"since {MADE}", ""),
        (puller(terminated=FAILED), "failing", "registry.not-found", "GET …: 404", "check the spelling"),
        (
            {
                "initContainerStatuses": [
                    {
                        "name": "weighbridge-puller",
                        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                        "lastState": {"terminated": FAILED},
                    }
                ]
            },
            "failing",
            "registry.not-found",
            "404",
            "check the spelling",
        ),
        (
            puller(terminated={"exitCode": 137, "reason": "OOMKilled"}),
            "failing",
            "OOMKilled",
            "ended with 137, OOMKilled",
            "more memory",
        ),
        (
            puller(terminated={"exitCode": 2, "reason": "Error", "message": "python: not found\x1b[31m"}),
            "failing",
            "Error",
            "python: not found\\x1b",
            "kubectl logs POD -c weighbridge-puller --previous",
        ),
        (DONE, "starting", "", "", ""),
        (
            DONE
            | {
                "containerStatuses": [
                    {"name": "server", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "x"}}}
                ]
            },
            "starting",
            "ImagePullBackOff",
            "server: ImagePullBackOff, x",
            "imagePullSecrets",
        ),
        (
            DONE | {"containerStatuses": [{"name": "server", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]},
            "starting",
            "CrashLoopBackOff",
            "server: CrashLoopBackOff",
            "kubectl logs POD -c server --previous",
        ),
        (
            {"phase": "Failed", "reason": "Evicted", "message": "low on resource: ephemeral-storage."},
            "failing",
            "Evicted",
            "low on resource",
            "ephemeral-storage",
        ),
        ({"phase": "Failed"} | puller(terminated=FAILED), "failing", "registry.not-found", "404", "spelling"),
        ({"phase": "Succeeded"}, "ended", "", "", ""),
    ],
)
def test_what_keeps_a_pod_is_said_with_what_to_do(status: Object, name: str, code: str, words: str, hint: str) -> None:
    """In the kubelet's or the puller's own words, escaped."""
    found = state_of(status)
    assert (found.name, found.code) == (name, code)
    assert words in found.why
    assert hint in found.hint


def test_a_puller_that_runs_again_is_no_failure() -> None:
    """It goes on where the one before it was, perhaps for hours; what ended that one is told."""
    status = {"name": "weighbridge-puller", "state": {"running": {"startedAt": MADE}}}
    found = state_of({"initContainerStatuses": [status | {"lastState": {"terminated": FAILED}}]})
    assert (found.name, found.code) == ("pulling", "registry.not-found")
    assert found.why == f"since {MADE}, again after: GET …: 404"


@pytest.mark.parametrize("status", [DONE | {"phase": "Running", "conditions": [READY]}, puller(terminated=FAILED), {}])
def test_a_pod_that_is_deleted_serves_nobody_any_more(status: Object) -> None:
    """Its containers may run, and be ready, until its grace is over."""
    deleted = pod()
    deleted["metadata"]["deletionTimestamp"] = MADE
    assert pull_state(deleted | {"status": status}).name == "terminating"
    assert pull_state(deleted | {"status": {"phase": "Succeeded"}}).name == "ended"


def test_a_pod_without_its_model_says_why() -> None:
    """It opted out, or no webhook saw it; one whose model is on a claim has no puller to wait for."""
    opted_out = pod(labels={"weighbridge.dev/injection": "disabled"})
    assert pull_state(opted_out).name == "opted-out"
    bare = pod()
    del bare["metadata"]["annotations"]
    assert pull_state(bare).name == "without"
    on_claim = pod({"weighbridge.dev/source": "pvc://models/phi-4"})
    assert pull_state(on_claim | {"status": {"conditions": [READY]}}).name == "ready"


def overlapped(ready: Object) -> PullState:
    """Return the state of a pod whose sidecar runs, with the state of the container that waits for it."""
    sidecar = {"name": "weighbridge-pull", "state": {"running": {"startedAt": MADE}}}
    return state_of({"initContainerStatuses": [sidecar, {"name": "weighbridge-ready"} | ready]})


@pytest.mark.parametrize(
    ("ready", "name", "code"),
    [
        ({"state": {"waiting": {"reason": "PodInitializing"}}}, "pulling", ""),
        ({"state": {"running": {"startedAt": MADE}}}, "pulling", ""),
        ({"state": {"waiting": {"reason": "ImagePullBackOff", "message": "x"}}}, "waiting", "ImagePullBackOff"),
        ({"state": {"terminated": FAILED}}, "failing", "registry.not-found"),
        ({"state": {"terminated": {"exitCode": 0, "message": SUCCESS}}}, "starting", ""),
    ],
)
def test_with_overlap_the_container_that_waits_says_how_it_is(ready: Object, name: str, code: str) -> None:
    """The sidecar runs all the time; an engine's image that is not to be had keeps the pod, not the pull."""
    found = overlapped(ready)
    assert (found.name, found.code) == (name, code)


def test_a_container_that_was_killed_is_the_one_whose_log_is_named() -> None:
    """With overlap that is not the puller, which is not in the pod."""
    killed = {"state": {"terminated": {"exitCode": 2, "reason": "Error"}}}
    assert overlapped(killed).hint == "kubectl logs POD -c weighbridge-ready --previous"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"code": 3}', '{"bytes": "many", "seconds": null, "digest": 4}'])
def test_odd_messages_are_no_messages(text: str) -> None:
    """Whoever writes into the file: nothing is believed that has another form."""
    done = state_of(puller(terminated={"exitCode": 0, "message": text}) | {"conditions": [READY]})
    assert (done.name, done.digest, done.byte_count, done.pull_seconds) == ("ready", DIGEST, None, None)
    failed = state_of(puller(terminated={"exitCode": 1, "reason": "Error", "message": text}))
    assert (failed.name, failed.code) == ("failing", "Error")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ('admission webhook "pods.weighbridge.dev" denied the request: [model.unknown] the model …', "model.unknown"),
        ('pods "a" is forbidden: exceeded quota: [x.y]', ""),
        ('Internal error occurred: failed calling webhook "pods.weighbridge.dev": … connection refused', ""),
    ],
)
def test_a_refusal_has_the_code_that_our_webhook_gave_it(said: str, code: str) -> None:
    """And a hint where somebody else refused."""
    found = refused(said)
    assert (found.code, found.why) == (code, said)
    assert bool(found.hint) is not bool(code)
