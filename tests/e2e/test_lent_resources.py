"""What a namespace's limits and quotas make of injected pods: a pod that fits without its label fits with it."""

import copy

import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from tests.parts.apiserver import ApiServer
from tests.parts.objects import Namespace, Object, Objects

from .conftest import OPTED_IN, labelled_pod
from .passes import as_new, pullers, stored

A = {"requests": {"cpu": "500m", "memory": "256Mi"}, "limits": {"cpu": "500m", "memory": "256Mi"}}
B = {"requests": {"cpu": "500m", "memory": "256Mi"}, "limits": {"cpu": "1", "memory": "256Mi"}}
BARE: Object = {}
REQUESTS = {"requests": {"cpu": "500m", "memory": "256Mi"}}
LIMITS = {"limits": {"cpu": "500m", "memory": "256Mi"}}

LIMIT_RANGES = {
    "max cpu": {"type": "Container", "max": {"cpu": "500m"}, "default": {"cpu": "500m"}},
    "max memory": {"type": "Container", "max": {"memory": "256Mi"}, "default": {"memory": "128Mi"}},
    "max memory of a pod": {"type": "Pod", "max": {"memory": "300Mi"}},
    "ratio": {
        "type": "Container",
        "maxLimitRequestRatio": {"cpu": "4"},
        "default": {"cpu": "1"},
        "defaultRequest": {"cpu": "500m"},
    },
    "ratio of a pod": {"type": "Pod", "maxLimitRequestRatio": {"cpu": "4"}},
    "min cpu": {"type": "Container", "min": {"cpu": "250m"}, "defaultRequest": {"cpu": "250m"}},
    "min of a pod": {"type": "Pod", "min": {"cpu": "250m"}},
    "defaults": {
        "type": "Container",
        "default": {"cpu": "1", "memory": "128Mi"},
        "defaultRequest": {"cpu": "100m", "memory": "128Mi"},
    },
}
QUOTAS = {
    "limits.memory": {"limits.memory": "300Mi"},
    "limits.cpu": {"limits.cpu": "1"},
    "requests": {"requests.cpu": "500m", "requests.memory": "256Mi"},
    "all": {"requests.cpu": "500m", "requests.memory": "256Mi", "limits.cpu": "1", "limits.memory": "256Mi"},
}
PODS = {"A": A, "B": B, "nothing": BARE, "requests": REQUESTS, "limits": LIMITS}


def pod(resources: Object, *, label: bool, pod_level: bool = False) -> Object:
    """Return a pod with its amounts at the container or at the pod, which asks for a model or does not."""
    document = copy.deepcopy(labelled_pod("server"))
    document["spec" if pod_level else "metadata"].update({"resources": resources} if pod_level else {})
    if not pod_level:
        document["spec"]["containers"][0]["resources"] = copy.deepcopy(resources)
    if not label:
        document["metadata"].pop("labels")
    return document


def refusal(namespace: Namespace, document: Object) -> str:
    """Return why the API server refuses a pod, or an empty text."""
    try:
        namespace.create(document, dry_run="All")
    except ApiException as error:
        return str(error.body)
    return ""


@pytest.fixture
def room(admitting: Objects) -> Namespace:
    """Make a namespace that opted in."""
    return admitting.namespace("lent", OPTED_IN)


@pytest.mark.parametrize("resources", PODS.values(), ids=PODS)
@pytest.mark.parametrize("limits", LIMIT_RANGES.values(), ids=LIMIT_RANGES)
def test_a_pod_that_a_limit_range_takes_is_taken_with_its_model(
    limits: Object, resources: Object, room: Namespace
) -> None:
    """Maximum, minimum and ratio, of containers and of pods: the puller has one container's own pair."""
    metadata = {"name": "limits"}
    room.create({"apiVersion": "v1", "kind": "LimitRange", "metadata": metadata, "spec": {"limits": [limits]}})
    if refusal(room, pod(resources, label=False)):
        return  # the namespace takes no such pod, with a model or without

    first = room.create(pod(resources, label=True))
    second = room.create(as_new(first, "second"))

    assert pullers(first) == 1
    assert stored(second) == stored(first)
    if limits["type"] == "Container" and "default" in limits:
        (puller,) = [one for one in first["spec"]["initContainers"] if one["name"] == "weighbridge-puller"]
        assert puller["resources"] == first["spec"]["containers"][0]["resources"]


@pytest.mark.parametrize("resources", PODS.values(), ids=PODS)
@pytest.mark.parametrize("hard", QUOTAS.values(), ids=QUOTAS)
def test_a_pod_that_a_quota_takes_is_taken_with_its_model(
    hard: Object, resources: Object, room: Namespace, api_server: ApiServer
) -> None:
    """A quota counts the pod's effective amounts, and asks every container for those that it counts."""
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "quota"}, "spec": {"hard": hard}}
    room.create(quota)
    # no controller counts here, so the test says that nothing is used yet
    status = {"status": {"hard": hard, "used": dict.fromkeys(hard, "0")}}
    client.CoreV1Api(api_server.client()).patch_namespaced_resource_quota_status("quota", room.name, status)
    if refusal(room, pod(resources, label=False)):
        return  # the quota takes no such pod, with a model or without

    assert pullers(room.create(pod(resources, label=True))) == 1


@pytest.mark.parametrize("resources", [A, B, LIMITS], ids=["A", "B", "limits"])
def test_a_pod_with_amounts_of_its_own_is_taken(resources: Object, room: Namespace) -> None:
    """With amounts at pod level the containers, and so the puller, state none."""
    if refusal(room, pod(resources, label=False, pod_level=True)):
        return  # this API server does not know amounts at pod level
    made = room.create(pod(resources, label=True, pod_level=True))
    assert pullers(made) == 1
    assert [one.get("resources") or {} for one in made["spec"]["initContainers"]] == [{}]


@pytest.mark.parametrize(
    ("resources", "expected"), [(A, "Guaranteed"), (B, "Burstable"), (BARE, "BestEffort"), (LIMITS, "Guaranteed")]
)
def test_the_api_server_gives_the_pod_the_class_that_it_had(resources: Object, expected: str, room: Namespace) -> None:
    """The class that decides about eviction and pinned cores is not ours to change."""
    assert room.create(pod(resources, label=True))["status"]["qosClass"] == expected
