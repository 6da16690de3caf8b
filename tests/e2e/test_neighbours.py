"""All at once that other admission does to a pod: plugins that change and limit, webhooks before and after ours."""

import copy
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from kubernetes import client

from tests.conftest import Part
from tests.fakes.mesh import Pod, container, running_injector
from tests.parts.admission import pointed_at, registered, running_webhook
from tests.parts.apiserver import ApiServer, running_api_server
from tests.parts.objects import Namespace, Object, Objects

from .conftest import OPTED_IN, labelled_pod
from .passes import as_new, changes, pullers, stored

LIMITS = {
    "type": "Container",
    "default": {"cpu": "500m", "memory": "256Mi"},
    "defaultRequest": {"cpu": "100m", "memory": "128Mi"},
    "min": {"cpu": "50m"},
    "max": {"cpu": "2", "memory": "1Gi"},
    "maxLimitRequestRatio": {"cpu": "10"},
}
QUOTA = {"requests.cpu": "4", "limits.cpu": "8", "requests.memory": "4Gi", "limits.memory": "8Gi", "pods": "50"}


def every_container(pod: Pod) -> list[Pod]:
    """Return a pod's containers."""
    return [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]


def add_environment(pod: Pod) -> None:
    """Add a variable to every container, ours among them, as observability agents do."""
    for one in every_container(pod):
        held = one.setdefault("env", [])
        if all(variable["name"] != "OTEL_SERVICE_NAME" for variable in held):
            held.append({"name": "OTEL_SERVICE_NAME", "value": "chat"})


def add_sidecar(pod: Pod) -> None:
    """Add a container at the end, as log shippers do."""
    if all(one["name"] != "logs" for one in pod["spec"]["containers"]):
        pod["spec"]["containers"].append(container("logs"))


def add_init_container(pod: Pod) -> None:
    """Put an init container first, as secret injectors do."""
    held = pod["spec"].setdefault("initContainers", [])
    if all(one["name"] != "vault-agent-init" for one in held):
        held.insert(0, container("vault-agent-init"))


def add_volume(pod: Pod) -> None:
    """Mount a volume into every container, as CA injectors do."""
    held = pod["spec"].setdefault("volumes", [])
    if all(volume["name"] != "ca" for volume in held):
        held.append({"name": "ca", "emptyDir": {}})
    for one in every_container(pod):
        mounts = one.setdefault("volumeMounts", [])
        if all(mount["name"] != "ca" for mount in mounts):
            mounts.append({"name": "ca", "mountPath": "/etc/ca"})


NEIGHBOURS: dict[str, Callable[[Pod], None]] = {
    "environment": add_environment,
    "sidecar": add_sidecar,
    "init-container": add_init_container,
    "volume": add_volume,
}


@pytest.fixture(scope="module")
def server(part: Part, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """Run an API server that has every image pulled."""
    programs = {name: part(name) for name in ("etcd", "kube-apiserver")}
    with running_api_server(programs, tmp_path_factory.mktemp("strict"), ["AlwaysPullImages"]) as running:
        yield running


@pytest.fixture(scope="module")
def crowded(server: ApiServer, configuration: Object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Objects]:
    """Register ours between neighbours that are called before it and after it, each for namespaces that name it."""
    objects = server.objects()
    with ExitStack() as running:
        catalog = {"tiny": "oci://registry.example/models/tiny:v1"}
        settings = {"PULLER_IMAGE": "registry.example/w:1"}
        webhook = running.enter_context(running_webhook(tmp_path_factory.mktemp("webhook"), catalog, settings))
        for name, inject in NEIGHBOURS.items():
            for place in ("aaa", "zzz"):
                full = f"{place}-{name}"
                other = running.enter_context(running_injector(tmp_path_factory.mktemp(full), inject, full))
                other["webhooks"][0]["namespaceSelector"] = {"matchLabels": {full: "here"}}
                objects.create(other)
        running.enter_context(registered(objects, pointed_at(webhook, configuration), labelled_pod("probe")))
        yield objects


def _namespace(objects: Objects, server: ApiServer, *neighbours: str) -> Namespace:
    """Make a namespace with limits, a quota and the restricted profile, in which these neighbours are called."""
    namespace = objects.namespace("crowded", OPTED_IN | dict.fromkeys(neighbours, "here"))
    limits = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "limits"}, "spec": {"limits": [LIMITS]}}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "quota"}, "spec": {"hard": QUOTA}}
    namespace.create(limits)
    namespace.create(quota)
    # no controller counts here, so the test says that nothing is used yet
    status = {"status": {"hard": QUOTA, "used": dict.fromkeys(QUOTA, "0")}}
    client.CoreV1Api(server.client()).patch_namespaced_resource_quota_status("quota", namespace.name, status)
    return namespace


def _places() -> list[tuple[str, ...]]:
    alone = [(f"{place}-{name}",) for name in NEIGHBOURS for place in ("aaa", "zzz")]
    return [(), *alone, tuple(f"aaa-{name}" for name in NEIGHBOURS), tuple(f"zzz-{name}" for name in NEIGHBOURS)]


RESOURCES: dict[str, Object] = {
    "nothing": {},
    "requests": {"requests": {"cpu": "200m", "memory": "128Mi"}},
    "guaranteed": {"limits": {"cpu": "500m", "memory": "512Mi"}, "requests": {"cpu": "500m", "memory": "512Mi"}},
}


@pytest.mark.parametrize("resources", RESOURCES)
@pytest.mark.parametrize("neighbours", _places(), ids=lambda names: "+".join(names) or "plugins alone")
def test_a_pod_comes_out_whole_and_a_second_pass_changes_nothing(
    crowded: Objects, server: ApiServer, neighbours: tuple[str, ...], resources: str
) -> None:
    """One puller, the model in the server alone, every image pulled, and a copy of the pod is known."""
    namespace = _namespace(crowded, server, *neighbours)
    pod = copy.deepcopy(labelled_pod("first"))
    pod["spec"]["containers"][0]["resources"] = RESOURCES[resources]
    pod["metadata"]["annotations"] = {"weighbridge.dev/containers": "server"}

    first = namespace.create(pod)
    second = namespace.create(as_new(first, "second"))

    assert pullers(first) == 1
    assert {one["imagePullPolicy"] for one in every_container(first)} == {"Always"}
    mounts = {one["name"]: [m["name"] for m in one.get("volumeMounts", [])] for one in every_container(first)}
    assert [name for name, held in mounts.items() if "weighbridge-model" in held] == ["weighbridge-puller", "server"]
    assert stored(second) == stored(first)
    assert not changes(server, second)
