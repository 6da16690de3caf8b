"""Memory kept at hand while commands run, as on a machine that is not a virtual one.

A virtual machine's free pages go back to its host within seconds, and the first program that touches one again waits
for the host: longer than for the rest of a pull. So the benchmark holds pages, and frees them bit by bit as commands
use up what is free: what they get was touched a moment ago. The pages are huge, because a file system asks for blocks
as large as a write, and small pages leave few.

Tests: tests/bench/test_memory_filler.py
"""

import mmap
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self

_LEFT = 512 << 20
_STEP = 32 << 20
_LOOK_AGAIN_SECONDS = 0.05
_SMALLEST = 256 << 20
"""Models below show that a benchmark runs, and no more."""

IN_MEMORY = 1.0
"""The share that is held for commands that write to memory: all."""

ON_DISK = 0.5
"""The share for commands that write to a disk. What is held is not available, and where little is, the kernel holds
writers up until their bytes are on the disk."""


def free_memory() -> int:
    """Return the bytes that nobody uses, for a cache neither."""
    line = Path("/proc/meminfo").read_text().partition("MemFree:")[2]
    return int(line.split(maxsplit=1)[0]) << 10


class MemoryFiller:
    """A share of the free memory, held until commands that move a model of `size` bytes need it.

    A context manager: nothing is held before `fill` or after the block. `free` returns how many bytes are free.
    """

    def __init__(self, size: int, share: float, free: Callable[[], int] = free_memory) -> None:
        self._share, self._free = share, free
        self._is_wanted = size >= _SMALLEST
        self._left = 0
        self._held: list[mmap.mmap] = []
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
        while self._held:
            self._held.pop().close()

    @property
    def held(self) -> int:
        """Bytes that are held now."""
        return len(self._held) * _STEP

    def fill(self) -> None:
        """Hold the share of what is free by now."""
        with self._lock:
            whole = self._free() + self.held
            self._left = max(_LEFT, int(whole * (1 - self._share)))
            while self._is_wanted and self._free() >= self._left + _STEP:
                self._held.append(_touched())

    def give_way(self) -> None:
        """Free as much as others used, so that as much is free as before."""
        with self._lock:
            while self._held and self._free() < self._left:
                self._held.pop().close()

    def _follow(self) -> None:
        while not self._is_over.wait(_LOOK_AGAIN_SECONDS):
            self.give_way()


def _touched() -> mmap.mmap:
    """Return new pages that the host has given."""
    pages = mmap.mmap(-1, _STEP, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    pages.madvise(mmap.MADV_HUGEPAGE)
    pages[:: mmap.PAGESIZE] = bytes(_STEP // mmap.PAGESIZE)
    return pages
