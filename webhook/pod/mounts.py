"""The model's path in a container: which paths can be mounted, and which are free."""

import posixpath
from pathlib import PurePosixPath

from webhook.refusals import BadMountPath, MountPathTaken

from .podspec import Raw, entries, mapping, name_of

# The kubelet mounts these read-only whatever the mount says, so nothing can be mounted below them.
_READ_ONLY_KINDS = ("configMap", "secret", "projected", "downwardAPI", "image")


def parse_mount_path(text: str) -> str:
    """Parse a mount path; raise BadMountPath."""
    if not text.startswith("/"):
        raise BadMountPath(f"the mount path {text!r} is not absolute")
    if text == "/":
        raise BadMountPath("the mount path / would hide the whole container")
    if posixpath.normpath(text) != text or text.startswith("//"):
        raise BadMountPath(f"the mount path {text!r} is not in its normal form")
    if ":" in text or not text.isprintable():
        raise BadMountPath(f"the mount path {text!r} has a character that cannot be mounted")
    return text


def check_free(pod: Raw, containers: list[Raw], mount_path: str) -> None:
    """Raise MountPathTaken if `mount_path` collides with a mount of one of the containers."""
    fixed = {
        name_of(volume)
        for volume in entries(mapping(pod, "spec"), "volumes")
        if any(kind in volume for kind in _READ_ONLY_KINDS)
    }
    for container in containers:
        for mount in entries(container, "volumeMounts"):
            collision = _collision(mount, mount_path, fixed)
            if collision:
                raise MountPathTaken(
                    f"container {name_of(container)!r}: the mount path {mount_path} {collision} "
                    f"{mount.get('mountPath')} of the volume {name_of(mount)!r}"
                )


def _collision(mount: Raw, mount_path: str, fixed: set[str]) -> str:
    place = mount.get("mountPath")
    if not isinstance(place, str) or not place:
        return ""
    theirs, ours = PurePosixPath(posixpath.normpath(place)), PurePosixPath(mount_path)
    if theirs == ours:
        return "is the mount"
    if theirs.is_relative_to(ours):
        return "would hide the mount"
    if ours.is_relative_to(theirs) and (mount.get("readOnly") is True or name_of(mount) in fixed):
        return "lies in the read-only mount"
    return ""
