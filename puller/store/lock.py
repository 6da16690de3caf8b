"""One process at a time, by flock(2). The kernel releases the lock when its process ends, however it ends.

The lock only saves work: what is published is right without it. So a pull continues without a lock where the file
system supports none, where the lock's name is no file, and after a wait in which its owner showed no sign of life. An
owner shows one by touching the lock file every few seconds.
"""

import fcntl
import os
import stat
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import NamedTuple

from registry.process.ticker import every

from .filesystem import NOT_HERE, optional

_BEAT_SECONDS = 5.0
_POLL_SECONDS = 0.2
_FIRST_POLL_SECONDS = 0.002
_FLAGS = os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Wait(NamedTuple):
    """How long to wait for a lock.

    `idle_seconds` is for an owner that shows no sign of life, `most_seconds` for any owner. The lock is tried again
    after a five-hundredth of the time that has passed, `poll_seconds` at most.
    """

    idle_seconds: float
    most_seconds: float = 6 * 3600.0
    poll_seconds: float = _POLL_SECONDS
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


AT_ONCE = Wait(idle_seconds=0, most_seconds=0)
"""Not to wait at all."""


class Lock:
    """A lock file. `is_held`: this process holds the lock; `is_known`: the file system supports locks."""

    def __init__(self, path: Path, mode: int = 0o644) -> None:
        """Open the file, or create it with `mode`; the right to read it is enough to lock it."""
        self._path = path
        self._handle = _opened(path, mode)
        self.is_held = False
        self.is_known = self._handle is not None

    def acquire(self, waiting: Callable[[str], AbstractContextManager[None]], wait: Wait) -> bool:
        """Lock for this process; while another one holds the lock, wait within `waiting`, which gets its name.

        Return False when the wait ended without the lock. Raises OSError of the disk.
        """
        if self.try_acquire():
            return True
        if not self.is_known:
            return False
        with waiting(self.owner):
            started = seen_at = wait.clock()
            seen = self._last_beat()
            while not self.try_acquire():
                now, beat = wait.clock(), self._last_beat()
                if beat != seen:
                    seen, seen_at = beat, now
                if not self.is_known or now - seen_at >= wait.idle_seconds or now - started >= wait.most_seconds:
                    return False
                wait.sleep(min(wait.poll_seconds, _FIRST_POLL_SECONDS + (now - started) / 500))
        return True

    def try_acquire(self) -> bool:
        """Lock for this process unless another one holds the lock; return whether it is held now."""
        if self._handle is None:
            return False
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno not in NOT_HERE:
                raise
            self.is_known = False
            return False
        self.is_held = True
        return True

    def share(self) -> None:
        """Share the lock with other processes; none can hold it exclusively meanwhile."""
        if self.is_held and self._handle is not None:
            fcntl.flock(self._handle, fcntl.LOCK_SH)

    def beating(self) -> AbstractContextManager[None]:
        """Touch the lock file during the block, a sign of life for processes that wait."""
        return every(_BEAT_SECONDS, self._beat) if self.is_held else nullcontext()

    @property
    def owner(self) -> str:
        """The process that holds the lock, as far as this machine and container can see (proc_locks(5))."""
        if self._handle is None:
            return "an unknown process"
        status = os.fstat(self._handle)
        wanted = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
        with suppress(OSError, ValueError):
            for line in Path("/proc/locks").read_text().splitlines():
                fields = line.split()
                if wanted in fields and "->" not in fields and int(fields[4]) > 0:
                    return f"process {fields[4]}"
        return "a process of another container or machine"

    def close(self) -> None:
        """Release the lock."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _beat(self, _: float) -> None:
        with suppress(OSError):
            os.utime(self._handle if self._handle is not None else self._path)

    def _last_beat(self) -> int:
        return os.fstat(self._handle).st_mtime_ns if self._handle is not None else 0


def _opened(path: Path, mode: int) -> int | None:
    """Open a lock file to write, which some network file systems require, else to read; None where it is no file."""
    for access in (os.O_RDWR, os.O_RDONLY):
        try:
            handle = os.open(path, access | _FLAGS, mode)
        except OSError:
            continue
        if stat.S_ISREG(os.fstat(handle).st_mode):
            with optional():
                os.fchmod(handle, mode)  # despite the umask
            return handle
        os.close(handle)
    return None
