"""One process at a time, by flock(2). It ends with the process that holds it, however that ends."""

import errno
import fcntl
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from .errors import disk_errors

_LOCKLESS = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}


class Lock:
    """A lock file. `is_held` tells whether locking means anything here: some network file systems know no locks."""

    def __init__(self, path: Path) -> None:
        with disk_errors():
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self.is_held = False

    def acquire(self, waiting: Callable[[], AbstractContextManager[None]]) -> None:
        """Take the lock for oneself; when another process has it, wait within `waiting`."""
        with disk_errors():
            try:
                if not self.try_acquire():
                    with waiting():
                        fcntl.flock(self._handle, fcntl.LOCK_EX)
                    self.is_held = True
            except OSError as error:
                if error.errno not in _LOCKLESS:
                    raise

    def try_acquire(self) -> bool:
        """Take the lock for oneself unless anybody has it; tell whether that worked. Raises OSError."""
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        self.is_held = True
        return True

    def share(self) -> None:
        """Let others share the lock from now on: nobody can have it for himself meanwhile."""
        if self.is_held:
            fcntl.flock(self._handle, fcntl.LOCK_SH)

    def close(self) -> None:
        """Let go of it."""
        os.close(self._handle)
