"""The folders behind a model: one that all users who pull it share, and in it one for each user.

PARENT/.weighbridge/NAME/lock        locked by the one process that works on the model
PARENT/.weighbridge/NAME/receipt     what was published, as JSON; receipt-UID while it is being published
PARENT/.weighbridge/NAME/manifest    the manifest and the config that it was made from, as an OCI layout
PARENT/.weighbridge/NAME/UID/        a user's work folder:
    incoming   blobs that are being fetched, by their digests
    stage      the members of archives, before their names are checked
    journal    which pieces of them are on disk
    model      the model directory to be, put together in the last step; leftover, one of an earlier pull
    outgoing   the version before, while it is removed

The shared folders are as open as the folder that the model is in, so that several users can share a volume. Where
another user owns them and does not let this one write, `.weighbridge-UID` is used instead. Only its owner may write to
a work folder.

Tests: tests/puller/store/test_claims.py
"""

import os
import stat
from collections.abc import Container
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import NamedTuple, Self

from puller.errors import BadDestination
from registry.process.ticker import every

from .filesystem import discard, optional
from .trust import Trust, status_of

HOUSE = ".weighbridge"
_OPEN = 0o755
_SHARED = stat.S_ISGID | stat.S_IRWXG  # what a shared folder inherits from the volume's
_ALONE = "alone-"

_BEAT_SECONDS = 5.0
_DEAD_SECONDS = 120.0
"""After so long without a sign of life a folder without a lock is taken over; a network volume may tell it late."""

ABANDONED_SECONDS = 24 * 3600.0
"""After so long without a piece nobody works in a folder any more."""


class Workshop(NamedTuple):
    """The work folder, which only this process writes to."""

    folder: Path
    tag: str
    """The tag of this work folder's receipts while they are being published."""

    @property
    def incoming(self) -> Path:
        """The blobs that are being fetched."""
        return self.folder / "incoming"

    @property
    def stage(self) -> Path:
        """The members of archives."""
        return self.folder / "stage"

    @property
    def journal(self) -> Path:
        """The journal of pieces that are on disk."""
        return self.folder / "journal"

    @property
    def model(self) -> Path:
        """The model directory while it is put together."""
        return self.folder / "model"

    @property
    def outgoing(self) -> Path:
        """The version before, while it is removed."""
        return self.folder / "outgoing"

    @property
    def leftover(self) -> Path:
        """A model directory that an earlier pull did not finish."""
        return self.folder / "leftover"

    @property
    def is_passing(self) -> bool:
        """Whether it is removed with its process, because no other one will look for it."""
        return self.folder.name.startswith(_ALONE)

    def remove(self, inodes: Container[int]) -> None:
        """Remove files by their inodes, and the journal, which may speak of them. Raises OSError."""
        discard(self.journal)
        for folder, _, names in os.walk(self.folder):
            for place in (Path(folder) / name for name in names):
                status = status_of(place)
                if status is not None and status.st_ino in inodes:
                    place.unlink()

    @classmethod
    def of_user(cls, room: Path, trust: Trust) -> Self | None:
        """Return this user's work folder, created if missing; None where its name is taken. Raises OSError."""
        folder = room / str(trust.uid)
        with suppress(FileExistsError):
            folder.mkdir()
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid not in (trust.uid, trust.assigned):
            return None
        if stat.S_IMODE(status.st_mode) != _OPEN:
            with optional():
                folder.chmod(_OPEN)  # a umask, or kubelet's fsGroup, changed it
        return cls(folder, str(trust.uid))

    @classmethod
    def alone(cls, room: Path) -> Self:
        """Create a work folder under a unique name, which no other process uses. Raises OSError.

        It takes over what a process left there that was killed, and removes what others left.
        """
        folder = room / f"{_ALONE}{os.urandom(8).hex()}"
        folder.mkdir(0o700)
        own = folder.stat()
        dead = [one for one in room.iterdir() if one.name.startswith(_ALONE) and _is_dead(one, own)]
        for number, entry in enumerate(sorted(dead, key=worked_at, reverse=True)):
            with suppress(OSError):
                if number:
                    discard(entry)
                else:
                    os.utime(entry)  # before it has our name: whoever looks from now on sees it live
                    entry.rename(folder)  # of two processes one has it
        return cls(folder, folder.name)

    def beating(self) -> AbstractContextManager[None]:
        """Touch the folder during the block: without a lock nothing else tells that its process lives."""

        def beat(_: float) -> None:
            with suppress(OSError):
                os.utime(self.folder)

        return every(_BEAT_SECONDS, beat)


def has_outgoing(folder: Path) -> bool:
    """Return whether a work folder holds versions whose removal was cut short."""
    with suppress(OSError):
        return any(entry.name.startswith("outgoing") for entry in folder.iterdir())
    return False


def _is_dead(folder: Path, own: os.stat_result) -> bool:
    """Return whether a folder of this user's shows no sign of life, by the clock of the volume."""
    status = status_of(folder)
    is_ours = status is not None and stat.S_ISDIR(status.st_mode) and status.st_uid == own.st_uid
    return is_ours and own.st_mtime - worked_at(folder) > _DEAD_SECONDS


def worked_at(folder: Path) -> float:
    """Return when something was last done in a work folder, in seconds since 1970: each piece is noted there."""
    statuses = [status_of(place) for place in (folder, folder / "journal", folder / "incoming", folder / "stage")]
    return max((status.st_mtime for status in statuses if status is not None), default=0.0)


def rooms_of(path: Path, trust: Trust) -> tuple[Path, Path]:
    """Return the shared folder behind a model, and the one to use where that cannot be written."""
    return path.parent / HOUSE / path.name, path.parent / f"{HOUSE}-{trust.uid}" / path.name


def make_room(path: Path, trust: Trust) -> Path:
    """Create the shared folder behind a model, or the one to use instead. Raises OSError, BadDestination."""
    shared, own = rooms_of(path, trust)
    model = path.parent.stat()
    try:
        return _made(shared, model)
    except OSError:
        if status_of(shared.parent) is None:
            raise  # the volume itself cannot be written
        return _made(own, model)


def _made(room: Path, like: os.stat_result) -> Path:
    for folder in (room.parent, room):
        make_shared(folder, like)
    if not os.access(room, os.W_OK | os.X_OK):
        raise PermissionError(13, os.strerror(13), str(room))
    return room


def make_shared(folder: Path, like: os.stat_result) -> None:
    """Create a folder that is as open to its group as `like`. Raises OSError, BadDestination for a link."""
    try:
        folder.mkdir()
    except FileExistsError:
        status = folder.lstat()
        if stat.S_ISLNK(status.st_mode):
            raise BadDestination(f"{folder}: is a symbolic link", hint=f"remove {folder}") from None
        if not stat.S_ISDIR(status.st_mode):
            raise BadDestination(f"{folder}: is no folder", hint=f"remove {folder}") from None
        return
    with optional():
        if folder.stat().st_gid != like.st_gid and like.st_mode & stat.S_IWGRP:
            os.chown(folder, -1, like.st_gid)
    with optional():
        folder.chmod(_OPEN | like.st_mode & _SHARED)
