"""What a file system is good at, by its kind."""

import os
from pathlib import Path

from .errors import disk_errors

_PREALLOCATING = {"ext4", "xfs", "btrfs", "f2fs"}


def kind_of(path: Path, mountinfo: str) -> str:
    """Give the type of the file system that `path` is on; empty when unknown.

    `mountinfo` is the text of /proc/self/mountinfo (proc_pid_mountinfo(5)).
    """
    device = path.stat().st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        if before.split()[2:3] == [wanted]:
            return after.split()[0]
    return ""


def preallocates(path: Path) -> bool:
    """Tell whether posix_fallocate reserves room here without writing it.

    On tmpfs it touches every page, and where the kernel cannot do it (NFS), libc writes every block: both would cost
    more than they save.
    """
    try:
        mountinfo = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
        return kind_of(path, mountinfo) in _PREALLOCATING
    except OSError:
        return False


def free_bytes(path: Path) -> int:
    """Give how much a user may still write on the volume that `path` is on."""
    with disk_errors():
        volume = os.statvfs(path)
    return volume.f_bavail * volume.f_frsize
