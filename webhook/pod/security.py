"""The puller's security context: that of the `restricted` Pod Security Standard, and the application's user."""

from .podspec import Raw, mapping

# The user in the image, too; any but root is possible.
_NOBODY_IN_PARTICULAR = 65532


def puller_security(pod: Raw, first_target: Raw) -> Raw:
    """Return the puller's security context in this pod.

    It has the application's user and group, so that the application owns its model's files on every kind of
    volume. If the pod names no user, none is set: OpenShift assigns one, and refuses others.
    """
    context: Raw = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    of_pod = mapping(mapping(pod, "spec"), "securityContext")
    effective = of_pod | {k: v for k, v in mapping(first_target, "securityContext").items() if v is not None}
    user = effective.get("runAsUser")
    if user:
        context["runAsUser"] = user
        if effective.get("runAsGroup") is not None:
            context["runAsGroup"] = effective["runAsGroup"]
    elif of_pod.get("runAsUser") == 0:
        context["runAsUser"] = _NOBODY_IN_PARTICULAR
    return context
