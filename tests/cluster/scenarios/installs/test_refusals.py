"""What users are told at once, and what a webhook that is down holds up: nothing but pods that ask for a model."""

import pytest

from tests.cluster.cluster import Cluster, CommandFailed
from tests.cluster.registry import ClusterRegistry
from tests.cluster.scenarios.conftest import bare_pod, deployment, labelled
from tests.cluster.scenarios.install import DEPLOYMENT, NAMESPACE, Install


@pytest.mark.usefixtures("installed")
def test_a_reference_that_leads_nowhere_is_refused_at_apply(
    cluster: Cluster, engines: tuple[str, str], registry: ClusterRegistry, namespace: str
) -> None:
    """The user reads it where they typed, and not in a crash loop; of a workload, which is made, as a warning."""
    source = f"{registry.address}/models/tiny:none"

    with pytest.raises(CommandFailed, match=r"denied the request: \[source\.not-found\] the registry does not have"):
        cluster.apply(labelled(bare_pod(engines[0], "wrong"), "tiny", source=source), namespace=namespace)
    warnings = cluster.apply(labelled(deployment(engines[0]), "tiny", source=source), namespace=namespace)

    assert "[source.hidden] the registry does not show" in warnings
    assert "pods are refused unless they or their ServiceAccount have pull secrets" in warnings


@pytest.mark.usefixtures("pushed")
def test_without_a_webhook_labelled_pods_are_refused_and_all_others_go_on(
    cluster: Cluster, installed: Install, engines: tuple[str, str], namespace: str
) -> None:
    """A Deployment that waits for the webhook gets its pods when that is back."""
    cluster.kubectl("-n", NAMESPACE, "scale", DEPLOYMENT, "--replicas=0")
    cluster.kubectl("-n", NAMESPACE, "wait", "pod", "--all", "--for=delete", "--timeout=60s")
    try:
        with pytest.raises(CommandFailed, match=r"failed calling webhook .*pods\.weighbridge\.dev"):
            cluster.apply(labelled(bare_pod(engines[0], "labelled"), "tiny"), namespace=namespace)
        cluster.apply(bare_pod(engines[0], "plain"), namespace=namespace)
        cluster.kubectl("-n", namespace, "wait", "pod/plain", "--for=condition=Ready", "--timeout=60s")
    finally:
        cluster.kubectl("-n", NAMESPACE, "scale", DEPLOYMENT, "--replicas=2")
        installed.wait()

    cluster.apply(labelled(bare_pod(engines[0], "labelled"), "tiny"), namespace=namespace)
    cluster.kubectl("-n", namespace, "wait", "pod/labelled", "--for=condition=Ready", "--timeout=60s")
