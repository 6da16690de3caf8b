"""What users wrote into a template themselves, by what the API server and kubectl keep of their requests.

Tests: tests/webhook/test_workloads.py
"""

import json
from typing import Any

from webhook.pod.podspec import Raw, annotations, entries, mapping
from webhook.values.key import AnyKey

from .change import Change
from .templates import template_of

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def applied_template(change: Change) -> Raw:
    """Return the template of the manifest that `kubectl apply` keeps in an annotation; empty if there is none."""
    text = annotations(change.new).get(_LAST_APPLIED)
    try:
        manifest: Any = json.loads(text) if isinstance(text, str) else {}
    except (ValueError, RecursionError):
        return {}
    return template_of(manifest, change.path) if isinstance(manifest, dict) else {}


def is_applied(change: Change, key: AnyKey) -> bool:
    """Return whether a server-side apply sent this key in the template.

    The API server keeps the names of such fields and not their values. What a webhook adds is in no manager's fields.
    """
    steps = tuple(f"f:{step}" for step in (*change.path, "metadata", f"{key.kind}s"))
    managers: list[Raw] = entries(mapping(change.new, "metadata"), "managedFields")
    applied = [mapping(manager, "fieldsV1") for manager in managers if manager.get("operation") == "Apply"]
    return any(f"f:{key.name}" in template_of(fields, steps) for fields in applied)
