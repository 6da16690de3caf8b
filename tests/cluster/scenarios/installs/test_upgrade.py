"""Upgrade and uninstall, as docs/install.md has them."""

from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.scenarios.conftest import IMAGE, deployment, digests, labelled, report, rolled_out
from tests.cluster.scenarios.install import DEPLOYMENT, NAMESPACE, Install
from tests.parts.objects import Object


def _puller(pod: Object) -> str:
    (image,) = [one["image"] for one in pod["spec"]["initContainers"] if one["name"] == "weighbridge-puller"]
    return str(image)


@pytest.mark.usefixtures("pushed")
def test_an_upgrade_leaves_running_pods_alone_and_gives_new_ones_the_new_puller(
    cluster: Cluster, installed: Install, archive: Path, engines: tuple[str, str], namespace: str
) -> None:
    """The image's name stands in one place: webhook and pullers follow it together. The catalog stays."""
    cluster.apply(labelled(deployment(engines[0]), "tiny"), namespace=namespace)
    (before,) = rolled_out(cluster, namespace)
    entry = '{"data": {"kept": "oci://registry.example/kept:v1"}}'
    cluster.kubectl("-n", NAMESPACE, "patch", "configmap", "weighbridge-catalog", "--patch", entry)

    cluster.image_of(archive, f"{IMAGE}:0.2.0")
    installed.name_image(IMAGE, "0.2.0")
    installed.apply()
    (running,) = rolled_out(cluster, namespace)
    cluster.kubectl("-n", namespace, "rollout", "restart", "deployment/engine")
    (renewed,) = rolled_out(cluster, namespace)

    assert running["metadata"]["uid"] == before["metadata"]["uid"]
    assert (_puller(running), _puller(renewed)) == (f"{IMAGE}:0.1.0", f"{IMAGE}:0.2.0")
    webhook = cluster.read(DEPLOYMENT, "-n", NAMESPACE)["spec"]["template"]["spec"]["containers"][0]
    assert webhook["image"] == f"{IMAGE}:0.2.0"
    assert "kept" in cluster.read("configmap", "weighbridge-catalog", "-n", NAMESPACE)["data"]


@pytest.mark.usefixtures("pushed")
def test_an_uninstall_leaves_running_pods_alone_and_an_install_after_it_works(
    cluster: Cluster, installed: Install, engines: tuple[str, str], model: Path, namespace: str
) -> None:
    """Nothing waits for a webhook that is gone; pods that run have their model, and go on."""
    cluster.apply(labelled(deployment(engines[0]), "tiny"), namespace=namespace)
    (before,) = rolled_out(cluster, namespace)

    installed.delete()
    try:
        (running,) = rolled_out(cluster, namespace)
        cluster.kubectl("-n", namespace, "scale", "deployment", "engine", "--replicas=0")
        left = cluster.kubectl("get", "all,configmap,secret", "-n", NAMESPACE, "--ignore-not-found", "-o", "name")
    finally:
        installed.apply()
    cluster.kubectl("-n", namespace, "scale", "deployment", "engine", "--replicas=1")
    (after,) = rolled_out(cluster, namespace)

    assert running["metadata"]["uid"] == before["metadata"]["uid"]
    assert running["status"]["containerStatuses"][0]["restartCount"] == 0
    assert left == ""
    assert report(cluster, after)["files"] == digests(model)
