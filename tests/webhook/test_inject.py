"""Laws of injection, over generated pods; what single pods get is in tests/cases."""

import copy
import json
from typing import Any

import jsonpatch
from hypothesis import given
from hypothesis import strategies as st
from jsonpointer import resolve_pointer

from registry.errors import Fault
from webhook.catalog import Catalog
from webhook.contract import KEYS, MODEL, STATUS
from webhook.injection.inject import ALREADY, Injection, Skip, inject
from webhook.injection.record import parse_record
from webhook.patch import diff
from webhook.settings import Settings

from .test_patch import JSON

_CATALOG = Catalog.read({"phi-4": "oci://registry.example.com/models/phi-4:v1"})
_SETTINGS = Settings()

_NAMES = st.sampled_from(["server", "logger", "istio-proxy", "x"])
_ENVIRONMENT = st.lists(st.fixed_dictionaries({"name": st.sampled_from(["A", "WEIGHBRIDGE_MODEL_PATH"])}), max_size=3)
_RESOURCES = st.dictionaries(
    st.sampled_from(["limits", "requests"]),
    st.dictionaries(st.sampled_from(["cpu", "memory", "nvidia.com/gpu"]), st.sampled_from([1, "2Gi", "100m", "odd"])),
)
_CONTAINERS = st.none() | st.lists(
    st.fixed_dictionaries(
        {"name": _NAMES},
        optional={
            "env": st.none() | _ENVIRONMENT,
            "resources": st.none() | _RESOURCES,
            "volumeMounts": st.none() | st.lists(st.fixed_dictionaries({"mountPath": st.just("/data")}), max_size=1),
            "restartPolicy": st.just("Always"),
            "securityContext": st.none() | st.fixed_dictionaries({"runAsUser": st.sampled_from([0, 1000, None])}),
            "fromTheFuture": JSON,
        },
    ),
    max_size=3,
    unique_by=lambda container: str(container["name"]),
)
PODS = st.fixed_dictionaries(
    {
        "metadata": st.fixed_dictionaries(
            {"labels": st.just({MODEL.name: "phi-4"})},
            optional={"annotations": st.none() | st.just({"note": "Grüße"}), "fromTheFuture": JSON},
        ),
        "spec": st.fixed_dictionaries(
            {"containers": _CONTAINERS},
            optional={
                "initContainers": _CONTAINERS,
                "volumes": st.none() | st.just([{"name": "data", "emptyDir": {}}]),
                "tolerations": st.none() | st.just([{"operator": "Exists", "effect": "NoSchedule"}]),
                "imagePullSecrets": st.none() | st.just([{"name": "one"}, {}]),
                "securityContext": st.none() | st.just({"runAsUser": 0}),
                "fromTheFuture": JSON,
            },
        ),
    }
)


def _injected(pod: dict[str, Any]) -> Injection:
    outcome = inject(pod, _CATALOG, _SETTINGS)
    assert isinstance(outcome, Injection)
    return outcome


def _fate(pod: dict[str, Any]) -> str:
    """Return the code of what becomes of the pod."""
    try:
        outcome = inject(pod, _CATALOG, _SETTINGS)
    except Fault as refusal:
        return refusal.code if refusal.hint else ""
    return outcome.code if isinstance(outcome, Skip) else "injected"


@given(PODS)
def test_a_second_pass_is_the_identity(pod: dict[str, Any]) -> None:
    """An injected pod is recognised and stays as it is."""
    assert inject(_injected(pod).pod, _CATALOG, _SETTINGS) is ALREADY


@given(PODS)
def test_nothing_that_the_pod_had_is_lost(pod: dict[str, Any]) -> None:
    """The patch removes nothing and replaces nothing but nulls: every field survives, known or not."""
    state = copy.deepcopy(pod)
    for operation in diff(pod, _injected(pod).pod):
        assert operation["op"] != "remove"
        if operation["op"] == "replace":
            assert resolve_pointer(state, operation["path"]) is None
        state = jsonpatch.apply_patch(state, [operation])


@given(PODS)
def test_the_record_on_the_pod_is_the_plan(pod: dict[str, Any]) -> None:
    """The status annotation reads back as what was done."""
    outcome = _injected(pod)
    assert parse_record(outcome.pod["metadata"]["annotations"][STATUS.name]) == outcome.status


@given(JSON, JSON)
def test_no_pod_is_odd_enough_to_crash(metadata: Any, spec: Any) -> None:
    """Whatever stands in a pod, it is injected, skipped or refused."""
    annotations = metadata if isinstance(metadata, dict) else {}
    pod = {"metadata": {"labels": {MODEL.name: "phi-4"}, "annotations": annotations, "x": metadata}, "spec": spec}
    assert _fate(pod)


@given(st.sampled_from([key.name for key in KEYS if key.kind == "annotation"]), JSON | st.text(max_size=40))
def test_no_annotation_is_odd_enough_to_crash(name: str, value: Any) -> None:
    """Whatever stands in an annotation of ours, the answer is an injection or a refusal."""
    pod = {"metadata": {"labels": {MODEL.name: "phi-4"}, "annotations": {name: value}}, "spec": {"containers": []}}
    assert _fate(pod)


def test_what_another_plugin_took_away_is_given_back() -> None:
    """The second pass adds what the plan wants and the pod lacks, and nothing else."""
    pod = {"metadata": {"labels": {MODEL.name: "phi-4"}}, "spec": {"containers": [{"name": "server"}]}}
    injected = _injected(pod).pod
    damaged = copy.deepcopy(injected)
    del damaged["spec"]["containers"][0]["env"]
    damaged["spec"]["containers"].append({"name": "istio-proxy"})
    repaired = _injected(damaged).pod
    assert repaired["spec"]["containers"] == [*injected["spec"]["containers"], {"name": "istio-proxy"}]


def test_a_forged_record_does_not_pass_for_ours() -> None:
    """A container of our name with a record that we did not write is refused."""
    for record in ("", "null", "[]", '{"version":2}', '{"version":1,"model":"/etc"}', json.dumps({"version": 1})):
        pod = {
            "metadata": {"labels": {MODEL.name: "phi-4"}, "annotations": {STATUS.name: record}},
            "spec": {"initContainers": [{"name": "weighbridge-puller"}], "containers": [{"name": "server"}]},
        }
        assert _fate(pod) == "name.taken"
