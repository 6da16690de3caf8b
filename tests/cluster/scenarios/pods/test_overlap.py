"""The model is pulled beside the engine's image, and everything else is as without."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.registry import ClusterRegistry
from tests.cluster.scenarios.conftest import deployment, digests, labelled, push, report, rolled_out
from tests.parts.objects import Object

from .overlapped import autoscaler, cron_job, fenced, job, sidecar, stateful_set
from .timeline import timeline


@pytest.mark.usefixtures("installed", "pushed")
def test_a_rollout_under_limits_and_a_quota_gets_its_model_beside_the_image(
    cluster: Cluster, engines: tuple[str, str], model: Path, namespace: str, show: Callable[[str], None]
) -> None:
    """The restricted profile, a LimitRange and a quota let it pass; the sidecar idles in some KiB; arguments stay."""
    fenced(cluster, namespace)
    cluster.apply(labelled(deployment(engines[0]), "tiny", overlap="always"), namespace=namespace)
    (pod,) = rolled_out(cluster, namespace)
    said = report(cluster, pod)
    assert said["files"] == digests(model)
    show(timeline(cluster, pod, said["time"]))
    names = [one["name"] for one in pod["spec"]["initContainers"]]
    assert names == ["weighbridge-pull", "weighbridge-ready"]
    statuses = {one["name"]: one for one in pod["status"]["initContainerStatuses"]}
    assert statuses["weighbridge-pull"]["state"].keys() == {"running"}
    assert statuses["weighbridge-pull"]["restartCount"] == 0
    assert json.loads(statuses["weighbridge-ready"]["state"]["terminated"]["message"])["files"] == len(digests(model))
    assert pod["status"]["qosClass"] == "Burstable"
    began = time.monotonic()
    cluster.kubectl("-n", namespace, "delete", "deployment", "engine", "--cascade=foreground", "--timeout=60s")
    assert time.monotonic() - began < 15, "the idle sidecar ends at once, and the engine has 5 s of grace"


@pytest.mark.usefixtures("installed", "pushed")
def test_jobs_complete_although_their_sidecar_stays(cluster: Cluster, engines: tuple[str, str], namespace: str) -> None:
    """The API server counts no sidecar of a pod that is done; so it is for the Jobs of a CronJob."""
    cluster.apply(
        *(labelled(one(engines[0]), "tiny", overlap="always") for one in (job, cron_job)), namespace=namespace
    )
    cluster.kubectl("-n", namespace, "wait", "--for=condition=complete", "job/batch", "--timeout=90s")
    assert "model.safetensors" in cluster.kubectl("-n", namespace, "logs", "job/batch", "-c", "engine")

    def completed() -> str:
        found = [one for one in cluster.read("jobs", "-n", namespace)["items"] if one["status"].get("succeeded")]
        return next((one["metadata"]["name"] for one in found if one["metadata"]["name"].startswith("nightly-")), "")

    nightly = cluster.wait("the CronJob's first Job completes", completed, within_seconds=120)
    assert "model.safetensors" in cluster.kubectl("-n", namespace, "logs", f"job/{nightly}", "-c", "engine")


@pytest.mark.usefixtures("installed", "pushed")
def test_a_stateful_set_and_an_autoscaled_deployment_roll_out(
    cluster: Cluster, engines: tuple[str, str], model: Path, namespace: str
) -> None:
    """Each pod has its model before its engine starts, in order, and when the autoscaler asks for more."""
    fenced(cluster, namespace)
    wish = labelled(stateful_set(engines[0]), "tiny", overlap="always")
    cluster.apply(wish, labelled(deployment(engines[0]), "tiny", overlap="always"), autoscaler(2), namespace=namespace)
    cluster.kubectl("-n", namespace, "rollout", "status", "statefulset/engine", "--timeout=120s")

    def scaled() -> list[Object] | None:
        pods: list[Object] = cluster.read("pods", "-n", namespace, "-l", "app=engine")["items"]
        ready = [pod for pod in pods if pod["status"].get("containerStatuses", [{}])[0].get("ready")]
        return ready if len(ready) == 4 else None

    pods = cluster.wait("two pods of each are ready", scaled, within_seconds=120)
    assert all(report(cluster, pod)["files"] == digests(model) for pod in pods)


@pytest.mark.usefixtures("installed")
def test_a_pod_that_starts_anew_pulls_nothing_that_is_there(
    cluster: Cluster, engines: tuple[str, str], model: Path, registry: ClusterRegistry, namespace: str
) -> None:
    """As after a reboot of the node: its sandbox is gone, and all containers run again on the volume that stayed."""
    source = push(cluster, model, f"{registry.address}/models/rebooted:v1")
    cluster.apply(labelled(deployment(engines[0]), "tiny", overlap="always", source=source), namespace=namespace)
    (pod,) = rolled_out(cluster, namespace)
    once = registry.blob_bytes("models/rebooted")
    uid = pod["metadata"]["uid"]
    kinds = f'labels."io.kubernetes.pod.uid"=={uid},labels."io.cri-containerd.kind"==sandbox'
    cluster.containerd(
        "tasks", "kill", "--signal", "SIGKILL", cluster.containerd("containers", "ls", "-q", kinds).strip()
    )

    def is_back() -> bool:
        (again,) = cluster.read("pods", "-n", namespace)["items"]
        engine = again["status"]["containerStatuses"][0]
        return bool(engine["restartCount"]) and engine["ready"] and bool(sidecar(again)["restartCount"])

    cluster.wait("the engine is back", is_back, within_seconds=120)
    assert report(cluster, pod)["files"] == digests(model)
    assert registry.blob_bytes("models/rebooted") == once
