"""Ranges of a file, read a block at a time: what is written already, and must be hashed.

Tests: tests/puller/transfer/test_file_piece.py
"""

import os
from collections.abc import Iterator

from puller.errors import DiskFailed, disk_errors

_BLOCK_BYTES = 1 << 18  # stays in a core's own cache between the read and the hash


def blocks(handle: int, start: int, stop: int) -> Iterator[memoryview]:
    """Yield the bytes of a file from `start` to `stop`, or to its end; the next block takes the place of the last.

    Raises OSError.
    """
    buffer = memoryview(bytearray(min(_BLOCK_BYTES, stop - start)))
    while start < stop and (count := os.preadv(handle, [buffer[: stop - start]], start)):
        yield buffer[:count]
        start += count


def read_back(handle: int, start: int, stop: int, name: str) -> Iterator[memoryview]:
    """Yield what this process wrote of a file, as `blocks` does. Raises DiskFailed, also where the file ends before."""
    found = blocks(handle, start, stop)
    while start < stop:
        with disk_errors():
            block = next(found, None)
        if block is None:
            raise DiskFailed(
                f"{name}: ends at byte {start}: another process shortened it",
                hint="see that nothing else writes to the volume, then pull again",
            )
        yield block
        start += len(block)
