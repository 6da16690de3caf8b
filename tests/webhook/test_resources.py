"""Quantities, and the loan: what the puller gets costs the pod nothing, in whatever form the pod states amounts."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.contract import MODEL, PULLER_RESOURCES
from webhook.pod.quantities import quantity
from webhook.pod.resources import Resources, is_best_effort, is_guaranteed
from webhook.settings import Settings

from .test_second_pass import Pod, injected, puller

KINDS, NAMES = ("requests", "limits"), ("cpu", "memory")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", "1"),
        (2, "2"),
        ("0.5", "0.5"),
        ("100m", "0.1"),
        ("1k", "1000"),
        ("1Ki", "1024"),
        ("1.5Gi", "1610612736"),
        ("1e3", "1000"),
        ("2E", "2e18"),
        ("-1", "-1"),
    ],
)
def test_a_quantity_is_read_as_kubernetes_reads_it(text: object, value: str) -> None:
    """Suffixes are decimal, binary, or an exponent."""
    assert quantity(text) == Decimal(value)


@pytest.mark.parametrize("text", ["", "m", "1 Gi", "1gi", "one", None, [], {}, True, "9" * 100, "٣"])
def test_what_is_no_quantity_is_none(text: object) -> None:
    """An odd value is the API server's to refuse."""
    assert quantity(text) is None


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ({"limits": {"cpu": 1, "memory": "1Gi"}}, True),
        ({"limits": {"cpu": 1, "memory": "1Gi"}, "requests": {"cpu": "1000m"}}, True),
        ({"limits": {"cpu": 1, "memory": "1Gi"}, "requests": {"cpu": "500m"}}, False),
        ({"limits": {"memory": "1Gi"}}, False),
        ({"limits": {"cpu": 0, "memory": "1Gi"}}, False),
        ({}, False),
        (None, False),
    ],
)
def test_a_pod_is_guaranteed_if_all_its_containers_get_just_what_they_may(resources: Any, *, expected: bool) -> None:
    """Both resources count, and init containers too."""
    exact = {"name": "a", "resources": {"limits": {"cpu": 1, "memory": "1Gi"}}}
    other = {"name": "b", "resources": resources}
    assert is_guaranteed({"spec": {"containers": [exact, other]}}) is expected
    assert is_guaranteed({"spec": {"initContainers": [other], "containers": [exact]}}) is expected


def test_amounts_are_equal_however_they_are_written() -> None:
    """The API server writes half a cpu as 500m."""
    assert Resources((("cpu", "0.5"),)) == Resources((("cpu", "500m"),))
    assert Resources((("memory", "1024Mi"),)) == Resources((("memory", "1Gi"),))
    assert Resources((("cpu", "1"),)) != Resources((), (("cpu", "1"),))


_AMOUNTS = {
    "cpu": st.sampled_from(["10m", "0.5", "500m", 1, "2"]),
    "memory": st.sampled_from(["64Mi", "1Gi", "4Gi", "4096Mi"]),
}


@st.composite
def stated(draw: st.DrawFn) -> dict[str, Any]:
    """Draw what a container states: limits with requests below them, either alone, or nothing."""
    found: dict[str, dict[str, Any]] = {}
    for name, amounts in _AMOUNTS.items():
        form = draw(st.sampled_from(["none", "request", "limit", "exact", "both"]))
        one, other = sorted((draw(amounts), draw(amounts)), key=lambda amount: quantity(amount) or Decimal(0))
        if form in ("request", "both"):
            found.setdefault("requests", {})[name] = one
        if form in ("limit", "both", "exact"):
            found.setdefault("limits", {})[name] = other
        if form == "exact":
            found.setdefault("requests", {})[name] = other
    return found


