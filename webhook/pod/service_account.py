"""What the API server's ServiceAccount plugin does to pods before any webhook, and the secrets that it looks at.

Tests: tests/webhook/test_cases.py
"""

from webhook.names import is_subdomain

from .podspec import Raw, entries, mapping, name_of

_ALIAS = "serviceAccount"
"""The older name of serviceAccountName, in which the API server says the same."""


def has_passed_admission(pod: Raw) -> bool:
    """Return whether the plugin has seen the pod: it names the account, and the API server writes both of its names."""
    spec = mapping(pod, "spec")
    return bool(spec.get("serviceAccountName")) and spec.get(_ALIAS) == spec.get("serviceAccountName")


def before_admission(template: Raw) -> Raw:
    """Return a template as a pod that the plugin has not seen: there, too, the API server writes both names."""
    spec = mapping(template, "spec")
    return {**template, "spec": {key: value for key, value in spec.items() if key != _ALIAS}}


def with_alias_of(template: Raw, pod: Raw) -> Raw:
    """Return a pod that was made without the account's second name, with the template's."""
    spec = mapping(template, "spec")
    return {**pod, "spec": {**mapping(pod, "spec"), _ALIAS: spec[_ALIAS]}} if _ALIAS in spec else pod


def own_secrets(bare: Raw) -> tuple[str, ...]:
    """Return the pod's own pull secrets; a name that no secret can have is skipped, as the kubelet does."""
    names = (name_of(reference) for reference in entries(mapping(bare, "spec"), "imagePullSecrets"))
    return tuple(dict.fromkeys(name for name in names if is_subdomain(name)))
