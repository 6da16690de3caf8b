"""What fits into the memory that a pod lends its puller: connections, and how much of a model stays in page cache.

The limit itself is read by registry.process.control_group.
"""

import os
from collections import deque
from collections.abc import Callable
from threading import Lock

BASE_BYTES = 58 << 20
"""The peak without connections."""

CONNECTION_BYTES = 2 << 20
"""What each connection adds to it."""

PROCESS_BYTES = 16 << 20
"""What each process beside the first one may add to it: up to 10 MiB were seen, over TLS, with 2 to 8 of them."""

_MOST_CONNECTIONS = 16
_MOST_FILES = 256
"""The most files that a window holds open: processes may have 1,024."""


def affordable_connections(wanted: int, limit: int | None) -> int:
    """Return how many of the wanted connections a memory limit in bytes leaves room for, one at least."""
    if limit is None:
        return wanted
    return max(1, min(wanted, (limit - BASE_BYTES) // CONNECTION_BYTES))


def affordable_processes(wanted: int, connections: int, limit: int | None) -> int:
    """Return how many of the wanted processes, each with a connection, a memory limit has room for, one at least."""
    most = min(wanted, connections)
    if limit is None:
        return most
    return max(1, min(most, 1 + (limit - BASE_BYTES - connections * CONNECTION_BYTES) // PROCESS_BYTES))


def room_beside_connections(limit: int | None) -> int | None:
    """Return how many bytes of files a memory limit leaves room for beside the process; None without a limit."""
    return None if limit is None else max(0, limit - BASE_BYTES - _MOST_CONNECTIONS * CONNECTION_BYTES)


class Window:
    """The ranges of files that were written last, up to a number of bytes; those before are dropped from memory.

    Of small files the last 256 stay at most. May be shared between threads. A range's file may be closed meanwhile.
    """

    def __init__(self, size: int, drop: Callable[[int, int, int], None]) -> None:
        """`drop` is called with a file descriptor, the start and the size of each range that leaves the window."""
        self._size, self._drop = size, drop
        self._held = 0
        self._ranges: deque[tuple[_File, int, int]] = deque()
        self._files: dict[tuple[int, int], _File] = {}
        self._lock = Lock()

    def add(self, handle: int, start: int, size: int) -> None:
        """Add a range; drop the oldest ones that do not fit beside it."""
        leaving = []
        with self._lock:
            file = self._file(handle)
            file.ranges += 1
            self._ranges.append((file, start, size))
            self._held += size
            while self._ranges and (self._held > self._size or len(self._files) > _MOST_FILES):
                oldest = self._ranges.popleft()
                self._held -= oldest[2]
                leaving.append(oldest)
                self._leave(oldest[0])
        for file, begin, length in leaving:
            self._drop(file.handle, begin, length)

    def clear(self) -> None:
        """Leave all ranges in memory, and close their files."""
        with self._lock:
            self._ranges.clear()
            self._files.clear()
            self._held = 0

    def _file(self, handle: int) -> "_File":
        """Return the file of a descriptor: one of our own serves all ranges of a file."""
        status = os.fstat(handle)
        key = (status.st_dev, status.st_ino)
        if key not in self._files:
            self._files[key] = _File(key, os.dup(handle))
        return self._files[key]

    def _leave(self, file: "_File") -> None:
        file.ranges -= 1
        if not file.ranges:
            del self._files[file.key]


class _File:
    """A descriptor that is closed with the last of the `ranges` that need it."""

    def __init__(self, key: tuple[int, int], handle: int) -> None:
        self.key, self.handle = key, handle
        self.ranges = 0

    def __del__(self) -> None:
        os.close(self.handle)
