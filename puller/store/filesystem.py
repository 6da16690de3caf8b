"""What a file system can do, and how to go on where it cannot.

Calls of a pull are *needed* (bytes, names, publishing) or *nice* (all else: locks, preallocation, syncing, hard links,
modes and times). A nice call that the file system does not know is passed over, or done in another way; an error of
the disk itself never is.
"""

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from puller.errors import DiskFailed, disk_errors

if TYPE_CHECKING:
    from ctypes import CDLL

NOT_HERE = frozenset(
    (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL, errno.EPERM, errno.EACCES, errno.ENOLCK)
) | {errno.ENOTTY, errno.EXDEV, errno.EBADF, errno.EROFS, errno.EMLINK}
"""What a file system answers to a call that it does not know, or does not let this user make."""

_PREALLOCATING = {"ext4", "xfs", "btrfs", "f2fs"}
_RENAME_EXCHANGE = 2  # renameat2(2)
_AT_FDCWD = -100
_FOLDER_MODE = 0o755
_COPY_BYTES = 1 << 20
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@contextmanager
def optional() -> Iterator[None]:
    """Pass over a nice call that is not to be had here; everything else rises."""
    try:
        yield
    except OSError as error:
        if error.errno not in NOT_HERE:
            raise


def kind_of(path: Path, mountinfo: str) -> str:
    """Return the type of the file system that `path` is on; empty when unknown.

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
    """Return whether posix_fallocate reserves room here without writing it.

    On tmpfs it touches every page, and where the kernel cannot do it (NFS), libc writes every block: both would cost
    more than they save.
    """
    try:
        mountinfo = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
        return kind_of(path, mountinfo) in _PREALLOCATING
    except OSError:
        return False


def free_bytes(path: Path) -> int | None:
    """Return how much a user may still write on the volume that `path` is on; None where the volume does not say."""
    with disk_errors(), optional():
        volume = os.statvfs(path)
        if volume.f_blocks:  # some network volumes answer zeros throughout
            return volume.f_bavail * volume.f_frsize
    return None


def discard(path: Path) -> None:
    """Remove what stands at a path, whatever it is: a folder with all that is in it, of a link the link itself."""
    with suppress(FileNotFoundError):
        if stat.S_ISDIR(path.lstat().st_mode):
            shutil.rmtree(path)
        else:
            path.unlink()


def make_folders(root: Path, folder: Path) -> None:
    """Make a folder at or below `root`, and those between them, so that all may read what is in them."""
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        if folder == root:
            break
        folder = folder.parent
    for one in reversed(missing):
        one.mkdir()
        with optional():
            one.chmod(_FOLDER_MODE)


def write_whole(path: Path, content: bytes, fresh: Path, *, is_synced: bool = False) -> None:
    """Write a file that all may read, under the name `fresh` first: at `path` it appears whole or not at all."""
    discard(fresh)
    handle = os.open(fresh, _CREATE, 0o644)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        with optional():
            os.fchmod(handle, 0o644)  # not what the umask left of it
        if is_synced:
            with optional():
                os.fsync(handle)
    fresh.rename(path)


def link_or_copy(source: Path, target: Path) -> bool:
    """Return a file a second name; where there are no more, a copy. Return whether it is the same file."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in NOT_HERE:
            raise
        copy(source, target)
        return False
    return True


def copy(source: Path, target: Path) -> None:
    """Copy a file, its mode and its times; where blocks can be shared no byte moves (copy_file_range(2)).

    The target must not exist. Modes and times follow where the file system has them.
    """
    old = os.open(source, _READ)
    try:
        status = os.fstat(old)
        new = os.open(target, _CREATE, 0o644)
        try:
            _copy_bytes(old, new, status.st_size)
            with optional():
                os.fchmod(new, stat.S_IMODE(status.st_mode) & 0o755 | 0o444)
            with optional():
                os.utime(new, ns=(status.st_atime_ns, status.st_mtime_ns))
        finally:
            os.close(new)
    finally:
        os.close(old)


def _copy_bytes(old: int, new: int, left: int) -> None:
    try:
        while left and (count := os.copy_file_range(old, new, left)):
            left -= count
    except OSError as error:
        if error.errno not in NOT_HERE:
            raise
    while left and (content := os.read(old, min(left, _COPY_BYTES))):
        written = 0
        while written < len(content):
            written += os.write(new, content[written:])
        left -= len(content)
    if left:
        raise DiskFailed(f"a file became {left} bytes shorter while it was copied")


def exchange(one: Path, other: Path) -> bool:
    """Exchange two names in one step (renameat2(2), RENAME_EXCHANGE); False where that is not to be had."""
    library = _library()
    if library is None:
        return False
    import ctypes  # noqa: PLC0415 - see _library

    ctypes.set_errno(0)
    paths = os.fsencode(one), os.fsencode(other)
    if library.renameat2(_AT_FDCWD, paths[0], _AT_FDCWD, paths[1], _RENAME_EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP):
        return False
    raise OSError(code, os.strerror(code), str(other))


@cache
def _library() -> "CDLL | None":
    import ctypes  # noqa: PLC0415 - a pull that finds its model standing need not load it

    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "renameat2"):
        return None
    library.renameat2.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    return library
