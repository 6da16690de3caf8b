"""What fits into the memory that a pod lends its puller: connections, and how much of a model stays in page cache.

The limit itself is read by registry.process.control_group.
"""

import os
from collections import deque
from collections.abc import Callable
from threading import Lock
from weakref import WeakValueDictionary

BASE_BYTES = 58 << 20
"""The peak without connections."""

CONNECTION_BYTES = 2 << 20
"""What each connection adds to it."""

PROCESS_BYTES = 16 << 20
"""What each process beside the first one may add to it: up to 10 MiB were seen, over TLS, with 2 to 8 of them."""

_MOST_CONNECTIONS = 16


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

    May be shared between threads. A range's file may be closed meanwhile.
    """

    def __init__(self, size: int, drop: Callable[[int, int, int], None]) -> None:
        """`drop` is called with a file descriptor, the start and the size of each range that leaves the window."""
        self._size, self._drop = size, drop
        self._held = 0
        self._ranges: deque[tuple[_File, int, int]] = deque()
        self._files: WeakValueDictionary[tuple[int, int], _File] = WeakValueDictionary()
        self._lock = Lock()

    def add(self, handle: int, start: int, size: int) -> None:
        """Add a range; drop the oldest ones that do not fit beside it."""
        leaving = []
        with self._lock:
            self._ranges.append((self._file(handle), start, size))
            self._held += size
            while self._held > self._size and self._ranges:
                oldest = self._ranges.popleft()
                self._held -= oldest[2]
                leaving.append(oldest)
        for file, begin, length in leaving:
            self._drop(file.handle, begin, length)

    def _file(self, handle: int) -> "_File":
        """Return the file of a descriptor: one of our own serves all ranges of a file."""
        status = os.fstat(handle)
        file = self._files.get((status.st_dev, status.st_ino))
        if file is None:
            file = self._files[status.st_dev, status.st_ino] = _File(os.dup(handle))
        return file


class _File:
    """A descriptor that is closed with the last range that needs it."""

    def __init__(self, handle: int) -> None:
        self.handle = handle

    def __del__(self) -> None:
        os.close(self.handle)