@st.composite
def pods(draw: st.DrawFn) -> Pod:
    """Draw a pod with sidecars of both kinds, init containers, and perhaps amounts of its own."""

    def container(name: str, **fields: Any) -> dict[str, Any]:
        return {"name": name, "resources": draw(stated()), **fields}

    init = [container("setup"), container("istio-proxy", restartPolicy="Always"), container("warm-up")]
    init.append(container("logger", restartPolicy="Always"))
    apps = [container("server"), container("metrics")]
    apps[0]["resources"].setdefault("limits", {}).update(draw(st.sampled_from([{}, {"nvidia.com/gpu": 1}])))
    spec: dict[str, Any] = {
        "initContainers": [one for one in init if draw(st.booleans())],
        "containers": apps[: draw(st.integers(1, 2))],
    }
    return {"metadata": {"labels": {MODEL.name: "phi-4"}}, "spec": spec}


def effective(pod: Pod, kind: str, name: str) -> Decimal:
    """Return a pod's effective amount by the API server's formula (component-helpers, PodRequests and PodLimits)."""
    beside, highest = Decimal(0), Decimal(0)
    for one in pod["spec"].get("initContainers", []):
        amount = _amount(one, kind, name)
        if one.get("restartPolicy") == "Always":
            beside += amount
            highest = max(highest, beside)
        else:
            highest = max(highest, beside + amount)
    return max(highest, beside + sum(_amount(one, kind, name) for one in pod["spec"]["containers"]))


def _amount(container: Pod, kind: str, name: str) -> Decimal:
    resources = container.get("resources") or {}
    found = quantity((resources.get(kind) or {}).get(name))
    if found is None and kind == "requests":
        found = quantity((resources.get("limits") or {}).get(name))  # the API server's default
    return found or Decimal(0)


def qos(pod: Pod) -> str:
    """Return the pod's QoS class."""
    return "Guaranteed" if is_guaranteed(pod) else "BestEffort" if is_best_effort(pod) else "Burstable"


@given(pods())
def test_the_puller_costs_a_pod_nothing(pod: Pod) -> None:
    """Effective requests and limits of cpu and memory stay as they were, and so does the QoS class."""
    after = injected(pod).pod
    before = {(kind, name): effective(pod, kind, name) for kind in KINDS for name in NAMES}
    assert {(kind, name): effective(after, kind, name) for kind in KINDS for name in NAMES} == before
    assert qos(after) == qos(pod)


@given(pods())
def test_the_pullers_pair_is_one_containers_own(pod: Pod) -> None:
    """So it meets each rule of a LimitRange that this container meets: maximum, minimum, ratio."""
    lent = Resources.of(puller(injected(pod).pod))
    assert lent in [Resources.of(one) for one in pod["spec"]["containers"]]


@given(pods(), st.sampled_from(["memory=64Mi", "cpu=10m", "cpu=10m,memory=64Mi"]))
def test_less_than_the_loan_costs_nothing_either(pod: Pod, amounts: str) -> None:
    """What the annotation asks for below the amounts that the pod states changes neither sums nor class."""
    pod["metadata"]["annotations"] = {PULLER_RESOURCES.name: amounts}
    after = injected(pod).pod
    for name in NAMES:
        if any(_amount(one, "requests", name) for one in pod["spec"]["containers"][:1]):
            assert effective(after, "requests", name) == effective(pod, "requests", name)
    if qos(pod) != "BestEffort":
        assert qos(after) == qos(pod)


@given(pods(), st.booleans(), st.booleans())
def test_storage_of_a_pod_without_a_limit_gets_none(pod: Pod, is_asked: bool, is_capped: bool) -> None:  # noqa: FBT001
    """The kubelet evicts a pod above the sum of its limits for as long as it lives, an init container's included."""
    if is_asked:
        pod["metadata"]["annotations"] = {PULLER_RESOURCES.name: "ephemeral-storage=20Gi"}
    settings = Settings(puller_resources=(("ephemeral-storage", "5Gi"),) if is_capped else ())
    after = injected(pod, settings=settings).pod
    assert effective(after, "limits", "ephemeral-storage") == 0
    assert effective(after, "requests", "ephemeral-storage") == (20 << 30 if is_asked else 0)
