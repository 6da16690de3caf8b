"""A registry that asks for credentials, which a pull secret of the pod's namespace has."""

from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.registry import ClusterRegistry
from tests.cluster.scenarios.conftest import credentials, deployment, digests, labelled, push, report, rolled_out


@pytest.mark.usefixtures("installed")
def test_a_pull_secret_of_the_pod_opens_a_private_registry(
    cluster: Cluster,
    engines: tuple[str, str],
    model: Path,
    private_registry: ClusterRegistry,
    namespace: str,
    tmp_path: Path,
) -> None:
    """The secret is made as users make it, and reaches the puller by the pod's own imagePullSecrets."""
    config = tmp_path / "config.json"
    config.write_text(credentials(private_registry))
    source = f"{private_registry.address}/team/private:v1"
    push(cluster, model, source, "--docker-config", config)
    kind = ("docker-registry", "reader", f"--from-file=.dockerconfigjson={config}")
    cluster.kubectl("-n", namespace, "create", "secret", *kind)
    wish = labelled(deployment(engines[0]), "private", source=source, mount_path="/models/tiny")
    wish["spec"]["template"]["spec"]["imagePullSecrets"] = [{"name": "reader"}]

    cluster.apply(wish, namespace=namespace)
    (pod,) = rolled_out(cluster, namespace)

    assert report(cluster, pod)["files"] == digests(model)
    assert 401 in {one.code for one in private_registry.requests()}
