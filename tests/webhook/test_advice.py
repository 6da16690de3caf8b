"""What whoever puts the label where it does nothing is told."""

from typing import Any

import pytest

from webhook.contract import INJECTION, MODEL
from webhook.workloads.advice import advise, advise_opt_in
from webhook.workloads.templates import find_templates, written

LABELS = {MODEL.name: "phi-4"}
TEMPLATE: dict[str, Any] = {"metadata": {}, "spec": {"containers": []}}
LABELLED: dict[str, Any] = {"metadata": {"labels": LABELS}, "spec": {"containers": []}}


@pytest.mark.parametrize(
    ("kind", "spec", "places"),
    [
        ("Rollout", {"template": TEMPLATE}, ["spec.template.metadata.labels"]),
        (
            "LeaderWorkerSet",
            {"leaderWorkerTemplate": {"leaderTemplate": LABELLED, "workerTemplate": TEMPLATE}},
            ["spec.leaderWorkerTemplate.workerTemplate.metadata.labels"],
        ),
        (
            "JobSet",
            {"replicatedJobs": [{"template": {"spec": {"template": TEMPLATE}}}] * 2},
            [f"spec.replicatedJobs[{index}].template.spec.template.metadata.labels" for index in range(2)],
        ),
        ("RayCluster", {}, ["on the pods that it makes"]),
    ],
)
def test_a_kind_that_hands_no_label_on_is_told_of_with_its_templates(kind: str, spec: Any, places: list[str]) -> None:
    """The path is the one to write in the manifest."""
    (told,) = advise(kind, {"kind": kind, "metadata": {"labels": LABELS}, "spec": spec}, None)
    assert f"does nothing on a {kind} itself" in told
    assert all(place in told for place in places)


def test_a_kind_whose_templates_have_the_label_is_told_nothing() -> None:
    """There is nothing to mend."""
    obj = {"kind": "Rollout", "metadata": {"labels": LABELS}, "spec": {"template": LABELLED}}
    assert list(advise("Rollout", obj, None)) == []


def test_a_label_on_a_running_pod_is_told_of_once() -> None:
    """The label counts when a pod is made, and what makes it is named."""
    owner = {"kind": "ReplicaSet", "name": "vllm-1", "controller": True}
    pod = {"metadata": {"labels": LABELS, "ownerReferences": [owner]}}
    (told,) = advise("Pod", pod, {"metadata": {}})
    assert "changes nothing in a pod that exists" in told
    assert "ReplicaSet vllm-1" in told
    assert list(advise("Pod", pod, pod)) == []


def test_a_namespace_that_opts_in_or_out_is_told_what_that_means() -> None:
    """What exists gets its model with its next change, and what comes gets none."""
    opted_in = {"metadata": {"name": "team", "labels": {INJECTION.name: "enabled"}}}
    opted_out = {"metadata": {"name": "team"}}
    (told,) = advise("Namespace", opted_in, opted_out)
    assert "kubectl -n team rollout restart" in told
    (told,) = advise("Namespace", opted_out, opted_in)
    assert "no model" in told
    assert list(advise("Namespace", opted_in, opted_in)) == []


def test_a_namespace_that_has_not_opted_in_is_told_of_with_the_command() -> None:
    """One command mends it."""
    (told,) = advise_opt_in("team")
    assert "kubectl label namespace team weighbridge.dev/injection=enabled" in told


def test_a_template_is_known_by_its_shape() -> None:
    """Whatever is around it; a shape like it at the root of another kind is no pod."""
    nested = {"kind": "Thing", "a": [[{"b": TEMPLATE}], {"spec": {"containers": {}}}], "spec": {"containers": []}}
    assert [written(steps) for steps, _ in find_templates(nested)] == ["a[0][0].b"]
    assert [steps for steps, _ in find_templates(TEMPLATE | {"kind": "Pod"})] == [()]
    assert list(find_templates(["no", None, 3])) == []
