"""Workloads of each kind whose pods get their model beside the image, and what became of such pods."""

import json
from collections.abc import Callable

from tests.cluster.cluster import Cluster
from tests.cluster.scenarios.conftest import deployment
from tests.parts.objects import Object

_LIMITS = {
    "type": "Container",
    "default": {"cpu": "500m", "memory": "256Mi"},
    "defaultRequest": {"cpu": "50m", "memory": "64Mi"},
    "min": {"cpu": "10m"},
    "max": {"cpu": "2", "memory": "1Gi"},
}
_QUOTA = {"requests.cpu": "2", "limits.cpu": "8", "requests.memory": "4Gi", "limits.memory": "8Gi", "pods": "20"}


def fenced(cluster: Cluster, namespace: str) -> None:
    """Give a namespace limits and a quota."""
    limits = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "limits"}, "spec": {"limits": [_LIMITS]}}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "quota"}, "spec": {"hard": _QUOTA}}
    cluster.apply(limits, quota, namespace=namespace)


def job(image: str) -> Object:
    """Return a Job whose pod ends by itself."""
    template = deployment(image)["spec"]["template"]
    spec = template["spec"] | {"restartPolicy": "Never"}
    (engine,) = spec["containers"]
    engine = {name: value for name, value in engine.items() if name != "readinessProbe"}
    spec["containers"] = [
        engine | {"command": ["python", "-c", "import os; print(os.listdir('/models/tiny'))"], "args": []}
    ]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "batch"},
        "spec": {"backoffLimit": 0, "template": {"metadata": template["metadata"], "spec": spec}},
    }


def cron_job(image: str) -> Object:
    """Return a CronJob that makes such a Job each minute."""
    spec = job(image)["spec"]
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "nightly"},
        "spec": {"schedule": "* * * * *", "concurrencyPolicy": "Forbid", "jobTemplate": {"spec": spec}},
    }


def stateful_set(image: str) -> Object:
    """Return a StatefulSet of two engines."""
    spec = deployment(image)["spec"] | {"replicas": 2, "serviceName": "engine"}
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "engine"}, "spec": spec}


def autoscaler(least: int) -> Object:
    """Return an autoscaler that keeps `least` replicas of the Deployment at the least."""
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "engine"}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "engine"},
        "spec": {"scaleTargetRef": target, "minReplicas": least, "maxReplicas": least + 1},
    }


def sidecar(pod: Object) -> Object:
    """Return the status of the container that pulls."""
    (found,) = [one for one in pod["status"]["initContainerStatuses"] if one["name"] == "weighbridge-pull"]
    status: Object = found
    return status


def told(cluster: Cluster, namespace: str, container: str) -> Callable[[], Object | None]:
    """Return what asks for the termination message of an init container of the only engine."""

    def ask() -> Object | None:
        for pod in cluster.read("pods", "-n", namespace)["items"]:
            for status in pod["status"].get("initContainerStatuses", []):
                ended = {**status.get("lastState", {}), **status.get("state", {})}.get("terminated", {})
                if status["name"] == container and ended.get("message"):
                    found: Object = json.loads(ended["message"])
                    return found
        return None

    return ask
