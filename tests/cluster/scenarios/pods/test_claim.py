"""A claim that outlives the pods: one download for all of them, and none for the next engine."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.registry import ClusterRegistry
from tests.cluster.scenarios.conftest import MODEL_BYTES, deployment, digests, labelled, push, report, rolled_out

from .claims import make_claim
from .timeline import timeline


@pytest.mark.usefixtures("installed")
def test_replicas_on_one_claim_download_the_model_once_and_the_next_engine_downloads_nothing_of_it(
    cluster: Cluster,
    engines: tuple[str, str],
    model: Path,
    registry: ClusterRegistry,
    namespace: str,
    show: Callable[[str], None],
) -> None:
    """Three pods start at once, one of them pulls; a new image of the engine finds the weights where they are."""
    push(cluster, model, f"{registry.address}/models/shared:latest")
    wish = labelled(deployment(engines[0], replicas=3), "shared", volume=f"pvc:{make_claim(cluster, namespace)}")
    wish["spec"]["template"]["spec"]["containers"][0]["args"] = ["--model", "/models/shared"]
    cluster.apply(wish, namespace=namespace)

    first = rolled_out(cluster, namespace)
    once = registry.blob_bytes("models/shared")
    cluster.kubectl("-n", namespace, "set", "image", "deployment/engine", f"engine={engines[1]}")
    second = rolled_out(cluster, namespace)

    soonest = min(second, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))  # it waits for the image, too
    show(timeline(cluster, soonest, report(cluster, soonest)["time"]))
    assert len(first) == len(second) == 3
    assert all(report(cluster, pod)["files"] == digests(model) for pod in second)
    assert MODEL_BYTES <= once < 1.01 * MODEL_BYTES
    assert registry.blob_bytes("models/shared") == once
