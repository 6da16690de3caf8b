"""Memory kept at hand while commands run, as on a machine that is not a virtual one.

A virtual machine's free pages go back to its host within seconds, and the first program that touches one again waits
for the host: longer than for the rest of a pull. So the benchmark holds nearly all that is free, and frees it bit by
bit as commands use up the rest: what they get was touched a moment ago.

Tests: tests/bench/test_memory_filler.py
"""

import mmap
import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, Self

_LEFT = 512 << 20
_STEP = 32 << 20
_READ_AHEAD = 128 << 10
"""What the kernel reads ahead of a file by one call, at least."""

_LOOK_AGAIN_SECONDS = 0.05
_SMALLEST = 256 << 20
"""Models below show that a benchmark runs, and no more."""

_MOST_STEPS = os.sysconf("SC_PHYS_PAGES") * mmap.PAGESIZE // _STEP
"""The kernel may take page cache back, so that what is free never becomes little."""


def free_memory() -> int:
    """Return the bytes that nobody uses, for a cache neither."""
    line = Path("/proc/meminfo").read_text().partition("MemFree:")[2]
    return int(line.split(maxsplit=1)[0]) << 10


class Pages(Protocol):
    """A way to hold memory, in steps."""

    def hold(self, step: int) -> None:
        """Hold one step more, the one of this number."""
        ...

    def free(self, step: int) -> None:
        """Free the last step, the one of this number."""
        ...


class HugePages:
    """The least work to free, for commands that write to memory; Pages.

    They are huge, because a file system in memory asks for blocks as large as a write, and small pages leave few.
    """

    def __init__(self) -> None:
        self._held: list[mmap.mmap] = []

    def hold(self, _: int) -> None:
        """Touch new pages."""
        pages = mmap.mmap(-1, _STEP, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        pages.madvise(mmap.MADV_HUGEPAGE)
        pages[:: mmap.PAGESIZE] = bytes(_STEP // mmap.PAGESIZE)
        self._held.append(pages)

    def free(self, _: int) -> None:
        """Return the last pages to the kernel."""
        self._held.pop().close()


class PageCache:
    """The page cache of a hole in a file, for commands that write to a disk; Pages.

    It counts as available: where little is, the kernel holds writers up until their bytes are on the disk.
    """

    def __init__(self, folder: Path) -> None:
        """`folder` is on a disk; the file in it has no name, and takes no room."""
        self._folder, self._handle = folder, -1

    def hold(self, step: int) -> None:
        """Have the kernel read more of the hole."""
        if not step:
            self._handle, name = tempfile.mkstemp(dir=self._folder)
            Path(name).unlink()
        os.truncate(self._handle, (step + 1) * _STEP)
        for start in range(step * _STEP, (step + 1) * _STEP, _READ_AHEAD):
            os.posix_fadvise(self._handle, start, _READ_AHEAD, os.POSIX_FADV_WILLNEED)

    def free(self, step: int) -> None:
        """Drop the file's end from the cache, and the file with its first step."""
        os.truncate(self._handle, step * _STEP)
        if not step:
            os.close(self._handle)


class MemoryFiller:
    """Free memory for commands that move a model of `size` bytes, held by this process until they need it.

    A context manager: nothing is held before `fill` or after the block. `free` returns how many bytes are free.
    """

    def __init__(self, size: int, pages: Pages, free: Callable[[], int] = free_memory) -> None:
        self._pages, self._free = pages, free
        self._is_wanted = size >= _SMALLEST
        self._steps = 0
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
        while self._steps:
            self._shrink()

    @property
    def held(self) -> int:
        """Bytes that are held now."""
        return self._steps * _STEP

    def fill(self) -> None:
        """Hold what is free by now, but for a little."""
        with self._lock:
            while self._is_wanted and self._steps < _MOST_STEPS and self._free() >= _LEFT + _STEP:
                self._pages.hold(self._steps)
                self._steps += 1

    def give_way(self) -> None:
        """Free as much as others need so that a little is free again."""
        with self._lock:
            while self._steps and self._free() < _LEFT:
                self._shrink()

    def _shrink(self) -> None:
        self._steps -= 1
        self._pages.free(self._steps)

    def _follow(self) -> None:
        while not self._is_over.wait(_LOOK_AGAIN_SECONDS):
            self.give_way()
