"""An existing Deployment gets its model by one label."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.scenarios.conftest import deployment, digests, report, rolled_out

from .timeline import timeline


@pytest.mark.usefixtures("installed", "pushed")
def test_an_existing_deployment_is_labelled_and_its_pods_load_the_model_with_their_arguments_untouched(
    cluster: Cluster, engines: tuple[str, str], model: Path, namespace: str, show: Callable[[str], None]
) -> None:
    """One label, and nothing else of the Deployment changes: what the webhook adds is in its pods alone.

    When the engine starts, all of the model is in memory, of the pod's own limit.
    """
    cluster.apply(deployment(engines[0]), namespace=namespace)
    (bare,) = rolled_out(cluster, namespace)
    before = cluster.read("deployment/engine", "-n", namespace)
    assert report(cluster, bare)["files"] == {}

    cluster.kubectl("-n", namespace, "label", "deployment", "engine", "weighbridge.dev/model=tiny")
    (pod,) = rolled_out(cluster, namespace)

    said = report(cluster, pod)
    show(timeline(cluster, pod, said["time"]))
    show(f"in memory when the engine started: {said['resident']:.0%} of the model's pages")
    after = cluster.read("deployment/engine", "-n", namespace)
    assert said["files"] == digests(model)
    assert said["arguments"] == ["--model", "/models/tiny"]
    assert after["spec"]["template"]["spec"] == before["spec"]["template"]["spec"]
    assert said["resident"] >= 0.95
    assert said["resident_when_forgotten"] < 0.05
