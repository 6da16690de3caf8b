"""What stands on a workload goes into its pods, and leaves them again; what users wrote there stays."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.contract import COPIED, INJECTION, MODEL, MOUNT_PATH, STATUS, VOLUME
from webhook.workloads.change import Change
from webhook.workloads.copies import COPIED_KEYS, Copies
from webhook.workloads.deadline import too_short
from webhook.workloads.propagate import Propagation, propagate
from webhook.workloads.templates import TEMPLATES, template_of

Raw = dict[str, Any]


def workload(own: dict[str, str], template: dict[str, str], **more: Any) -> Raw:
    """Make a Deployment with our keys on itself and in its template, and `more` of its metadata."""
    return {"metadata": {"name": "vllm"} | _held(own) | more, "spec": {"template": {"metadata": _held(template)}}}


def _held(values: dict[str, str]) -> Raw:
    kinds = {key.name: f"{key.kind}s" for key in COPIED_KEYS}
    found: Raw = {}
    for name, value in values.items():
        found.setdefault(kinds.get(name, "labels"), {})[name] = value
    return found


def _update(new: Raw, old: Raw | None = None, *, kind: str = "Deployment", is_patch: bool = True) -> Propagation:
    return propagate(Change(kind=kind, new=new, old=old, is_patch=is_patch))


def _in_template(obj: Raw) -> dict[str, Any]:
    template = template_of(obj, TEMPLATES["Deployment"])
    return {key.name: value for key in COPIED_KEYS if (value := key.held(template)) is not None}


def _without(obj: Raw, *names: str) -> Raw:
    """Take keys off a workload, as `kubectl label NAME KEY-` does."""
    after = copy.deepcopy(obj)
    for place in ("labels", "annotations"):
        held = after["metadata"].get(place, {})
        after["metadata"][place] = {name: value for name, value in held.items() if name not in names}
    return after


def test_our_keys_reach_the_pods_and_no_others_do() -> None:
    """The label and our annotations are copied; the status, the record and foreign keys are not."""
    own = {MODEL.name: "phi-4", INJECTION.name: "disabled", VOLUME.name: "pvc:models", "app": "vllm"}
    before = workload(own, {})
    before["metadata"]["annotations"] |= {STATUS.name: "{}", "example.com/x": "y"}

    after = _update(before).workload

    assert after["spec"]["template"]["metadata"] == {
        "labels": {MODEL.name: "phi-4", INJECTION.name: "disabled"},
        "annotations": {VOLUME.name: "pvc:models"},
    }
    assert Copies.read(after).put == {MODEL.name: "phi-4", INJECTION.name: "disabled", VOLUME.name: "pvc:models"}


@pytest.mark.parametrize("kind", TEMPLATES)
@pytest.mark.parametrize("held", [{}, {"metadata": None}, {"metadata": {"labels": None, "annotations": None}}])
def test_every_kind_gets_the_label_where_its_pods_are_made(kind: str, held: Raw) -> None:
    """A CronJob's template lies deeper than the others'; a null is an absence."""
    obj: Raw = {"spec": {"containers": []}} | held
    for step in reversed(TEMPLATES[kind]):
        obj = {step: obj}
    obj["metadata"] = {"labels": {MODEL.name: "phi-4"}}
    after = _update(obj, kind=kind).workload
    assert MODEL.held(template_of(after, TEMPLATES[kind])) == "phi-4"


@pytest.mark.parametrize("key", COPIED_KEYS, ids=lambda key: key.name)
def test_whatever_is_copied_leaves_with_its_original(key: Any) -> None:
    """Taking a key off takes its copy out; taking the label off takes all of them, and the record."""
    labelled = _update(workload({MODEL.name: "phi-4", key.name: "v"}, {"app": "vllm"})).workload
    assert key.held(labelled["spec"]["template"]) is not None

    assert key.name not in _in_template(_update(_without(labelled, key.name), labelled).workload)
    bare = _update(_without(labelled, MODEL.name), labelled).workload
    assert _in_template(bare) == {}
    assert COPIED.held(bare) is None


@pytest.mark.parametrize("key", COPIED_KEYS, ids=lambda key: key.name)
def test_what_a_user_wrote_in_the_template_stays(key: Any) -> None:
    """The same key with the same value on both is the user's: without a record nothing there is ours."""
    both = workload({MODEL.name: "phi-4", key.name: "v"}, {key.name: "v"})
    admitted = _update(both).workload
    assert key.name not in Copies.read(admitted).put
    outcome = _update(_without(admitted, MODEL.name, key.name), admitted)
    assert key.held(outcome.workload["spec"]["template"]) == "v"
    assert "stays 'v' in the template" in outcome.warnings[0]


