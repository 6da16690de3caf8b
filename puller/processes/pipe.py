"""Messages from one process of a fetch to its parent: pickled, each behind its length, through a pipe.

multiprocessing.connection does as much and more; its import alone would delay a pull's first byte by 4 ms.

Tests: tests/puller/processes/test_fetch.py
"""

import os
import select
from collections.abc import Iterable

_LENGTH_BYTES = 8


def send(pipe: int, message: object) -> None:
    """Write one message; one thread at a time. Raises OSError."""
    import pickle  # noqa: PLC0415 - a millisecond before a pull's first byte, else

    content = pickle.dumps(message)
    left = memoryview(len(content).to_bytes(_LENGTH_BYTES, "big") + content)
    while left:
        left = left[os.write(pipe, left) :]


def receive(pipe: int) -> object:
    """Return the next message; wait for it. Raises EOFError where the sender ended before or amid it, and OSError."""
    import pickle  # noqa: PLC0415 - as above

    length = int.from_bytes(_read(pipe, _LENGTH_BYTES), "big")
    return pickle.loads(_read(pipe, length))  # noqa: S301 - of a process that this one forked


def readable(pipes: Iterable[int]) -> list[int]:
    """Wait until pipes have messages or have ended; return those."""
    poll = select.poll()
    for pipe in pipes:
        poll.register(pipe, select.POLLIN)
    return [pipe for pipe, _ in poll.poll()]


def _read(pipe: int, size: int) -> bytearray:
    content = bytearray(size)
    left = memoryview(content)
    while left:
        count = os.readv(pipe, [left])
        if not count:
            raise EOFError
        left = left[count:]
    return content
