"""How a pull ended, in a folder that the sidecar and the container which waits for it share.

FOLDER/program   the static program (program.py)
FOLDER/pulling   locked while a pull is under way: a process that dies, of whatever cause, lets it go
FOLDER/outcome   the exit code and the closing message of the last pull; gone while another is under way
FOLDER/told      there when the container that waits has read the outcome

Tests: tests/puller/overlap/test_sidecar.py
"""

import fcntl
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from puller.errors import NoPrograms

from .program import program

_PROGRAM, _LOCK, _OUTCOME, _TOLD = "program", "pulling", "outcome", "told"
_LIMIT = 64 << 10


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a pull ended: its exit code, and the message for `kubectl describe pod`."""

    exit_code: int
    message: dict[str, Any]


def install_program(folder: Path) -> Path:
    """Write the static program for this machine, whole or not at all; return its path.

    Raises NoPrograms, OSError, ValueError.
    """
    path = folder / _PROGRAM
    if os.statvfs(folder).f_flag & os.ST_NOEXEC:
        raise NoPrograms(f"{folder} is mounted noexec: no program runs from it")
    _write(path, program(os.uname().machine), 0o755)
    return path


def begin(folder: Path) -> int:
    """Forget the outcome before, and hold the lock as long as this process lives; return the lock's handle."""
    for name in (_OUTCOME, _TOLD):
        (folder / name).unlink(missing_ok=True)
    handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    fcntl.flock(handle, fcntl.LOCK_EX)
    return handle


def conclude(folder: Path, outcome: Outcome) -> None:
    """Write how a pull ended. Raises OSError."""
    _write(folder / _OUTCOME, json.dumps({"exitCode": outcome.exit_code, "message": outcome.message}).encode(), 0o644)


def outcome_in(folder: Path) -> Outcome | None:
    """Return how the last pull ended; None while none did."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        content = (folder / _OUTCOME).read_bytes()[:_LIMIT]
        found = json.loads(content)
        return Outcome(int(found["exitCode"]), dict(found["message"]))
    return None


def note_told(folder: Path) -> None:
    """Record that the outcome was read. Raises OSError."""
    (folder / _TOLD).touch()


def is_told(folder: Path) -> bool:
    """Return whether the outcome was read."""
    return (folder / _TOLD).exists()


def is_under_way(folder: Path) -> bool:
    """Return whether a process holds the lock of a pull."""
    try:
        handle = os.open(folder / _LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _write(path: Path, content: bytes, mode: int) -> None:
    temporary = path.with_name(f".{path.name}-{os.getpid()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        os.write(handle, content)
        os.fchmod(handle, mode)
    finally:
        os.close(handle)
    temporary.rename(path)
