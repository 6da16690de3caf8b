"""What the containers of a pull beside the engine's image share: a folder of which the sidecar alone is the master.

FOLDER/program   the static program (program.py)
FOLDER/sidecar   locked by the sidecar as long as it lives, the idle program included, once what is below is its own
FOLDER/starts    a byte for each of its starts since one last said how its pull ended
FOLDER/outcome   the exit code, one byte, and the closing message; gone while a pull is under way
FOLDER/.outcome  room for it, which a pull that fails for want of room needs
FOLDER/told      there when the container that waits has read the outcome

Tests: tests/puller/overlap/test_sidecar.py
"""

import fcntl
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from puller.errors import NoPrograms

from .program import program

_PROGRAM, _LOCK, _STARTS, _OUTCOME, _TOLD = "program", "sidecar", "starts", "outcome", "told"
_ROOM, _ROOM_BYTES = ".outcome", 8192
"""More than the longest message (pod/termination.py), and what the static program reads."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a pull ended: its exit code, and the closing message for `kubectl describe pod`."""

    exit_code: int
    message: bytes


def install_program(folder: Path) -> Path:
    """Write the static program for this machine, whole or not at all, unless it is there; return its path.

    Raises NoPrograms, OSError, ValueError.
    """
    path, temporary, content = folder / _PROGRAM, folder / f".{_PROGRAM}", program(os.uname().machine)
    if os.statvfs(folder).f_flag & os.ST_NOEXEC:
        raise NoPrograms(f"{folder} is mounted noexec: no program runs from it")
    if not path.exists():
        temporary.write_bytes(content)
        temporary.chmod(0o755)
        temporary.rename(path)
    return path


def begin(folder: Path) -> int:
    """Forget the outcome before, note a start, and lock the folder; return the lock's handle. Raises OSError."""
    forget(folder)
    with (folder / _ROOM).open("ab") as room:
        os.posix_fallocate(room.fileno(), 0, _ROOM_BYTES)
    with (folder / _STARTS).open("ab") as starts:
        starts.write(b".")
    handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    fcntl.flock(handle, fcntl.LOCK_EX)
    return handle


def starts_of(folder: Path) -> int:
    """Return how often a sidecar has started since one last said how its pull ended."""
    with suppress(FileNotFoundError):
        return (folder / _STARTS).stat().st_size
    return 0


def is_begun(folder: Path) -> bool:
    """Return whether a sidecar lives, and has forgotten the outcome before it."""
    try:
        handle = os.open(folder / _LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def conclude(folder: Path, outcome: Outcome) -> None:
    """Write how a pull ended, whole or not at all, into the room that was made for it. Raises OSError."""
    with (folder / _ROOM).open("r+b") as room:
        room.write(bytes([outcome.exit_code]) + outcome.message)
        room.truncate()
        os.fchmod(room.fileno(), 0o644)
    (folder / _ROOM).rename(folder / _OUTCOME)
    (folder / _STARTS).unlink(missing_ok=True)


def outcome_in(folder: Path) -> Outcome | None:
    """Return how the last pull ended; None while none did."""
    with suppress(FileNotFoundError):
        content = (folder / _OUTCOME).read_bytes()
        return Outcome(content[0], content[1:])
    return None


def forget(folder: Path) -> None:
    """Remove how the last pull ended. Raises OSError."""
    for name in (_OUTCOME, _TOLD):
        (folder / name).unlink(missing_ok=True)


def note_told(folder: Path) -> None:
    """Record that the outcome was read. Raises OSError."""
    (folder / _TOLD).touch()


def is_told(folder: Path) -> bool:
    """Return whether the outcome was read."""
    return (folder / _TOLD).exists()