def test_a_template_that_was_labelled_by_hand_is_left_alone() -> None:
    """A workload without the label has no say, whatever annotations it has."""
    obj = workload({MOUNT_PATH.name: "/m"}, {MODEL.name: "phi-4"})
    assert _update(obj, obj).workload is obj


def test_the_workload_wins_and_whoever_says_otherwise_is_told_each_time() -> None:
    """Both values, and the command for the other one; taking the label off restores the user's value."""
    conflict = workload({MODEL.name: "phi-4"}, {MODEL.name: "gemma"}, namespace="team")
    first = _update(conflict)
    assert _in_template(first.workload) == {MODEL.name: "phi-4"}
    (told,) = first.warnings
    assert "the workload's 'phi-4' replaces 'gemma'" in told
    assert "kubectl label deployment vllm -n team weighbridge.dev/model=gemma --overwrite" in told

    again = copy.deepcopy(first.workload)
    again["spec"] = conflict["spec"]
    second = _update(again, first.workload)
    assert second.warnings == first.warnings
    assert second.workload == first.workload

    assert _in_template(_update(_without(second.workload, MODEL.name), second.workload).workload) == {
        MODEL.name: "gemma"
    }


def test_a_new_value_on_the_workload_replaces_our_copy_without_a_word() -> None:
    """Relabelling is no conflict."""
    labelled = _update(workload({MODEL.name: "phi-4"}, {})).workload
    relabelled = copy.deepcopy(labelled)
    relabelled["metadata"]["labels"][MODEL.name] = "gemma"
    outcome = _update(relabelled, labelled)
    assert (_in_template(outcome.workload), outcome.warnings) == ({MODEL.name: "gemma"}, ())


def test_a_replaced_object_that_leaves_the_record_out_wrote_all_that_is_in_it() -> None:
    """`kubectl replace` of a file with the label in its template makes it the user's; without it, it is copied anew."""
    labelled = _update(workload({MODEL.name: "phi-4"}, {})).workload
    own = _update(workload({MODEL.name: "phi-4"}, {MODEL.name: "phi-4"}), labelled, is_patch=False).workload
    assert COPIED.held(own) is None
    copied = _update(workload({MODEL.name: "phi-4"}, {}), labelled, is_patch=False).workload
    assert copied == labelled


def test_a_record_that_is_taken_off_by_hand_comes_back() -> None:
    """The old object still has it, and a patch leaves the rest as it was."""
    labelled = _update(workload({MODEL.name: "phi-4"}, {})).workload
    assert _update(_without(labelled, COPIED.name), labelled).workload == labelled


@pytest.mark.parametrize("is_patch", [True, False])
def test_an_undo_of_the_label_alone_is_told_that_it_undoes_nothing(*, is_patch: bool) -> None:
    """`kubectl rollout undo` restores the template and leaves the workload's labels; a whole object may lack ours."""
    labelled = _update(workload({MODEL.name: "phi-4"}, {}, namespace="team"), workload({}, {})).workload
    undone = copy.deepcopy(labelled)
    undone["spec"]["template"]["metadata"] = {}

    outcome = _update(undone, labelled, is_patch=is_patch)

    assert _in_template(outcome.workload) == {MODEL.name: "phi-4"}
    command = f"kubectl label deployment vllm -n team {MODEL.name}-"
    assert [command in said for said in outcome.warnings] == [True] * is_patch


