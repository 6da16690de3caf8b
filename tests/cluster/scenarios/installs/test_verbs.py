"""The verbs that ask a cluster, of one that is real."""

import json
import sys
from collections.abc import Callable

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.scenarios.conftest import deployment, labelled, rolled_out


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
