"""Which users can have written a file: it decides what is trusted without being hashed (docs/security.md).

A volume may have many writers. A file is trusted as it is only if no user but this one and root can have written it, by
its type, owner, mode and link count, never by its name.
"""

import os
import stat
from pathlib import Path
from typing import NamedTuple, Self

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Trust(NamedTuple):
    """Which users are trusted: `uid`, root, and the members of `groups`.

    `assigned` is the owner that the volume gives to whatever this user writes, if it is not this user: that of an EFS
    access point, or of NFS with all_squash. Others who write there get the same one, so that it proves nothing: its
    files may be replaced as this user's own, and are trusted only where groups are.
    """

    uid: int
    groups: frozenset[int] = frozenset()
    assigned: int | None = None

    @classmethod
    def of_process(cls, *, trusts_group: bool) -> Self:
        """Return the trust of this process; `trusts_group` extends it to the groups that it is a member of."""
        groups = frozenset((os.getegid(), *os.getgroups())) if trusts_group else frozenset[int]()
        return cls(os.geteuid(), groups)

    def on(self, folder: Path) -> Self:
        """Return the trust on the volume of a folder, by the owner of a file that is made there. Raises OSError."""
        probe = folder / f".{os.urandom(8).hex()}"
        handle = os.open(probe, os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            owner = os.fstat(handle).st_uid
        finally:
            os.close(handle)
            probe.unlink()
        return self.given(owner)

    def given(self, owner: int) -> Self:
        """Return the trust on a volume that gives this `owner` to what this user writes."""
        return self._replace(assigned=owner if owner != self.uid else None)

    def is_own(self, status: os.stat_result) -> bool:
        """Return whether this user or root owns a file, as far as the volume tells users apart."""
        return status.st_uid in (0, self.uid, self.assigned)

    def is_exclusive(self, status: os.stat_result) -> bool:
        """Return whether only trusted users can have written a file, a folder or a symbolic link."""
        is_group_trusted = status.st_gid in self.groups
        is_assigned = status.st_uid == self.assigned
        is_owner_trusted = bool(self.groups) if is_assigned else status.st_uid in (0, self.uid)
        if not (is_owner_trusted or is_group_trusted):
            return False
        if stat.S_ISLNK(status.st_mode):
            return True  # its mode is not used: the folder that it is in decides
        return not status.st_mode & (stat.S_IWOTH if is_group_trusted else stat.S_IWOTH | stat.S_IWGRP)


def status_of(path: Path) -> os.stat_result | None:
    """Return the status of what is at a path, links not followed; None where nothing is, or it cannot be read."""
    try:
        return path.lstat()
    except OSError:
        return None


def file_status(root: Path, name: str) -> os.stat_result | None:
    """Return the status of a regular file below a folder if no folder in its path is a link; else None."""
    *folders, _ = name.split("/")
    place = root
    for folder in folders:
        place /= folder
        above = status_of(place)
        if above is None or not stat.S_ISDIR(above.st_mode):
            return None
    status = status_of(root / name)
    return status if status is not None and stat.S_ISREG(status.st_mode) else None


def read_state(path: Path, limit: int) -> tuple[bytes, os.stat_result] | None:
    """Return the bytes and the status of a state file, or None.

    A state file is a regular file with one name and at most `limit` bytes; a link is not followed, a pipe not waited
    for. Everything else counts as absent.
    """
    try:
        handle = os.open(path, _READ)
    except OSError:
        return None
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1 or status.st_size > limit:
            return None
        with os.fdopen(os.dup(handle), "rb") as file:
            content = file.read(limit + 1)
        return (content, status) if len(content) <= limit else None
    except OSError:
        return None
    finally:
        os.close(handle)
