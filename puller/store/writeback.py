"""When bytes are written from the page cache to the disk.

- A model that the kernel leaves in memory for a while is left to it: nobody waits for the disk.
- In a container somebody does: the unmount of its root, an overlay, writes all that is dirty on the file system below,
  and the kubelet starts no server before. Writing begins there as soon as bytes arrive.
- Of a larger one writing begins as soon as bytes arrive; they stay in memory, for they are about to be read. Else the
  kernel begins late, and then holds the writers up.
- On a volume that outlives the pod it begins at once, too, because all is synced before it is published.
- Under a memory limit that the model does not fit into, the last window of it stays: the kernel would drop pages all
  the same, and hold the writers up while it looks for them.

Tests: tests/puller/store/test_page_cache.py
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from puller.errors import disk_errors
from registry.errors import Fault
from registry.process.background import Background
from registry.process.control_group import own_memory_limit

from .filesystem import optional
from .memory import Window, room_beside_connections

if TYPE_CHECKING:
    from ctypes import CDLL

_MEMORY = Path("/proc/meminfo")
_BACKGROUND = Path("/proc/sys/vm/dirty_background")
_MOUNTS = Path("/proc/self/mountinfo")
_WAIT_BEFORE, _WRITE, _WAIT_AFTER = 1, 2, 4  # flags of sync_file_range(2)


CANNOT_SYNC = "its file system cannot sync; after a power cut the model is hashed anew"


class Writeback:
    """Decides what happens to a file's pages as they are written. May be shared between threads."""

    def __init__(
        self, *, is_synced: bool = False, is_early: bool = False, is_low_memory: bool = False, window_bytes: int = 0
    ) -> None:
        """`is_synced`: sync everything to disk, `is_early`: begin as soon as bytes arrive.

        `is_low_memory`: keep only the last `window_bytes` in memory.
        """
        self._is_synced, self._is_early = is_synced, is_early or is_synced or is_low_memory
        self._window = Window(window_bytes, self._drop) if is_low_memory else None
        self.cannot_sync = False
        """Whether the file system does not support syncing."""

        self.lost = set[int]()
        """The inodes of files of which the disk refused bytes. The kernel says so once, and what it has of them in
        memory counts as written from then on: they must be fetched again."""

    def landed(self, start: int, stop: int, handle: int) -> None:
        """Start writing bytes of a file to disk, where that is not left to the kernel."""
        if self._is_early:
            with self._noting(handle):
                _sync_range(handle, start, stop - start, _WRITE)
        if self._window is not None:
            self._window.add(handle, start, stop - start)

    def complete(self, handle: int) -> None:
        """Wait until a whole file is on disk, if `is_synced`."""
        if self._is_synced:
            with self._noting(handle):
                self.cannot_sync |= not _sync(handle)

    def tree(self, root: Path) -> None:
        """Wait until all files and names below `root` are on disk, if `is_synced`; files of earlier pulls, too."""
        if self._is_synced:
            waits = Background(self._sync_one)  # for the disk: signals are heeded meanwhile
            for folder, _, names in os.walk(root):
                for place in (*(Path(folder) / name for name in names), Path(folder)):
                    waits.add(place)
            waits.finish()

    def _sync_one(self, place: Path) -> None:
        if not place.is_symlink():
            with _opened(place) as handle, self._noting(handle):
                self.cannot_sync |= not _sync(handle)

    def release(self) -> None:
        """Close what is held open of files: a network volume keeps a removed one under another name until then."""
        if self._window is not None:
            self._window.clear()

    def _drop(self, handle: int, start: int, size: int) -> None:
        """Drop a range of a file from memory, once it is on disk."""
        with self._noting(handle):
            _sync_range(handle, start, size, _WAIT_BEFORE | _WRITE | _WAIT_AFTER)
            with optional():
                os.posix_fadvise(handle, start, size, os.POSIX_FADV_DONTNEED)

    @contextmanager
    def _noting(self, handle: int) -> Iterator[None]:
        """Note the file where the disk refuses its bytes in this block. Raises NoRoom, DiskFailed."""
        try:
            with disk_errors():
                yield
        except Fault:
            self.lost.add(os.fstat(handle).st_ino)
            with suppress(OSError):  # no receipt tells of it any more, under whatever other names it has
                os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
                os.utime(handle)
            raise


def sync(place: Path) -> bool:
    """Wait until a file's bytes, or a folder's names, are on disk; return whether the file system supports that."""
    with _opened(place) as handle, disk_errors():
        return _sync(handle)


@contextmanager
def _opened(place: Path) -> Iterator[int]:
    with disk_errors():
        handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield handle
    finally:
        os.close(handle)


def _sync(handle: int) -> bool:
    with optional():
        os.fsync(handle)
        return True
    return False


def writeback_for(size: int, *, is_synced: bool) -> Writeback:
    """Return the writeback of a model of `size` bytes within this process's memory limit."""
    limit = own_memory_limit()
    room = room_beside_connections(limit)
    return Writeback(
        is_synced=is_synced,
        is_early=has_overlay_root(_MOUNTS) or size > left_dirty(_MEMORY, _BACKGROUND, limit),
        is_low_memory=room is not None and size > room,
        window_bytes=room or 0,
    )


def has_overlay_root(mounts: Path) -> bool:
    """Return whether the root of this process is an overlay, by the table of mounts (proc_pid_mountinfo(5))."""
    try:
        lines = [line.split() for line in mounts.read_text().splitlines()]
        root = [words for words in lines if words[4] == "/"][-1]  # it lies over the others
        return root[root.index("-") + 1] == "overlay"
    except (OSError, ValueError, IndexError):
        return False


def left_dirty(memory: Path, background: Path, limit: int | None) -> int:
    """Return how many new bytes the kernel leaves in memory by itself, half of them for others; 0 where unknown.

    That is so much of what is available, or of the memory `limit`, as vm.dirty_background_ratio or _bytes says.
    """
    try:
        most = int(Path(f"{background}_bytes").read_text())
        available = int(memory.read_text().partition("MemAvailable:")[2].split()[0]) << 10
        ratio = int(Path(f"{background}_ratio").read_text())
    except (OSError, ValueError, IndexError):
        return 0
    return (most or min(available, limit or available) * ratio // 100) // 2


@cache
def _library() -> "CDLL | None":
    import ctypes  # noqa: PLC0415 - a warm start need not load it

    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "sync_file_range"):
        return None
    library.sync_file_range.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
    return library


def _sync_range(handle: int, start: int, size: int, flags: int) -> None:
    """Call sync_file_range(2) if the C library has it; raise the disk's error, which no later sync tells again."""
    library = _library()
    if library is not None and library.sync_file_range(handle, start, size, flags):
        import ctypes  # noqa: PLC0415 - see _library

        with optional():
            raise OSError(code := ctypes.get_errno(), os.strerror(code))
