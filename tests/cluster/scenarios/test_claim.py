"""A claim that outlives the pods: one download for all of them, and none for the next engine."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.registry import ClusterRegistry

from .conftest import MODEL_BYTES, deployment, digests, labelled, push, report, rolled_out
from .timeline import timeline

_USER = 1000  # of the engine's pods, and so of their pullers


@pytest.fixture
def claim(cluster: Cluster, namespace: str) -> str:
    """Make a claim that several pods share, bound to a folder of the node; return its name."""
    folder = cluster.folder / f"claim-{namespace}"
    folder.mkdir()
    os.chown(folder, _USER, _USER)
    shared = {"storageClassName": "", "accessModes": ["ReadWriteMany"]}
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"models-{namespace}"},
        "spec": shared | {"capacity": {"storage": "1Gi"}, "hostPath": {"path": str(folder)}},
    }
    asked = {"volumeName": f"models-{namespace}", "resources": {"requests": {"storage": "1Gi"}}}
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "models"},
        "spec": shared | asked,
    }
    cluster.apply(volume, claim, namespace=namespace)
    return "models"


def _fetched_bytes(registry: ClusterRegistry, repository: str) -> int:
    return sum(
        one.sent_bytes
        for one in registry.requests()
        if one.method == "GET" and one.path.startswith(f"/v2/{repository}/blobs/")
    )


@pytest.mark.usefixtures("installed")
def test_replicas_on_one_claim_download_the_model_once_and_the_next_engine_downloads_nothing_of_it(
    cluster: Cluster,
    engines: tuple[str, str],
    model: Path,
    registry: ClusterRegistry,
    namespace: str,
    claim: str,
    show: Callable[[str], None],
) -> None:
    """Three pods start at once, one of them pulls; a new image of the engine finds the weights where they are."""
    push(cluster, model, f"{registry.address}/models/shared:latest")
    wish = labelled(deployment(engines[0], replicas=3), "shared", volume=f"pvc:{claim}")
    wish["spec"]["template"]["spec"]["containers"][0]["args"] = ["--model", "/models/shared"]
    cluster.apply(wish, namespace=namespace)

    first = rolled_out(cluster, namespace)
    once = _fetched_bytes(registry, "models/shared")
    cluster.kubectl("-n", namespace, "set", "image", "deployment/engine", f"engine={engines[1]}")
    second = rolled_out(cluster, namespace)

    soonest = min(second, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))  # it waits for the image, too
    show(timeline(cluster, soonest, report(cluster, soonest)["time"]))
    assert len(first) == len(second) == 3
    assert all(report(cluster, pod)["files"] == digests(model) for pod in second)
    assert MODEL_BYTES <= once < 1.01 * MODEL_BYTES
    assert _fetched_bytes(registry, "models/shared") == once
