"""The pod that `check` shows the API server, which does not store it: it asks for a model. Pure.

Tests: tests/verbs/test_check.py
"""

from webhook.contract import MODEL, SOURCE
from webhook.injection.record import read_status
from webhook.pod.podspec import Raw

SOURCE_TEXT = "registry.invalid/weighbridge/check:latest"
"""A source of its own, so that no catalog is needed; the name can be no registry's (RFC 6761)."""


def probe_pod() -> Raw:
    """Return a labelled pod that passes the restricted profile, and quotas that want every amount stated."""
    context = {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}}
    amounts = {"cpu": "100m", "memory": "128Mi", "ephemeral-storage": "128Mi"}
    container = {
        "name": "server",
        "image": "registry.invalid/weighbridge/check:latest",
        "resources": {"requests": amounts, "limits": amounts},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    metadata = {
        "generateName": "weighbridge-check-",
        "labels": {MODEL.name: "weighbridge-check"},
        "annotations": {SOURCE.name: SOURCE_TEXT},
    }
    spec = {"restartPolicy": "Never", "securityContext": context, "containers": [container]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def is_injected(pod: Raw) -> bool:
    """Return whether a pod came back with a model."""
    return read_status(pod) is not None
