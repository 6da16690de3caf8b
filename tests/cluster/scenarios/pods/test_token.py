"""The pod's own ServiceAccount opens a registry that takes the cluster's tokens: there is no Secret anywhere."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.registry import ClusterRegistry
from tests.cluster.scenarios.conftest import GATE, deployment, digests, labelled, report, rolled_out
from tests.parts.objects import Object
from tests.parts.process import Process

AUDIENCE = "models.example"


@pytest.fixture
def gate(cluster: Cluster, namespace: str, registry: ClusterRegistry, tmp_path: Path) -> Iterator[Process]:
    """Run a front of the open registry that lets in the ServiceAccount `reader` of the namespace alone."""
    account = f"system:serviceaccount:{namespace}:reader"
    words: list[str | Path] = [
        sys.executable,
        "-m",
        "tests.cluster.scenarios.pods.token_gate",
        cluster.identities.kubeconfig("admin"),
    ]
    command = cluster.isolation.command([*words, GATE, registry.address, AUDIENCE, account])
    with Process(command, tmp_path / "gate.log") as process:
        process.wait_until(lambda: "serving" in process.said(), 30)
        yield process


def wish(engine: str, account: str, source: str) -> Object:
    """Return a labelled Deployment of an account, which asks for a token of it."""
    found = labelled(deployment(engine), "tiny", source=source, token_audience=AUDIENCE)
    found["spec"]["template"]["spec"]["serviceAccountName"] = account
    return found


@pytest.mark.usefixtures("installed", "gate")
def test_a_pod_pulls_with_the_token_of_its_service_account_and_no_secret(
    cluster: Cluster, engines: tuple[str, str], namespace: str, model: Path, pushed: str, show: Callable[[str], None]
) -> None:
    """The right bytes come; the pod names no Secret, and no text of it holds the token."""
    source = f"oci://{GATE}/models/tiny@{pushed.partition('@')[2]}"
    cluster.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "reader"}}, namespace=namespace)
    cluster.apply(wish(engines[0], "reader", source), namespace=namespace)
    (pod,) = rolled_out(cluster, namespace)
    assert report(cluster, pod)["files"] == digests(model)
    assert "secret" not in json.dumps(pod["spec"]).lower().replace("/secrets/", "")
    said = cluster.kubectl("-n", namespace, "logs", pod["metadata"]["name"], "-c", "weighbridge-puller")
    assert "eyJ" not in said + json.dumps(pod)
    show(said.strip())


@pytest.mark.usefixtures("installed", "gate")
def test_another_service_account_is_told_that_it_may_not(
    cluster: Cluster, engines: tuple[str, str], namespace: str, pushed: str
) -> None:
    """The termination message has the code, and names the token's file; nothing else of it."""
    source = f"oci://{GATE}/models/tiny@{pushed.partition('@')[2]}"
    cluster.apply(wish(engines[0], "default", source), namespace=namespace)

    def told() -> Object | None:
        for pod in cluster.read("pods", "-n", namespace, "-l", "app=engine")["items"]:
            for status in pod["status"].get("initContainerStatuses", []):
                ended = {**status.get("lastState", {}), **status.get("state", {})}.get("terminated", {})
                if ended.get("message"):
                    found: Object = json.loads(ended["message"])
                    return found
        return None

    message = cluster.wait("the puller ends", told)
    assert message["code"] == "registry.unauthorized"
    assert "ServiceAccount" in message["error"]
    assert "eyJ" not in json.dumps(message)
