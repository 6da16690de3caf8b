"""Memory kept at hand while a command runs, as a machine has that is no guest.

A guest's free pages go back to its host within seconds, and the first to touch one again waits for the host: longer
than for all the rest of a pull. So pages are held by the benchmark, and freed just before the command needs them.
"""

import mmap
from typing import Self

_AHEAD = 384 << 20
_STEP = 32 << 20


class Ballast:
    """As many pages as a command will fill, freed as it fills them. As a context manager, held until its block ends."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._freed = 0

    def __enter__(self) -> Self:
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE
        self._pages = mmap.mmap(-1, self._size, flags=flags)
        self.follow(0)
        return self

    def follow(self, filled: int) -> None:
        """Free pages up to a good stretch beyond the `filled` bytes."""
        wanted = min(filled + _AHEAD, self._size)
        while self._freed < wanted:
            step = min(_STEP, self._size - self._freed)
            self._pages.madvise(mmap.MADV_DONTNEED, self._freed, step)
            self._freed += step

    def __exit__(self, *_: object) -> None:
        self._pages.close()
