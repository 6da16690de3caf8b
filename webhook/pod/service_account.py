"""What the API server's ServiceAccount plugin does to pods, before any webhook sees them.

Tests: tests/webhook/test_cases.py
"""

from .podspec import Raw, mapping


def has_passed_admission(pod: Raw) -> bool:
    """Return whether the plugin has seen the pod: it names the account, and the API server writes both of its names."""
    spec = mapping(pod, "spec")
    return bool(spec.get("serviceAccountName")) and spec.get("serviceAccount") == spec.get("serviceAccountName")
