"""When a model was last used: the modification time of a file behind it, which every start touches.

PARENT/.weighbridge[-UID]/NAME/used

Whoever removes models by their last use reads it again once the model has lost its name, and whoever starts touches it
before looking for the model: so one of the two sees the other.

Tests: tests/puller/cache/test_eviction.py
"""

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from .filesystem import optional
from .work_dir import HOUSE

_NAME = "used"
_MODE = 0o644
_GROUP_WRITES = 0o020
_FLAGS = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def note_use(rooms: Iterable[Path]) -> None:
    """Record that a model is used now, in the first of its folders that can be written, if there is one."""
    for room in rooms:
        with suppress(OSError):
            try:
                os.utime(room / _NAME, follow_symlinks=False)
            except FileNotFoundError:
                _create(room / _NAME, _MODE | room.stat().st_mode & _GROUP_WRITES)
            return


def last_use(path: Path) -> int | None:
    """Return when any user last used a model, in nanoseconds since 1970; None where no mark says it."""
    houses = [folder for folder in path.parent.iterdir() if folder.name.startswith(HOUSE)]
    times = [_time_of(house / path.name / _NAME) for house in houses]
    return max((time for time in times if time is not None), default=None)


def _create(mark: Path, mode: int) -> None:
    handle = os.open(mark, os.O_WRONLY | os.O_CREAT | _FLAGS, mode)
    try:
        with optional():
            os.fchmod(handle, mode)  # despite the umask
    finally:
        os.close(handle)


def _time_of(mark: Path) -> int | None:
    with suppress(OSError):
        handle = os.open(mark, os.O_RDONLY | _FLAGS)  # a network volume asks its server when a file is opened
        try:
            status = os.fstat(handle)
            return status.st_mtime_ns if stat.S_ISREG(status.st_mode) else None
        finally:
            os.close(handle)
    return None
