"""Memory kept at hand while a command runs, as on a machine that is not a virtual one.

A virtual machine's free pages go back to its host within seconds, and the first program that touches one again waits
for the host: longer than for the rest of a pull. So the benchmark holds pages, and frees them just before the command
needs them. They are huge ones, because a file system asks for memory in blocks as large as a write: of what small pages
leave it finds few, and programs that write in large blocks were the only ones that waited.
"""

import mmap
from typing import Self

_AHEAD = 384 << 20
_STEP = 32 << 20


class MemoryFiller:
    """As many pages as a command will fill, freed as it fills them. As a context manager, holds them in its block."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._freed = 0

    def __enter__(self) -> Self:
        self._pages = mmap.mmap(-1, self._size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self._pages.madvise(mmap.MADV_HUGEPAGE)
        self._pages[:: mmap.PAGESIZE] = bytes(-(-self._size // mmap.PAGESIZE))
        self.follow(0)
        return self

    def follow(self, filled: int) -> None:
        """Free pages up to _AHEAD bytes beyond the `filled` bytes."""
        wanted = min(filled + _AHEAD, self._size)
        while self._freed < wanted:
            step = min(_STEP, self._size - self._freed)
            self._pages.madvise(mmap.MADV_DONTNEED, self._freed, step)
            self._freed += step

    def __exit__(self, *_: object) -> None:
        self._pages.close()
