"""The verbs that ask a cluster, of one that is real."""

import json
import sys
from collections.abc import Callable
from contextlib import suppress

import pytest

from tests.cluster.cluster import Cluster, CommandFailed
from tests.cluster.scenarios.conftest import bare_pod, deployment, labelled, rolled_out


def _weighbridge(cluster: Cluster, *arguments: str) -> str:
    config = f"--kubeconfig={cluster.identities.kubeconfig('admin')}"
    return cluster.run([sys.executable, "-m", "weighbridge", *arguments, config])


@pytest.mark.usefixtures("installed", "pushed")
def test_after_an_install_check_has_nothing_to_mend_and_status_has_the_pod(
    cluster: Cluster, engines: tuple[str, str], namespace: str, show: Callable[[str], None]
) -> None:
    """What operators and users look at first tells of an install that works, and of a pod that is ready."""
    cluster.apply(labelled(deployment(engines[0]), "tiny"), namespace=namespace)
    (pod,) = rolled_out(cluster, namespace)

    checked = _weighbridge(cluster, "check", "-n", namespace)  # it would have failed with 1
    show(checked.strip())
    show(_weighbridge(cluster, "status", "-n", namespace).strip())
    (status,) = json.loads(_weighbridge(cluster, "status", "-n", namespace, "-o", "json"))

    assert status["name"] == pod["metadata"]["name"]
    assert status["state"] == "ready"


_SOON = 20
"""Seconds: without being asked, a kubelet looks at a pod's ConfigMaps once a minute or so."""


@pytest.mark.usefixtures("installed")
def test_what_is_added_to_the_catalog_is_known_to_the_webhook_soon(
    cluster: Cluster, engines: tuple[str, str], pushed: str, namespace: str
) -> None:
    """A user who adds a model and labels a pod is not refused for a minute, as they would by the kubelet's own pace."""
    _weighbridge(cluster, "catalog", "add", "fresh", pushed)

    def admitted() -> bool:
        with suppress(CommandFailed):
            cluster.apply(labelled(bare_pod(engines[0], "early"), "fresh"), namespace=namespace)
            return True
        return False

    try:
        cluster.wait("the new entry is known", admitted, within_seconds=_SOON)
    finally:
        _weighbridge(cluster, "catalog", "remove", "fresh")
