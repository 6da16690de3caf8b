"""Whether a Deployment waits long enough for a model of some size. Pure.

Tests: tests/webhook/test_workloads.py
"""

from webhook.pod.podspec import Raw, mapping

_BYTES_A_SECOND = 100e6
"""What a registry and a disk of a cloud do together, often enough; faster ones make a warning needless, not wrong."""

_USUAL_SECONDS = 600
"""Kubernetes' own default (apps/v1, DeploymentSpec)."""

_START_SECONDS = 60
"""What is left for the image and for the server's own start."""


def too_short(kind: str, workload: Raw, content_bytes: int | None) -> str:
    """Return in words why a Deployment's deadline is too short; empty where it is not, or where the size is unknown."""
    if kind != "Deployment" or content_bytes is None:
        return ""
    stated = mapping(workload, "spec").get("progressDeadlineSeconds", _USUAL_SECONDS)
    needed = int(content_bytes / _BYTES_A_SECOND)
    if not isinstance(stated, int) or stated >= needed + _START_SECONDS:
        return ""
    return f"{content_bytes / 1e9:.0f} GB take {needed} s at 100 MB/s, and progressDeadlineSeconds is {stated}"
