"""The puller's security context, and the group that makes a claim writable for it.

Tests: tests/webhook/test_cases.py
"""

from dataclasses import dataclass

from .podspec import Raw, annotations, entries, mapping

# The user in the image, too; any but root is possible.
IMAGE_USER = 65532
_SCC = "openshift.io/scc"
"""What OpenShift writes on pods whose users and groups one of its policies assigns."""


def puller_security(pod: Raw, server: Raw, proxy_user: int | None) -> Raw:
    """Return the puller's security context in this pod: that of the `restricted` Pod Security Standard.

    It has the application's user and group, so that the application owns its model's files on every kind of volume, or
    a proxy's user, whose traffic a service mesh lets through. If the pod names no user, none is set: OpenShift assigns
    one, and refuses others.
    """
    context: Raw = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    effective = _effective(pod, server)
    user = proxy_user or effective.get("runAsUser")
    if user:
        context["runAsUser"] = user
        if effective.get("runAsGroup") is not None:
            context["runAsGroup"] = effective["runAsGroup"]
    elif mapping(mapping(pod, "spec"), "securityContext").get("runAsUser") == 0:
        context["runAsUser"] = IMAGE_USER
    return context


@dataclass(frozen=True, slots=True)
class ClaimGroup:
    """How the puller may write to a claim. `group` is the fsGroup that the pod gets; `doubt` why it gets none."""

    group: int | None = None
    doubt: str = ""


def claim_group(pod: Raw, server: Raw, claim: str) -> ClaimGroup:
    """Return the fsGroup for a pod whose model lies on a claim, which is named unless it is the pod's own.

    None where the pod has one, where a policy assigns it, or where other claims of the pod would change their group.
    """
    spec = mapping(pod, "spec")
    if mapping(spec, "securityContext").get("fsGroup") is not None:
        return ClaimGroup()
    if _SCC in annotations(pod):
        return ClaimGroup(doubt="a security policy assigns groups")
    if any(_is_other_claim(volume, claim) for volume in entries(spec, "volumes")):
        return ClaimGroup(doubt="the pod mounts other claims, whose group it would change")
    group = _effective(pod, server).get("runAsGroup")
    return ClaimGroup(group if isinstance(group, int) and group > 0 else IMAGE_USER)


def _is_other_claim(volume: Raw, claim: str) -> bool:
    if "persistentVolumeClaim" in volume:
        return mapping(volume, "persistentVolumeClaim").get("claimName") != claim
    return "ephemeral" in volume


def puller_user(context: Raw) -> str:
    """Return the puller's user and group in words."""
    user, group = context.get("runAsUser", IMAGE_USER), context.get("runAsGroup", 0)
    return f"uid {user}, gid {group}"


def _effective(pod: Raw, server: Raw) -> Raw:
    of_server = {key: value for key, value in mapping(server, "securityContext").items() if value is not None}
    return mapping(mapping(pod, "spec"), "securityContext") | of_server
