"""Ask the kernel to read a model that stands on the volume already, while the pod starts.

A server that maps files on a cold volume waits for each page. The kernel is asked for what servers read first, the
beginnings of all files, and then for the files in the order of their names, as far as the pod's memory holds them. It
reads in the background: the time goes by while the next container starts.

Tests: tests/puller/pod/test_read_ahead.py
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from puller.store.memory import room_beside_connections
from puller.store.receipt import Receipt
from registry.process.control_group import own_memory_limit

_BEGINNING_BYTES = 1 << 20
"""What holds the header of a safetensors or GGUF file."""

_STEP_BYTES = 128 << 10
"""The usual read-ahead of a device: of a larger range the kernel may read so much (mm/readahead.c)."""

_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


def read_model_ahead(folder: Path, receipt: Receipt) -> int:
    """Ask the kernel for a published model, as far as this container's memory holds it; return how many bytes."""
    room = room_beside_connections(own_memory_limit())
    return read_ahead(folder, ((record.path, record.size) for record in receipt.files), room)


def read_ahead(
    folder: Path,
    files: Iterable[tuple[str, int]],
    room: int | None,
    *,
    seconds: float = 0.1,
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Ask the kernel for the files of a folder, given by their paths and sizes; return how many bytes were asked for.

    `room` is how many bytes the memory holds, None for any number. The call ends after about so many `seconds`, because
    a busy device makes it wait. What cannot be opened is left to the server.
    """
    ends_at, asked = clock() + seconds, 0
    for path, start, stop in _ranges(sorted(files)):
        with suppress(OSError):
            handle = os.open(folder / path, _FLAGS)
            try:
                for offset in range(start, stop, _STEP_BYTES):
                    length = min(_STEP_BYTES, stop - offset)
                    if clock() >= ends_at or (room is not None and asked + length > room):
                        return asked
                    os.posix_fadvise(handle, offset, length, os.POSIX_FADV_WILLNEED)
                    asked += length
            finally:
                os.close(handle)
    return asked


def _ranges(files: list[tuple[str, int]]) -> Iterator[tuple[str, int, int]]:
    for path, size in files:
        yield path, 0, min(size, _BEGINNING_BYTES)
    for path, size in files:
        if size > _BEGINNING_BYTES:
            yield path, _BEGINNING_BYTES, size
