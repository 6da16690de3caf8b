"""When bytes are written from the page cache to the disk: as soon as they arrive, and they also stay in memory.

A model that was just pulled is about to be read. There are two other cases: a volume that outlives the pod, whose data
is synced before it is published; and a memory limit that the model does not fit into, under which the last window of
it stays: the kernel would drop pages all the same, and hold the writers up while it looks for them.

Tests: tests/puller/store/test_odd_filesystems.py
"""

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from puller.errors import disk_errors

from .filesystem import optional
from .memory import Window, room_beside_connections

if TYPE_CHECKING:
    from ctypes import CDLL

_WAIT_BEFORE, _WRITE, _WAIT_AFTER = 1, 2, 4  # flags of sync_file_range(2)


class Writeback:
    """Decides what happens to a file's pages as they are written. May be shared between threads."""

    def __init__(self, *, is_synced: bool, is_low_memory: bool, window_bytes: int = 0) -> None:
        """`is_synced`: sync everything to disk; `is_low_memory`: keep only the last `window_bytes` in memory."""
        self._is_synced = is_synced
        self._window = Window(window_bytes, _drop) if is_low_memory else None
        self.cannot_sync = False
        """Whether the file system does not support syncing."""

    def landed(self, start: int, stop: int, handle: int) -> None:
        """Start writing bytes of a file to disk, so that the kernel need not block the writers later."""
        _sync_range(handle, start, stop - start, _WRITE)
        if self._window is not None:
            self._window.add(handle, start, stop - start)

    def complete(self, handle: int) -> None:
        """Wait until a whole file is on disk, if `is_synced`."""
        if self._is_synced:
            with disk_errors():
                self.cannot_sync |= not _sync(handle)

    def tree(self, root: Path) -> None:
        """Wait until all files and names below `root` are on disk, if `is_synced`; files of earlier pulls, too."""
        if self._is_synced:
            for folder, _, names in os.walk(root):
                for place in (*(Path(folder) / name for name in names), Path(folder)):
                    if not place.is_symlink():
                        self.cannot_sync |= not sync(place)


def sync(place: Path) -> bool:
    """Wait until a file's bytes, or a folder's names, are on disk; return whether the file system supports that."""
    with disk_errors():
        handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            return _sync(handle)
        finally:
            os.close(handle)


def _sync(handle: int) -> bool:
    with optional():
        os.fsync(handle)
        return True
    return False


def memory_limit(cgroups: str, root: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Return the memory limit of this process in bytes, or None.

    `cgroups` is the text of /proc/self/cgroup. Both versions of control groups are read, under the group's own path
    and, as in a container, without it (cgroups(7)).
    """
    for line in cgroups.splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            names = [root / path.lstrip("/") / "memory.max", root / "memory.max"]
        elif "memory" in controllers.split(","):
            v1 = root / "memory"
            names = [v1 / path.lstrip("/") / "memory.limit_in_bytes", v1 / "memory.limit_in_bytes"]
        else:
            continue
        for name in names:
            text = name.read_text().strip() if name.is_file() else ""
            if text.isdecimal() and int(text) < 1 << 60:  # v1 has a huge number for no limit
                return int(text)
    return None


def own_limit() -> int | None:
    """Return the memory limit of this process in bytes, or None."""
    try:
        return memory_limit(Path("/proc/self/cgroup").read_text())
    except OSError:
        return None


def writeback_for(size: int, *, is_synced: bool) -> Writeback:
    """Return the writeback of a model of `size` bytes within this process's memory limit."""
    room = room_beside_connections(own_limit())
    return Writeback(is_synced=is_synced, is_low_memory=room is not None and size > room, window_bytes=room or 0)


def _drop(handle: int, start: int, size: int) -> None:
    """Drop a range of a file from memory, once it is on disk."""
    _sync_range(handle, start, size, _WAIT_BEFORE | _WRITE | _WAIT_AFTER)
    with optional():
        os.posix_fadvise(handle, start, size, os.POSIX_FADV_DONTNEED)


@cache
def _library() -> "CDLL | None":
    import ctypes  # noqa: PLC0415 - a warm start need not load it

    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "sync_file_range"):
        return None
    library.sync_file_range.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
    return library


def _sync_range(handle: int, start: int, size: int, flags: int) -> None:
    """Call sync_file_range(2) if the C library has it; the final sync reports an error of the disk again."""
    library = _library()
    if library is not None:
        library.sync_file_range(handle, start, size, flags)
