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
    """Which users are trusted: `uid`, root, and the members of `groups`."""

    uid: int
    groups: frozenset[int] = frozenset()

    @classmethod
    def of_process(cls, *, trusts_group: bool) -> Self:
        """Return the trust of this process; `trusts_group` extends it to the groups that it is a member of."""
        groups = frozenset((os.getegid(), *os.getgroups())) if trusts_group else frozenset[int]()
        return cls(os.geteuid(), groups)

    def is_own(self, status: os.stat_result) -> bool:
        """Return whether this user or root owns a file."""
        return status.st_uid in (0, self.uid)

    def is_exclusive(self, status: os.stat_result) -> bool:
        """Return whether only trusted users can have written a file, a folder or a symbolic link."""
        is_group_trusted = status.st_gid in self.groups
        if not (self.is_own(status) or is_group_trusted):
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