@pytest.mark.parametrize("is_helms", [True, False])
def test_a_label_that_leaves_both_at_once_is_told_to_those_of_a_chart(*, is_helms: bool) -> None:
    """Helm's patch says nothing of a value that the template has already, though its chart has moved it there."""
    marks = {"annotations": {"meta.helm.sh/release-name": "serving"}} if is_helms else {}
    labelled = _update(workload({MODEL.name: "phi-4"}, {}, **marks), workload({}, {})).workload

    outcome = _update(_without(labelled, MODEL.name), labelled)

    assert _in_template(outcome.workload) == {}
    assert ["upgrade once more" in said for said in outcome.warnings] == [True] * is_helms


def test_an_undo_to_a_labelled_template_keeps_its_label() -> None:
    """`kubectl rollout undo` brings template and annotations of a time when the workload had the label."""
    labelled = _update(workload({MODEL.name: "phi-4"}, {})).workload
    bare = _update(_without(labelled, MODEL.name), labelled).workload
    undone = bare | {"spec": labelled["spec"]}
    undone["metadata"] = bare["metadata"] | {"annotations": labelled["metadata"]["annotations"]}

    after = _update(undone, bare).workload

    assert _in_template(after) == {MODEL.name: "phi-4"}
    assert COPIED.held(after) is None


