"""An install by the chart, as docs/helm.md has it, on a real node: it serves, follows its settings, and goes."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.registry import ClusterRegistry
from tests.cluster.scenarios.conftest import ROOT, deployment, digests, labelled, report, rolled_out
from tests.cluster.scenarios.install import NAMESPACE, Install
from tests.conftest import Part

_RELEASE = ("weighbridge", "--namespace", NAMESPACE)


@dataclass(frozen=True)
class Release:
    """Helm on the node, with the administrator's kubeconfig and a home in the cluster's folder."""

    cluster: Cluster
    program: Path

    def __call__(self, verb: str, *arguments: str | Path) -> str:
        """Run a verb on the release; give what it prints, or raise CommandFailed."""
        homes = [f"HELM_{name}_HOME={self.cluster.folder / 'helm'}" for name in ("CACHE", "CONFIG", "DATA")]
        kubeconfig = f"--kubeconfig={self.cluster.identities.kubeconfig('admin')}"
        return self.cluster.run(["env", *homes, self.program, verb, *_RELEASE, kubeconfig, *arguments])


@pytest.fixture
def helm(cluster: Cluster, installed: Install, part: Part) -> Iterator[Release]:
    """Take the shipped install out of the way, and bring it back afterwards."""
    release = Release(cluster, part("helm"))
    installed.delete()
    yield release
    release("uninstall", "--ignore-not-found")
    installed.apply()


def _revisions(cluster: Cluster) -> set[str]:
    sets = cluster.read("replicasets", "-n", NAMESPACE)["items"]
    return {one["metadata"]["name"] for one in sets if one["spec"]["replicas"]}


@pytest.mark.usefixtures("pushed")
def test_a_release_serves_follows_its_settings_and_leaves_running_pods_alone(
    cluster: Cluster,
    installed: Install,
    helm: Release,
    registry: ClusterRegistry,
    engines: tuple[str, str],
    model: Path,
    namespace: str,
    tmp_path: Path,
) -> None:
    """Certificate and trust come by themselves, an upgrade restarts the webhook alone, and an uninstall no pod."""
    settings = {"WEIGHBRIDGE_PLAIN_HTTP": registry.address, "WEIGHBRIDGE_DEFAULT_PREFIX": f"{registry.address}/models"}
    values = tmp_path / "values.json"  # JSON is YAML
    values.write_text(json.dumps({"settings": settings, "policies": True}))
    helm("install", ROOT / "deploy" / "chart", "--create-namespace", "--values", values)
    installed.wait()
    cluster.apply(labelled(deployment(engines[0]), "tiny"), namespace=namespace)
    (before,) = rolled_out(cluster, namespace)
    revisions = _revisions(cluster)

    settings["WEIGHBRIDGE_EPHEMERAL_SIZE"] = "9Gi"
    values.write_text(json.dumps({"settings": settings, "policies": True}))
    helm("upgrade", ROOT / "deploy" / "chart", "--values", values)
    installed.wait()
    cluster.kubectl("-n", namespace, "rollout", "restart", "deployment/engine")
    (renewed,) = rolled_out(cluster, namespace)
    after_upgrade = _revisions(cluster)
    helm("uninstall")
    (running,) = rolled_out(cluster, namespace)

    assert report(cluster, renewed)["files"] == digests(model)
    assert before["metadata"]["uid"] != renewed["metadata"]["uid"]
    assert revisions.isdisjoint(after_upgrade)
    assert running["metadata"]["uid"] == renewed["metadata"]["uid"]
    assert running["status"]["containerStatuses"][0]["restartCount"] == 0
    assert cluster.read("deployments", "-n", NAMESPACE)["items"] == []
