"""Which operating system a pod is for, by every sign that the scheduler and the kubelet heed.

Tests: tests/webhook/test_cases.py
"""

from .podspec import Raw, entries, every_container, mapping

_OS_LABELS = ("kubernetes.io/os", "beta.kubernetes.io/os")
_BUILD_LABEL = "node.kubernetes.io/windows-build"
_WINDOWS = "windows"


def sign_of_windows(pod: Raw) -> str:
    """Return the path of the field that shows that the pod runs on Windows; empty where none does."""
    spec = mapping(pod, "spec")
    if mapping(spec, "os").get("name") == _WINDOWS:
        return "spec.os.name"
    for label, value in mapping(spec, "nodeSelector").items():
        if label == _BUILD_LABEL or (label in _OS_LABELS and value == _WINDOWS):
            return f"spec.nodeSelector {label}"
    if _is_bound_by_affinity(spec):
        return "spec.affinity.nodeAffinity"
    if any(_is_host_process(part) for part in (spec, *every_container(pod))):
        return "securityContext.windowsOptions.hostProcess"
    return ""


def _is_bound_by_affinity(spec: Raw) -> bool:
    affinity = mapping(mapping(spec, "affinity"), "nodeAffinity")
    required = mapping(affinity, "requiredDuringSchedulingIgnoredDuringExecution")
    terms = entries(required, "nodeSelectorTerms")
    return bool(terms) and all(any(map(_wants_windows, entries(term, "matchExpressions"))) for term in terms)


def _wants_windows(rule: Raw) -> bool:
    if rule.get("key") == _BUILD_LABEL:
        return rule.get("operator") in ("In", "Exists")
    values = rule.get("values")
    if rule.get("key") not in _OS_LABELS or not isinstance(values, list):
        return False
    return (rule.get("operator") == "In" and values == [_WINDOWS]) or (
        rule.get("operator") == "NotIn" and "linux" in values
    )


def _is_host_process(part: Raw) -> bool:
    return mapping(mapping(part, "securityContext"), "windowsOptions").get("hostProcess") is True
