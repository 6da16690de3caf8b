"""What the API server's ServiceAccount plugin does to pods before any webhook, and the secrets that it looks at.

Tests: tests/webhook/test_cases.py
"""

from webhook.names import is_subdomain

from .podspec import Raw, entries, mapping, name_of


def has_passed_admission(pod: Raw) -> bool:
    """Return whether the plugin has seen the pod: it names the account, and the API server writes both of its names."""
    spec = mapping(pod, "spec")
    return bool(spec.get("serviceAccountName")) and spec.get("serviceAccount") == spec.get("serviceAccountName")


def before_admission(template: Raw) -> Raw:
    """Return a template as a pod that the plugin has not seen: there, too, the API server writes both names."""
    spec = mapping(template, "spec")
    return {**template, "spec": {key: value for key, value in spec.items() if key != "serviceAccount"}}


def own_secrets(bare: Raw) -> tuple[str, ...]:
    """Return the pod's own pull secrets; a name that no secret can have is skipped, as the kubelet does."""
    names = (name_of(reference) for reference in entries(mapping(bare, "spec"), "imagePullSecrets"))
    return tuple(dict.fromkeys(name for name in names if is_subdomain(name)))
