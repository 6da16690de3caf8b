"""What stands on a workload goes into its pods, and leaves them again."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.contract import INJECTION, MODEL, MOUNT_PATH, STATUS, VOLUME
from webhook.injection.workloads import TEMPLATES, propagate, template_of


def workload(labels: dict[str, str], annotations: dict[str, str], template: dict[str, Any]) -> dict[str, Any]:
    """Make a Deployment whose template has the given metadata."""
    metadata = {"name": "vllm", "labels": labels, "annotations": annotations}
    return {"metadata": metadata, "spec": {"template": {"metadata": template, "spec": {"containers": []}}}}


def _template(obj: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = obj["spec"]["template"]["metadata"]
    return found


def test_a_label_on_a_deployment_reaches_its_pods() -> None:
    """The model label and our annotations are copied; the status and foreign keys are not."""
    given_annotations = {VOLUME.name: "pvc:models", STATUS.name: "{}", "example.com/x": "y"}
    given_labels = {MODEL.name: "phi-4", INJECTION.name: "disabled", "app": "vllm"}
    before = workload(given_labels, given_annotations, {"labels": {"app": "vllm"}})
    after = propagate("Deployment", before, None).workload
    assert _template(after) == {
        "labels": {"app": "vllm", MODEL.name: "phi-4", INJECTION.name: "disabled"},
        "annotations": {VOLUME.name: "pvc:models"},
    }
    assert _template(before) == {"labels": {"app": "vllm"}}


@pytest.mark.parametrize("kind", TEMPLATES)
def test_every_kind_gets_the_label_where_its_pods_are_made(kind: str) -> None:
    """A CronJob's template lies deeper than the others'."""
    obj: dict[str, Any] = {"spec": {"containers": []}}
    for step in reversed(TEMPLATES[kind]):
        obj = {step: obj}
    obj["metadata"] = {"labels": {MODEL.name: "phi-4"}}
    after = propagate(kind, obj, None).workload
    assert template_of(after, TEMPLATES[kind])["metadata"] == {"labels": {MODEL.name: "phi-4"}}


def test_a_label_that_is_taken_off_leaves_the_template() -> None:
    """Unlabelling a workload takes out what the label brought in, annotations too."""
    old = workload({MODEL.name: "phi-4"}, {MOUNT_PATH.name: "/m"}, {})
    labelled = propagate("Deployment", old, None).workload
    template = _template(labelled)
    unlabelled = workload({}, {MOUNT_PATH.name: "/m"}, template)
    assert _template(propagate("Deployment", unlabelled, labelled).workload) == {"labels": {}, "annotations": {}}


def test_a_template_that_says_something_else_keeps_it() -> None:
    """Only the value that the workload had is taken out again."""
    old = workload({MODEL.name: "phi-4"}, {MOUNT_PATH.name: "/m"}, {})
    new = workload({}, {}, {"labels": {MODEL.name: "own"}, "annotations": {MOUNT_PATH.name: "/m"}})
    assert _template(propagate("Deployment", new, old).workload) == {"labels": {MODEL.name: "own"}, "annotations": {}}


def test_a_workload_without_the_label_has_no_say() -> None:
    """A template that was labelled by hand stays as it is, whatever annotations the workload has."""
    template = {"labels": {MODEL.name: "phi-4"}}
    obj = workload({}, {MOUNT_PATH.name: "/m"}, template)
    assert propagate("Deployment", obj, obj).workload is obj


def test_a_job_that_exists_is_warned_of_and_left_alone() -> None:
    """A Job's template cannot change, and a patch of it would refuse the whole update."""
    outcome = propagate("Job", workload({MODEL.name: "phi-4"}, {}, {}), workload({}, {}, {}))
    assert _template(outcome.workload) == {}
    assert len(outcome.warnings) == 1


def test_a_job_is_labelled_when_it_is_created() -> None:
    """At its creation a Job is like the others."""
    outcome = propagate("Job", workload({MODEL.name: "phi-4"}, {}, {}), None)
    assert _template(outcome.workload) == {"labels": {MODEL.name: "phi-4"}}
    assert outcome.warnings == ()


_LABELS = st.dictionaries(st.sampled_from([MODEL.name, INJECTION.name, "app"]), st.sampled_from(["a", "b"]))
_ANNOTATIONS = st.dictionaries(st.sampled_from([MOUNT_PATH.name, VOLUME.name, "x"]), st.sampled_from(["a", "b"]))
_WORKLOADS = st.builds(
    workload, _LABELS, _ANNOTATIONS, st.fixed_dictionaries({}, optional={"labels": _LABELS, "annotations": st.none()})
)


@given(_WORKLOADS, st.none() | _WORKLOADS)
def test_a_second_pass_over_a_workload_changes_nothing(new: dict[str, Any], old: dict[str, Any] | None) -> None:
    """What was settled once stays settled."""
    once = propagate("Deployment", new, old).workload
    assert propagate("Deployment", once, old).workload == once


@pytest.mark.parametrize("spec", [None, {}, {"template": None}, {"template": []}])
def test_a_workload_without_a_template_is_left_alone(spec: Any) -> None:
    """An odd workload is the API server's to refuse."""
    obj = {"metadata": {"labels": {MODEL.name: "phi-4"}}, "spec": spec}
    assert propagate("Deployment", obj, None).workload is obj
