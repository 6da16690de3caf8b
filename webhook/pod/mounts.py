"""The model's path in a container: which paths can be mounted, and which are free.

Tests: tests/webhook/test_cases.py
"""

import posixpath
from pathlib import PurePosixPath

from webhook.names import VOLUMES
from webhook.quotes import quoted
from webhook.refusals import BadMountPath, MountPathTaken

from .podspec import Raw, entries, mapping, name_of

_LONGEST = 4096  # PATH_MAX
# The kubelet mounts these read-only whatever the mount says, so nothing can be mounted below them.
_READ_ONLY_KINDS = ("configMap", "secret", "projected", "downwardAPI", "image")


def parse_mount_path(text: str) -> str:
    """Parse a mount path; raise BadMountPath with the reason."""
    if not text.startswith("/"):
        raise BadMountPath("the mount path is not absolute")
    if text == "/":
        raise BadMountPath("a model at / would hide the whole container")
    if posixpath.normpath(text) != text or text.startswith("//"):
        raise BadMountPath("the mount path is not in its normal form")
    if ":" in text or not text.isprintable() or len(text) > _LONGEST:
        raise BadMountPath("the mount path has a letter that cannot be mounted, or too many letters")
    return text


def read_only_volumes(pod: Raw) -> frozenset[str]:
    """Return the names of the volumes in which nothing can be mounted."""
    return frozenset(map(name_of, filter(_is_read_only, entries(mapping(pod, "spec"), "volumes"))))


def _is_read_only(volume: Raw) -> bool:
    """Return whether the kubelet mounts a volume read-only: by its kind, or as its source says (a claim, CSI, NFS)."""
    by_kind = any(kind in volume for kind in _READ_ONLY_KINDS)
    return by_kind or any(mapping(volume, source).get("readOnly") is True for source in volume)


def check_free(container: Raw, mount_path: str, fixed: frozenset[str]) -> None:
    """Raise MountPathTaken if `mount_path` collides with a mount of the container, other than of our own volumes.

    `fixed` are the pod's read-only volumes.
    """
    for mount in entries(container, "volumeMounts"):
        collision = _collision(mount, mount_path, fixed)
        if collision and name_of(mount) not in VOLUMES:
            raise MountPathTaken(
                f"container {quoted(name_of(container))} already mounts volume {quoted(name_of(mount))} "
                f"at {quoted(mount.get('mountPath'))}, {collision} {quoted(mount_path)}"
            )


def _collision(mount: Raw, mount_path: str, fixed: frozenset[str]) -> str:
    place = mount.get("mountPath")
    if not isinstance(place, str) or not place:
        return ""
    theirs, ours = PurePosixPath(posixpath.normpath(place)), PurePosixPath(mount_path)
    if theirs == ours:
        return "the same place as"
    if theirs.is_relative_to(ours):
        return "which would be hidden by the model at"
    if ours.is_relative_to(theirs) and (mount.get("readOnly") is True or name_of(mount) in fixed):
        return "which is read-only, so that nothing can be mounted at"
    return ""
