"""What stands on a cold volume is asked for before the server asks, as far as memory and time allow."""

import ctypes
import mmap
import os
import time
from itertools import count
from pathlib import Path

from puller.pod.read_ahead import read_ahead
from tests.puller.models import noise, write_tree

MIB = 1 << 20
FILES = {"config.json": b"{}", "a.safetensors": noise(8 * MIB), "b/c.safetensors": noise(4 * MIB)}
SIZES = [(path, len(content)) for path, content in FILES.items()]


def chill(folder: Path) -> None:
    """Write every file to its disk, and drop it from memory."""
    for path in FILES:
        handle = os.open(folder / path, os.O_RDONLY)
        os.fsync(handle)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(handle)


def resident(file: Path) -> float:
    """Return the share of a file's pages that are in memory (mincore(2))."""
    with file.open("r+b") as opened, mmap.mmap(opened.fileno(), 0) as pages:
        count = -(-len(pages) // mmap.PAGESIZE)
        seen = (ctypes.c_ubyte * count)()
        window = (ctypes.c_char * len(pages)).from_buffer(pages)
        ctypes.CDLL(None, use_errno=True).mincore(ctypes.byref(window), ctypes.c_size_t(len(pages)), seen)
        del window
    return sum(byte & 1 for byte in seen) / count


def test_what_memory_holds_is_asked_for(tmp_path: Path) -> None:
    """All of it, whatever is in the way: a file that is gone is left to the server."""
    folder = write_tree(tmp_path / "model", FILES)
    chill(folder)
    assert read_ahead(folder, [*SIZES, ("gone", 5)], None, seconds=60) == sum(size for _, size in SIZES)
    ends_at = time.monotonic() + 60
    while any(resident(folder / path) < 1 for path in FILES) and time.monotonic() < ends_at:
        continue  # the kernel reads in the background
    assert [resident(folder / path) for path in FILES] == [1, 1, 1]


def test_no_more_is_asked_for_than_memory_holds(tmp_path: Path) -> None:
    """The beginnings of all files come first, because servers read all headers before the first tensor."""
    folder = write_tree(tmp_path / "model", FILES)
    assert read_ahead(folder, SIZES, 3 * MIB, seconds=60) == 2 * MIB + 2 + 7 * 128 * 1024, "a part of a file as well"
    assert read_ahead(folder, SIZES, 0, seconds=60) == 0


def test_time_is_kept(tmp_path: Path) -> None:
    """A device that makes each call wait is not waited for."""
    folder = write_tree(tmp_path / "model", FILES)
    ticks = count()
    asked = read_ahead(folder, SIZES, None, seconds=10, clock=lambda: float(next(ticks)))
    assert 0 < asked <= 10 * 128 * 1024