def test_a_manifest_that_has_the_key_too_owns_it() -> None:
    """What kubectl or the API server keep of a user's manifest is evidence that a record is not."""
    manifest = json.dumps(workload({}, {MODEL.name: "phi-4"}))
    applied: Raw = {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": manifest}}
    fields: Raw = {"f:spec": {"f:template": {"f:metadata": {"f:labels": {f"f:{MODEL.name}": {}}}}}}
    managed: Raw = {"managedFields": [{"manager": "argocd", "operation": "Apply", "fieldsV1": fields}]}
    for evidence in (applied, managed):
        labelled = _update(workload({MODEL.name: "phi-4"}, {})).workload
        since = copy.deepcopy(labelled)
        for place, value in evidence.items():
            held = since["metadata"].get(place)
            since["metadata"][place] = held | value if isinstance(held, dict) else value
        bare = _update(_without(since, MODEL.name), since).workload
        assert _in_template(bare) == {MODEL.name: "phi-4"}


@pytest.mark.parametrize(
    "record", ["{", "[]", "null", "[" * 100_000, '{"put": 3}', '{"put": {"weighbridge.dev/model": 3}}']
)
def test_a_record_that_is_none_records_nothing(record: str) -> None:
    """Whatever stands in the annotation, the template keeps what is in it."""
    obj = workload({}, {MODEL.name: "phi-4"})
    obj["metadata"]["annotations"] = {COPIED.name: record}
    assert _in_template(_update(obj, obj).workload) == {MODEL.name: "phi-4"}


@pytest.mark.parametrize(
    "selector",
    [
        {"matchLabels": {MODEL.name: "phi-4"}},
        {"matchExpressions": [{"key": MODEL.name, "operator": "Exists"}]},
        {"matchExpressions": [{"key": MODEL.name, "operator": "In", "values": ["phi-4"]}]},
    ],
)
def test_a_selector_pins_its_keys_and_that_is_said(selector: Raw) -> None:
    """The API server would refuse a template that its selector does not match."""
    obj = workload({MODEL.name: "phi-4"}, {})
    obj["spec"]["selector"] = selector
    labelled = _update(obj).workload
    outcome = _update(_without(labelled, MODEL.name), labelled)
    assert _in_template(outcome.workload) == {MODEL.name: "phi-4"}
    assert "because the selector names it" in outcome.warnings[0]


def test_what_is_being_deleted_passes() -> None:
    """A finalizer that goes is all that such an update is about."""
    obj = workload({MODEL.name: "phi-4"}, {}, deletionTimestamp="2026-01-01T00:00:00Z")
    assert _update(obj, obj) == Propagation(obj)


@pytest.mark.parametrize(
    ("old", "is_changed"),
    [
        ({"spec": {"suspend": True}}, True),
        ({"spec": {"suspend": True}, "status": {"startTime": "2026-01-01T00:00:00Z"}}, False),
        ({"spec": {"suspend": False}}, False),
        ({}, False),
    ],
)
def test_only_a_suspended_job_that_never_started_may_change(old: Raw, *, is_changed: bool) -> None:
    """Any other Job's template cannot, and a patch of it would refuse the whole update."""
    outcome = _update(workload({MODEL.name: "phi-4"}, {}), workload({}, {}) | old, kind="Job")
    assert bool(_in_template(outcome.workload)) == is_changed
    assert bool(outcome.warnings) != is_changed


def test_a_job_that_runs_is_told_of_once() -> None:
    """Updates that are not about our keys say nothing."""
    obj = workload({MODEL.name: "phi-4"}, {})
    assert _update(obj, obj, kind="Job").warnings == ()


def test_pods_that_stay_until_they_are_deleted_are_told_of() -> None:
    """With OnDelete a changed template alone moves nothing."""
    obj = workload({MODEL.name: "phi-4"}, {})
    obj["spec"]["updateStrategy"] = {"type": "OnDelete"}
    assert "until they are deleted" in _update(obj, workload({}, {})).warnings[0]


@pytest.mark.parametrize("spec", [None, {}, {"template": None}, {"template": []}])
def test_a_workload_without_a_template_is_left_alone(spec: Any) -> None:
    """An odd workload is the API server's to refuse."""
    obj = {"metadata": {"labels": {MODEL.name: "phi-4"}}, "spec": spec}
    assert _update(obj).workload is obj


_VALUES = st.dictionaries(
    st.sampled_from([MODEL.name, INJECTION.name, MOUNT_PATH.name, VOLUME.name]), st.sampled_from(["a", "b"])
)
_WORKLOADS = st.builds(workload, _VALUES, _VALUES)


@given(_WORKLOADS, st.none() | _WORKLOADS, st.booleans())
def test_a_second_pass_changes_nothing(new: Raw, old: Raw | None, is_patch: bool) -> None:  # noqa: FBT001 - drawn
    """Another webhook may have the API server ask again: what was decided stays."""
    before = _update(old).workload if old else None
    given_before = copy.deepcopy(new)
    once = _update(new, before, is_patch=is_patch).workload
    assert new == given_before
    assert _update(once, before, is_patch=is_patch).workload == once


@given(_VALUES, _VALUES)
def test_labelling_and_unlabelling_leaves_the_template_as_it_was(own: dict[str, str], template: dict[str, str]) -> None:
    """Whatever was there before the label is there after it."""
    before = workload({}, template)
    labelled = copy.deepcopy(before)
    for place, held in _held(own | {MODEL.name: "phi-4"}).items():
        labelled["metadata"].setdefault(place, {}).update(held)
    admitted = _update(labelled, before).workload
    after = _update(_without(admitted, *(key.name for key in COPIED_KEYS)), admitted).workload
    assert _in_template(after) == _in_template(before)
    assert COPIED.held(after) is None


@given(st.dictionaries(st.sampled_from([key.name for key in COPIED_KEYS]), st.text(), min_size=1))
def test_a_record_is_read_as_it_was_written(put: dict[str, str]) -> None:
    """Copies.read(workload) == copies after copies.write(workload)."""
    obj: Raw = {}
    Copies(put, put).write(obj)
    assert Copies.read(obj) == Copies(put, put)


@pytest.mark.parametrize(
    ("kind", "stated", "content_bytes", "words"),
    [
        ("Deployment", None, 140_000_000_000, "140 GB take 1400 s at 100 MB/s, and progressDeadlineSeconds is 600"),
        ("Deployment", 1500, 140_000_000_000, ""),
        ("Deployment", 1459, 140_000_000_000, "progressDeadlineSeconds is 1459"),
        ("Deployment", None, 14_000_000_000, ""),
        ("Deployment", None, None, ""),
        ("Deployment", "soon", 140_000_000_000, ""),
        ("StatefulSet", None, 140_000_000_000, ""),
    ],
)
def test_a_deadline_that_a_large_model_cannot_meet_is_said(
    kind: str, stated: object, content_bytes: int | None, words: str
) -> None:
    """Only a Deployment has one, and only a size that is known says anything."""
    spec = {} if stated is None else {"progressDeadlineSeconds": stated}
    found = too_short(kind, {"spec": spec}, content_bytes)
    assert words in found
    assert bool(found) is bool(words)
