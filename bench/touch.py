"""What a server waits for at its first touch of a model: `python -m bench.touch FOLDER [--cold]` prints JSON.

Every safetensors file is mapped, and one byte of each page is read in order, as a loader does that copies tensors.
Before that mincore(2) tells the share of pages in memory. With --cold the pages are dropped first.
"""

import argparse
import ctypes
import json
import mmap
import os
import sys
import time
from pathlib import Path


def main() -> int:
    """Print the share of resident pages and the seconds of the touch."""
    parser = argparse.ArgumentParser(prog="python -m bench.touch", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cold", action="store_true")
    arguments = parser.parse_args()
    files = sorted(arguments.folder.rglob("*.safetensors"))
    for file in files if arguments.cold else []:
        _drop(file)
    counts = [_resident(file) for file in files]
    began = time.perf_counter()
    for file in files:
        _touch(file)
    seconds = time.perf_counter() - began
    share = sum(held for held, _ in counts) / max(sum(pages for _, pages in counts), 1)
    sys.stdout.write(json.dumps({"resident": share, "seconds": seconds}))
    return 0


def _drop(file: Path) -> None:
    handle = os.open(file, os.O_RDONLY)
    os.fsync(handle)
    os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(handle)


def _resident(file: Path) -> tuple[int, int]:
    """Return how many pages of a file are in memory, and how many it has."""
    with file.open("r+b") as opened, mmap.mmap(opened.fileno(), 0) as pages:
        count = -(-len(pages) // mmap.PAGESIZE)
        seen = (ctypes.c_ubyte * count)()
        window = (ctypes.c_char * len(pages)).from_buffer(pages)
        ctypes.CDLL(None).mincore(ctypes.byref(window), ctypes.c_size_t(len(pages)), seen)
        del window
        return sum(byte & 1 for byte in bytes(seen)), count


def _touch(file: Path) -> None:
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as pages:
        bytes(memoryview(pages)[:: mmap.PAGESIZE])


if __name__ == "__main__":
    sys.exit(main())
