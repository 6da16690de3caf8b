"""What a file system can do, and how to continue where it cannot.

Calls of a pull are *needed* (bytes, names, publishing) or *optional* (all else: locks, preallocation, syncing, hard
links, modes and times). An optional call that the file system does not support is skipped, or done in another way; an
error of the disk itself is always raised.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from puller.errors import DiskFailed, disk_errors

if TYPE_CHECKING:
    from ctypes import CDLL

NOT_HERE = frozenset(
    (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL, errno.EPERM, errno.EACCES, errno.ENOLCK)
) | {errno.ENOTTY, errno.EXDEV, errno.EBADF, errno.EROFS, errno.EMLINK}
"""The errors of a call that a file system does not support, or does not allow this user."""

_PREALLOCATING = {"ext4", "xfs", "btrfs", "f2fs"}
_PASSING_INODES = ("fuse", "cifs", "smb", "9p", "vfat", "exfat", "msdos", "ntfs")
"""Types of file systems whose inode numbers may be those of a cache: FUSE, SMB without serverino, FAT."""

_RENAME_EXCHANGE = 2  # renameat2(2)
_AT_FDCWD = -100
_FOLDER_MODE = 0o755
_COPY_BYTES = 1 << 20
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@contextmanager
def optional() -> Iterator[None]:
    """Ignore the error of an optional call that is not supported here (NOT_HERE); raise all others."""
    try:
        yield
    except OSError as error:
        if error.errno not in NOT_HERE:
            raise


def kind_of(device: int, mountinfo: str) -> str:
    """Return the type of the file system on a device; empty when unknown.

    `mountinfo` is the text of /proc/self/mountinfo (proc_pid_mountinfo(5)).
    """
    wanted = f"{os.major(device)}:{os.minor(device)}"
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        if before.split()[2:3] == [wanted]:
            return after.split()[0]
    return ""


@cache
def _kind_of_device(device: int) -> str:
    try:
        return kind_of(device, Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return ""


def _kind_at(path: Path) -> str:
    try:
        return _kind_of_device(path.stat().st_dev)
    except OSError:
        return ""


def has_stable_inodes(path: Path) -> bool:
    """Return whether a file has one inode number here for its life, under each of its names; False where unknown."""
    kind = _kind_at(path)
    return bool(kind) and not kind.startswith(_PASSING_INODES)


def preallocates(path: Path) -> bool:
    """Return whether posix_fallocate reserves blocks here without writing them.

    On tmpfs it touches every page, and where the kernel cannot do it (NFS), libc writes every block: both would cost
    more than they save.
    """
    return _kind_at(path) in _PREALLOCATING


def bytes_below(folder: Path) -> int:
    """Return the bytes that the files below a folder take; 0 where another process removes it just now."""
    try:
        statuses = {status.st_ino: status for status in (entry.lstat() for entry in folder.rglob("*"))}
    except OSError:
        return 0
    return sum(status.st_blocks * 512 for status in statuses.values() if stat.S_ISREG(status.st_mode))


def free_bytes(path: Path) -> int | None:
    """Return how many bytes a user may still write on the volume of `path`; None where the volume does not tell."""
    with disk_errors(), optional():
        volume = os.statvfs(path)
        if volume.f_blocks:  # some network volumes report zeros for everything
            return volume.f_bavail * volume.f_frsize
    return None


def discard(path: Path) -> None:
    """Remove what is at a path: a folder with all its contents, a link itself and not its target."""
    with suppress(FileNotFoundError):
        if stat.S_ISDIR(path.lstat().st_mode):
            from shutil import rmtree  # noqa: PLC0415 - it imports four compressors, before a pull's first byte

            rmtree(path)
        else:
            path.unlink()


def discard_unheld(folder: Path) -> None:
    """Remove a folder but for files that are open here and that its network volume keeps until then (.nfsXXXX)."""
    for place, folders, files in os.walk(folder, topdown=False):
        for name in (*files, *folders):
            path = Path(place) / name
            with _held():
                path.rmdir() if stat.S_ISDIR(path.lstat().st_mode) else path.unlink()
    with _held():
        folder.rmdir()


@contextmanager
def _held() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.EBUSY, errno.ENOTEMPTY, errno.ENOENT}:
            raise


def check_inode(handle: int, inode: int, path: Path) -> None:
    """Raise DiskFailed where an open file is not the one that is meant, but another one; an `inode` of 0 is unknown."""
    if inode and os.fstat(handle).st_ino != inode:
        raise_replaced(path)


def raise_replaced(path: Path) -> NoReturn:
    """Raise DiskFailed for a file of this pull's own that is another one by now: two processes hold one lock."""
    raise DiskFailed(
        f"{path}: another pull put its own file there, so locks hold for one node alone on this volume",
        hint="pull from one node at a time, or mount the volume with locks for all nodes: nfs without nolock, say",
    )


def make_folders(root: Path, folder: Path) -> None:
    """Create a folder at or below `root`, and those between them, readable for all users."""
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
    """Write a file that all users may read, first as `fresh`: at `path` it appears whole or not at all."""
    discard(fresh)
    handle = os.open(fresh, _CREATE, 0o644)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        with optional():
            os.fchmod(handle, 0o644)  # despite the umask
        if is_synced:
            with optional():
                os.fsync(handle)
    fresh.rename(path)


def link_or_copy(source: Path, target: Path) -> bool:
    """Link a file under a second name, or copy it where links are impossible; return whether it was linked."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in NOT_HERE:
            raise
        copy(source, target)
        return False
    return True


def copy(source: Path, target: Path) -> None:
    """Copy a file, its mode and its times; blocks are shared where the file system can (copy_file_range(2)).

    The target must not exist. Modes and times are copied where the file system supports them.
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
    """Exchange two names in one step (renameat2(2), RENAME_EXCHANGE); return False where that is not supported."""
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
    import ctypes  # noqa: PLC0415 - a warm start need not load it

    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "renameat2"):
        return None
    library.renameat2.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    return library
