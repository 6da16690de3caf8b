"""What fails beside the engine's image: errors named as without overlap, and never an engine without weights."""

from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.registry import ClusterRegistry
from tests.cluster.scenarios.conftest import (
    MODEL_BYTES,
    deployment,
    digests,
    labelled,
    push,
    report,
    rolled_out,
)

from .claims import make_claim
from .overlapped import sidecar, told

_OUTAGE_SECONDS = 180
"""A pull waits a minute for a registry that is away, and the kubelet starts it once more before anybody looks."""


@pytest.mark.usefixtures("installed", "pushed")
def test_a_model_that_is_not_there_fails_the_waiting_container_by_the_same_code(
    cluster: Cluster, engines: tuple[str, str], registry: ClusterRegistry, namespace: str
) -> None:
    """The engine never starts; the message is that of a pull without overlap."""
    source = f"oci://{registry.address}/models/tiny@sha256:{'0' * 64}"
    wish = labelled(deployment(engines[0]), "tiny", overlap="always", source=source, pull_secrets="none")
    cluster.apply(wish, namespace=namespace)
    assert cluster.wait("the pull ends", told(cluster, namespace, "weighbridge-ready"))["code"] == "registry.not-found"
    assert_not_started(cluster, namespace)


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
                if status["name"] == "weighbridge-ready" and "Image" in reason:
                    return str(reason)
        return ""

    assert cluster.wait("the kubelet gives up on the image", waiting) in ("ErrImagePull", "ImagePullBackOff")


@pytest.mark.usefixtures("installed", "pushed")
def test_a_volume_that_is_full_is_said(
    cluster: Cluster, engines: tuple[str, str], registry: ClusterRegistry, model: Path, namespace: str
) -> None:
    """A claim with less room than the model needs."""
    source = push(cluster, model, f"{registry.address}/models/too-large:v1")
    volume = f"pvc:{make_claim(cluster, namespace, size=f'{MODEL_BYTES // 2}')}"
    wish = labelled(deployment(engines[0]), "tiny", overlap="always", source=source, volume=volume)
    cluster.apply(wish, namespace=namespace)
    assert cluster.wait("the pull ends", told(cluster, namespace, "weighbridge-ready"))["code"] == "disk.full"
    assert_not_started(cluster, namespace)


@pytest.mark.usefixtures("installed")
def test_a_registry_that_dies_in_mid_pull_is_said(
    cluster: Cluster, engines: tuple[str, str], model: Path, lost_registry: ClusterRegistry, namespace: str
) -> None:
    """When it stays away; an outage of less than a minute costs time alone."""
    source = push(cluster, model, f"{lost_registry.address}/models/lost:v1")
    cluster.apply(labelled(deployment(engines[0]), "tiny", overlap="always", source=source), namespace=namespace)
    begun(cluster, namespace)
    lost_registry.process.stop()
    failure = told(cluster, namespace, "weighbridge-ready")
    assert cluster.wait("the pull ends", failure, _OUTAGE_SECONDS)["code"] == "registry.unavailable"
    assert_not_started(cluster, namespace)


@pytest.mark.usefixtures("installed")
def test_a_puller_that_is_killed_in_mid_pull_goes_on_where_it_was(
    cluster: Cluster, engines: tuple[str, str], model: Path, slow_registry: ClusterRegistry, namespace: str
) -> None:
    """By SIGKILL, as for want of memory: the kubelet starts it again, and nobody else notices."""
    source = push(cluster, model, f"{slow_registry.address}/models/killed:v1")
    cluster.apply(labelled(deployment(engines[0]), "tiny", overlap="always", source=source), namespace=namespace)
    begun(cluster, namespace)
    (pod,) = cluster.read("pods", "-n", namespace)["items"]
    cluster.containerd(
        "tasks", "kill", "--signal", "SIGKILL", sidecar(pod)["containerID"].removeprefix("containerd://")
    )
    (pod,) = rolled_out(cluster, namespace)
    assert sidecar(pod)["restartCount"] == 1
    assert report(cluster, pod)["files"] == digests(model)


def begun(cluster: Cluster, namespace: str) -> None:
    """Wait until the only pod's pull is under way."""

    def pod_name() -> str:
        return next((pod["metadata"]["name"] for pod in cluster.read("pods", "-n", namespace)["items"]), "")

    log = ("-n", namespace, "logs", cluster.wait("the pod is there", pod_name), "-c", "weighbridge-pull")
    cluster.wait("the pull begins", lambda: "blobs to fetch" in cluster.tried(*log))


def assert_not_started(cluster: Cluster, namespace: str) -> None:
    """Assert that the engine never started."""
    (pod,) = cluster.read("pods", "-n", namespace)["items"]
    (engine,) = pod["status"]["containerStatuses"]
    assert not engine["started"]
    assert not engine["restartCount"]
