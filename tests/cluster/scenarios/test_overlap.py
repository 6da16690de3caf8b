"""The model is pulled beside the engine's image, and everything else is as without."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.registry import ClusterRegistry
from tests.parts.objects import Object

from .conftest import deployment, digests, labelled, push, report, rolled_out

_LIMITS = {
    "type": "Container",
    "default": {"cpu": "500m", "memory": "256Mi"},
    "defaultRequest": {"cpu": "50m", "memory": "64Mi"},
    "min": {"cpu": "10m"},
    "max": {"cpu": "2", "memory": "1Gi"},
}
_QUOTA = {"requests.cpu": "2", "limits.cpu": "8", "requests.memory": "4Gi", "limits.memory": "8Gi", "pods": "20"}


def fenced(cluster: Cluster, namespace: str) -> None:
    """Give a namespace limits and a quota."""
    limits = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "limits"}, "spec": {"limits": [_LIMITS]}}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "quota"}, "spec": {"hard": _QUOTA}}
    cluster.apply(limits, quota, namespace=namespace)


def job(image: str) -> Object:
    """Return a Job whose pod ends by itself."""
    template = deployment(image)["spec"]["template"]
    spec = template["spec"] | {"restartPolicy": "Never"}
    (engine,) = spec["containers"]
    engine = {name: value for name, value in engine.items() if name != "readinessProbe"}
    spec["containers"] = [
        engine | {"command": ["python", "-c", "import os; print(os.listdir('/models/tiny'))"], "args": []}
    ]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "batch"},
        "spec": {"backoffLimit": 0, "template": {"metadata": template["metadata"], "spec": spec}},
    }


def told(cluster: Cluster, namespace: str, container: str) -> Callable[[], Object | None]:
    """Return what asks for the termination message of an init container of the only engine."""

    def ask() -> Object | None:
        for pod in cluster.read("pods", "-n", namespace)["items"]:
            for status in pod["status"].get("initContainerStatuses", []):
                ended = {**status.get("lastState", {}), **status.get("state", {})}.get("terminated", {})
                if status["name"] == container and ended.get("message"):
                    found: Object = json.loads(ended["message"])
                    return found
        return None

    return ask


@pytest.mark.usefixtures("installed", "pushed")
def test_a_rollout_under_limits_and_a_quota_gets_its_model_beside_the_image(
    cluster: Cluster, engines: tuple[str, str], model: Path, namespace: str
) -> None:
    """The restricted profile, a LimitRange and a quota let it pass; the sidecar idles in some KiB; arguments stay."""
    fenced(cluster, namespace)
    cluster.apply(labelled(deployment(engines[0]), "tiny", overlap="always"), namespace=namespace)
    (pod,) = rolled_out(cluster, namespace)
    assert report(cluster, pod)["files"] == digests(model)
    names = [one["name"] for one in pod["spec"]["initContainers"]]
    assert names == ["weighbridge-pull", "weighbridge-warm", "weighbridge-ready"]
    statuses = {one["name"]: one for one in pod["status"]["initContainerStatuses"]}
    assert statuses["weighbridge-pull"]["state"].keys() == {"running"}
    assert statuses["weighbridge-pull"]["restartCount"] == 0
    assert json.loads(statuses["weighbridge-ready"]["state"]["terminated"]["message"])["files"] == len(digests(model))
    assert pod["status"]["qosClass"] == "Burstable"
    began = time.monotonic()
    cluster.kubectl("-n", namespace, "delete", "deployment", "engine", "--cascade=foreground", "--timeout=60s")
    assert time.monotonic() - began < 15, "the idle sidecar ends at once, and the engine has 5 s of grace"


@pytest.mark.usefixtures("installed", "pushed")
def test_a_job_completes_although_its_sidecar_stays(cluster: Cluster, engines: tuple[str, str], namespace: str) -> None:
    """The API server counts no sidecar of a pod that is done."""
    cluster.apply(labelled(job(engines[0]), "tiny", overlap="always"), namespace=namespace)
    cluster.kubectl("-n", namespace, "wait", "--for=condition=complete", "job/batch", "--timeout=90s")
    assert "model.safetensors" in cluster.kubectl("-n", namespace, "logs", "job/batch", "-c", "engine")


@pytest.mark.usefixtures("installed", "pushed")
def test_a_model_that_is_not_there_fails_the_waiting_container_by_the_same_code(
    cluster: Cluster, engines: tuple[str, str], registry: ClusterRegistry, namespace: str
) -> None:
    """The engine never starts; the message is that of a pull without overlap."""
    source = f"oci://{registry.address}/models/tiny@sha256:{'0' * 64}"
    wish = labelled(deployment(engines[0]), "tiny", overlap="always", source=source, pull_secrets="none")
    cluster.apply(wish, namespace=namespace)
    assert cluster.wait("the pull ends", told(cluster, namespace, "weighbridge-ready"))["code"] == "registry.not-found"
    (pod,) = cluster.read("pods", "-n", namespace)["items"]
    assert not pod["status"]["containerStatuses"][0]["started"]


@pytest.mark.usefixtures("installed", "pushed")
def test_an_engine_image_that_is_not_there_is_said_by_the_kubelet(
    cluster: Cluster, registry: ClusterRegistry, namespace: str
) -> None:
    """As without overlap: the container on that image waits, and the engine never starts."""
    cluster.apply(labelled(deployment(f"{registry.address}/none:1"), "tiny", overlap="always"), namespace=namespace)

    def waiting() -> str:
        for pod in cluster.read("pods", "-n", namespace)["items"]:
            for status in pod["status"].get("initContainerStatuses", []):
                reason = status["state"].get("waiting", {}).get("reason", "")
                if status["name"] == "weighbridge-warm" and "Image" in reason:
                    return str(reason)
        return ""

    assert cluster.wait("the kubelet gives up on the image", waiting) in ("ErrImagePull", "ImagePullBackOff")


@pytest.mark.usefixtures("installed")
def test_a_pod_that_is_deleted_in_mid_pull_is_gone_at_once(
    cluster: Cluster,
    engines: tuple[str, str],
    model: Path,
    slow_registry: ClusterRegistry,
    namespace: str,
    show: Callable[[str], None],
) -> None:
    """Both containers end by SIGTERM, each as the first process of its container."""
    source = push(cluster, model, f"{slow_registry.address}/models/overlapped:v1")
    template = deployment(engines[0])["spec"]["template"]
    spec = template["spec"] | {"terminationGracePeriodSeconds": 30}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "slow"}, "spec": spec}
    cluster.apply(labelled(pod, "slow", source=source, overlap="always"), namespace=namespace)
    log = ("-n", namespace, "logs", "slow", "-c", "weighbridge-pull")
    cluster.wait("the pull begins", lambda: "blobs to fetch" in cluster.tried(*log))
    running = ("-n", namespace, "get", "pod", "slow", "-o", "jsonpath={.status.initContainerStatuses[2].state.running}")
    cluster.wait("the last one waits", lambda: cluster.tried(*running))
    began = time.monotonic()
    cluster.kubectl("-n", namespace, "delete", "pod", "slow", "--timeout=60s")
    seconds = time.monotonic() - began
    show(f"a pod that was deleted in mid-pull, with overlap, was gone after {seconds:.1f} s")
    assert seconds < 15
