"""Where kinds have their pod templates.

Tests: tests/webhook/test_workloads.py
"""

from collections.abc import Iterator
from typing import Any

from webhook.pod.podspec import Raw, mapping

Path = tuple[str, ...]

_TEMPLATE = ("spec", "template")
TEMPLATES: dict[str, Path] = {
    "Deployment": _TEMPLATE,
    "StatefulSet": _TEMPLATE,
    "DaemonSet": _TEMPLATE,
    "Job": _TEMPLATE,
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}
"""The path of the pod template in each kind that accepts the label."""


def template_of(workload: Raw, path: Path) -> Raw:
    """Return the value at a path, such as a workload's pod template, or an empty mapping."""
    for step in path:
        workload = mapping(workload, step)
    return workload


Steps = tuple[str | int, ...]


def find_templates(obj: Any) -> Iterator[tuple[Steps, Raw]]:
    """Yield every pod template in an object, known by its shape, with the steps that lead there.

    A template has `spec.containers`, in whatever kind and however deep; nothing within it is looked at. An object has
    that shape itself if it is a pod, and otherwise means something else by it.
    """
    waiting: list[tuple[Steps, Any]] = [((), obj)]
    while waiting:
        steps, value = waiting.pop()
        if isinstance(value, dict):
            if _has_containers(value) and (steps or value.get("kind") == "Pod"):
                yield steps, value
                continue
            waiting += [((*steps, key), child) for key, child in reversed(value.items())]
        elif isinstance(value, list):
            waiting += [((*steps, index), child) for index, child in reversed([*enumerate(value)])]


def _has_containers(value: Raw) -> bool:
    return isinstance(mapping(value, "spec").get("containers"), list)


def written(steps: Steps) -> str:
    """Return steps as people write them: `spec.replicatedJobs[0].template`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return text.removeprefix(".")
