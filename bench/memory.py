"""A control group with a memory limit, like a kubelet's for a container; version 1 or 2."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .run import Command

_ROOT = Path("/sys/fs/cgroup")
_EMPTY_SECONDS = 5


class NoLimit(Exception):
    """This machine or user cannot limit memory; the text says why."""


class Limit:
    """A control group with a limit."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def within(self, command: Command) -> Command:
        """Return a command that enters the group and then runs `command`."""
        script = f'echo $$ > {self._folder}/cgroup.procs; exec "$@"'
        return Command(("sh", "-c", script, "sh", *command.argv), command.environ)


@contextmanager
def limit(size: int) -> Iterator[Limit]:
    """Make a group with a limit of `size` bytes, page cache included; raise NoLimit."""
    is_first_version = (_ROOT / "memory").is_dir()
    parent = _ROOT / "memory" if is_first_version else _ROOT
    folder = parent / f"weighbridge-bench-{os.getpid()}"
    try:
        folder.mkdir()
        (folder / ("memory.limit_in_bytes" if is_first_version else "memory.max")).write_text(str(size))
    except OSError as error:
        with suppress(OSError):
            folder.rmdir()
        raise NoLimit(f"no memory control group: {error.strerror}") from None
    try:
        yield Limit(folder)
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    deadline = time.monotonic() + _EMPTY_SECONDS
    while True:
        try:
            folder.rmdir()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)  # the kernel releases a process's group a moment after its parent reaped it
        else:
            return
