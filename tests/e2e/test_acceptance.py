"""Every example, varied in what users vary: the API server takes the mutated pod, and a second pass changes nothing."""

import copy
from collections.abc import Callable

import pytest

from tests.deploy.rendered import examples
from tests.parts.apiserver import ApiServer
from tests.parts.objects import Namespace, Object

from .passes import as_new, changes, pullers, stored

_RESTRICTED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
_KINDS = ("Pod", "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")

Variation = Callable[[Object], None]


def _annotated(**annotations: str) -> Variation:
    def vary(pod: Object) -> None:
        held = pod["metadata"].setdefault("annotations", {})
        held.update({f"weighbridge.dev/{key.replace('_', '-')}": value for key, value in annotations.items()})

    return vary


def _for_every_container(pod: Object) -> None:
    names = [one["name"] for one in [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]]
    _annotated(containers=",".join(names))(pod)


def _with_a_native_sidecar(pod: Object) -> None:
    proxy = {"name": "proxy", "image": "registry.example/proxy:1", "restartPolicy": "Always"}
    pod["spec"].setdefault("initContainers", []).insert(0, proxy | {"securityContext": _RESTRICTED})


def _with_its_own_tolerations(pod: Object) -> None:
    pod["spec"].setdefault("tolerations", []).append({"key": "nvidia.com/gpu", "operator": "Exists"})


def _guaranteed(pod: Object) -> None:
    for one in [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]:
        extended = {key: value for key, value in one.get("resources", {}).get("limits", {}).items() if "/" in key}
        one["resources"] = {"limits": {"cpu": "2", "memory": "1Gi"} | extended}


def _with_names_that_are_taken(pod: Object) -> None:
    for one in pod["spec"]["containers"]:
        one.setdefault("env", []).append({"name": "WEIGHBRIDGE_MODEL_NAME", "value": "mine"})


VARIATIONS: dict[str, Variation] = {
    "as it is": lambda _pod: None,
    "mounted elsewhere": _annotated(mount_path="/opt/weights"),
    "from a source of its own": _annotated(source="oci://registry.example.com/models/other:v2"),
    "pinned": _annotated(source=f"registry.example.com/models/other@sha256:{'0' * 64}"),
    "on a claim": _annotated(volume="pvc:cache"),
    "with pull secrets": _annotated(pull_secrets="reader,writer"),
    "without tolerations": _annotated(tolerations="never"),
    "with its own tolerations": _with_its_own_tolerations,
    "for every container": _for_every_container,
    "behind a native sidecar": _with_a_native_sidecar,
    "guaranteed": _guaranteed,
    "with an environment that is taken": _with_names_that_are_taken,
}
WORKLOADS = {
    name: document for name, documents in examples().items() for document in documents if document["kind"] in _KINDS
}


def _pod_of(workload: Object, namespace: Namespace) -> Object:
    """Let the API server admit the workload, and make the pod that its controller would make."""
    wish = copy.deepcopy(workload)
    del wish["metadata"]["namespace"]
    if wish["kind"] == "Pod":
        return wish
    admitted = namespace.create(wish, dry_run="All")["spec"]
    template = admitted.get("jobTemplate", {}).get("spec", admitted)["template"]
    metadata = {key: value for key, value in template["metadata"].items() if key in ("labels", "annotations")}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


@pytest.mark.parametrize("variation", VARIATIONS)
@pytest.mark.parametrize("example", WORKLOADS)
def test_the_restricted_profile_takes_the_pod_and_a_second_pass_changes_nothing(
    example: str, variation: str, namespace: Namespace, api_server: ApiServer
) -> None:
    """What we add satisfies Pod Security, and what we added is known again."""
    wish = _pod_of(WORKLOADS[example], namespace)
    VARIATIONS[variation](wish)
    wish["metadata"]["name"] = "first"

    first = namespace.create(wish)
    second = namespace.create(as_new(first, "second"))

    assert pullers(first) == 1
    assert stored(second) == stored(first)
    assert not changes(api_server, second)


def test_these_are_at_least_a_hundred_pods() -> None:
    """The sweep is wide enough to mean something."""
    assert len(WORKLOADS) * len(VARIATIONS) >= 100
