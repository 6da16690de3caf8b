"""The puller's security context, and the group that makes a claim writable for it.

Tests: tests/webhook/test_cases.py
"""

from dataclasses import dataclass

from .podspec import Raw, annotations, entries, mapping

# The user in the image, too; any but root is possible.
IMAGE_USER = 65532
_GROUP = 0o070
_SCC = "openshift.io/scc"
"""What OpenShift writes on pods whose users and groups one of its policies assigns."""


def puller_security(pod: Raw, server: Raw, proxy_user: int | None) -> Raw:
    """Return the puller's security context in this pod: that of the `restricted` Pod Security Standard.

    It has the application's user and group, so that the application owns its model's files on every kind of volume, or
    a proxy's user, whose traffic a service mesh lets through. If the pod names no user, none is set: OpenShift assigns
    one, and refuses others. A policy of its that allows a seccomp profile has written it on the pod, and one that does
    not (anyuid) refuses a container with any.
    """
    context: Raw = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
    }
    if _SCC not in annotations(pod):
        context["seccompProfile"] = {"type": "RuntimeDefault"}
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
    if any(map(_is_closed_to_groups, entries(spec, "volumes"))):
        return ClaimGroup(doubt="the pod mounts a Secret whose mode is closed to groups, and a group would open it")
    group = _effective(pod, server).get("runAsGroup")
    return ClaimGroup(group if isinstance(group, int) and group > 0 else IMAGE_USER)


def _is_other_claim(volume: Raw, claim: str) -> bool:
    if "persistentVolumeClaim" in volume:
        return mapping(volume, "persistentVolumeClaim").get("claimName") != claim
    return "ephemeral" in volume


def _is_closed_to_groups(volume: Raw) -> bool:
    """Return whether a volume of Secrets states a mode for its owner alone, as the key of an ssh client must have."""
    projected = mapping(volume, "projected")
    secrets = [mapping(volume, "secret"), *(mapping(one, "secret") for one in entries(projected, "sources"))]
    secrets = [one for one in secrets if one]
    modes = [item.get("mode") for one in secrets for item in entries(one, "items")]
    modes += [one.get("defaultMode") for one in (*secrets, *([projected] if secrets else []))]
    return any(isinstance(mode, int) and not mode & _GROUP for mode in modes)


def puller_user(context: Raw) -> str:
    """Return the puller's user and group in words."""
    user, group = context.get("runAsUser", IMAGE_USER), context.get("runAsGroup", 0)
    return f"uid {user}, gid {group}"


def _effective(pod: Raw, server: Raw) -> Raw:
    of_server = {key: value for key, value in mapping(server, "securityContext").items() if value is not None}
    return mapping(mapping(pod, "spec"), "securityContext") | of_server
