"""A pod that is deleted in the middle of its pull."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.registry import ClusterRegistry
from tests.cluster.scenarios.conftest import MODEL_BYTES, bare_pod, labelled, push

_GRACE_SECONDS = 30


@pytest.mark.parametrize(
    ("overlap", "puller", "last"), [("never", "weighbridge-puller", 0), ("always", "weighbridge-pull", 1)]
)
@pytest.mark.usefixtures("installed")
def test_a_pod_that_is_deleted_in_mid_pull_is_gone_at_once(
    overlap: str,
    puller: str,
    last: int,
    cluster: Cluster,
    engines: tuple[str, str],
    model: Path,
    slow_registry: ClusterRegistry,
    namespace: str,
    show: Callable[[str], None],
) -> None:
    """Ours end by SIGTERM, each as the first process of its container, and nobody waits for the grace period.

    `last` is the init container that runs then: with overlap the one that waits for the puller.
    """
    repository = f"models/ending-{overlap}"
    source = push(cluster, model, f"{slow_registry.address}/{repository}:v1")
    wish = bare_pod(engines[0], "slow", terminationGracePeriodSeconds=_GRACE_SECONDS)
    cluster.apply(labelled(wish, "slow", source=source, overlap=overlap), namespace=namespace)
    log = ("-n", namespace, "logs", "slow", "-c", puller)
    cluster.wait("the pull begins", lambda: "blobs to fetch" in cluster.tried(*log))
    state = f"jsonpath={{.status.initContainerStatuses[{last}].state.running}}"
    cluster.wait("the last one runs", lambda: cluster.tried("-n", namespace, "get", "pod", "slow", "-o", state))

    began = time.monotonic()
    cluster.kubectl("-n", namespace, "delete", "pod", "slow", f"--timeout={_GRACE_SECONDS + 30}s")
    seconds = time.monotonic() - began

    show(f"a pod that was deleted in mid-pull, overlap {overlap}, was gone after {seconds:.1f} s")
    assert seconds < _GRACE_SECONDS / 2
    assert slow_registry.blob_bytes(repository) < MODEL_BYTES
