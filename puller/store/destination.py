"""The model directory: under its name there are only models that were verified and published whole.

A pull locks the directory, and works in a work folder of its own (work_dir.py). The finished model gets its name in one
step (publish.py), and a receipt records it (standing.py).

Tests: tests/puller/store/test_claims.py
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from typing import Self

from puller.errors import BadDestination, DiskFailed, NoRoom, Occupied, disk_errors
from registry.printable import some

from .filesystem import discard, free_bytes
from .lock import Lock, Wait
from .publish import Publication, clear, clear_outgoing
from .receipt import Receipt
from .standing import final_names, is_whole, own_names, receipt_of, unknown_files
from .trust import Trust, status_of
from .work_dir import HOUSE, Workshop, make_room, rooms_of

_WAIT = Wait(idle_seconds=60.0)
_OPEN_FILE = 0o644
_GROUP_WRITES = 0o020


class Destination:
    """A model directory and the folders behind it; as a context manager, for one process at a time.

    Where locks are impossible, each process works in a work folder of its own, and the last one to publish wins.
    """

    def __init__(self, path: Path, trust: Trust) -> None:
        if path.name in ("", "..") or path.name.startswith(HOUSE):
            raise BadDestination(f"{path}: names no folder for a model")
        self.path, self.trust = path, trust
        self._lock: Lock | None = None
        self._room: Path | None = None
        self._workshop: Workshop | None = None
        self._refusal: OSError | None = None
        self._is_tried = False

    def check(self) -> None:
        """Raise BadDestination where no model directory can be, DiskFailed where that cannot be checked."""
        with disk_errors():
            self._check()

    def _check(self) -> None:
        parent = self.path.parent
        status, above = status_of(self.path), status_of(parent)
        if above is None or not parent.is_dir():
            raise BadDestination(f"{parent}: is no folder")
        if status is None:
            return
        if self.path.is_symlink():
            raise BadDestination(f"{self.path}: is a symbolic link")
        if not self.path.is_dir():
            raise BadDestination(f"{self.path}: is a file")
        if self.path.is_mount():
            raise BadDestination(
                f"{self.path}: is a mount point, which no rename can fill",
                hint=f"name a folder inside it, such as {self.path / 'model'}",
            )

    def open(self, waiting: Callable[[str], AbstractContextManager[None]], wait: Wait = _WAIT) -> Self:
        """Lock the directory, waiting for another process that holds it. Raises BadDestination.

        A volume that cannot be written is no error yet: the model that is there may be the wanted one.
        """
        self.check()
        try:
            self._room = make_room(self.path, self.trust)
            self._lock = Lock(self._room / "lock", _OPEN_FILE | self._room.stat().st_mode & _GROUP_WRITES)
            if self._lock.acquire(waiting, wait):
                self._workshop = self._own_workshop(self._room)
            if self._workshop is None:
                self._workshop = Workshop.alone(self._room)
                self.trust = self.trust.given(self._workshop.folder.stat().st_uid)
            Publication(self.path, self._room, self._workshop, self.trust).finish()
        except OSError as error:
            self._refusal = error
        except BaseException:
            self.close()
            raise
        return self

    @property
    def why_alone(self) -> str:
        """Why other pulls of this model do not wait for this process; empty where they do."""
        if self._lock is None or self._lock.is_held:
            return ""
        if not self._lock.is_known:
            return "its file system knows no locks, so nothing is shared with others"
        return f"{self._lock.owner} holds its lock and shows no sign of life: this pull goes on without it"

    def check_writable(self) -> None:
        """Raise DiskFailed or NoRoom where nothing can be written."""
        _ = self.workshop

    @property
    def workshop(self) -> Workshop:
        """This process's work folder; raises DiskFailed, NoRoom where the volume cannot be written."""
        with disk_errors():
            if self._refusal is not None:
                raise self._refusal
        if self._workshop is None:
            raise DiskFailed(f"{self.path}: was not opened")
        return self._workshop

    @property
    def rooms(self) -> tuple[Path, ...]:
        """The folders behind the model that may be read, this process's own first."""
        rooms = rooms_of(self.path, self.trust)
        return tuple(sorted(rooms, key=lambda room: room != self._room))

    @property
    def is_writable(self) -> bool:
        """Whether the volume can be written."""
        return self._workshop is not None and self._refusal is None

    @property
    def journals(self) -> tuple[Path, ...]:
        """The paths where the process that holds the lock may keep its journal."""
        with suppress(OSError):
            rooms = [room for room in rooms_of(self.path, self.trust) if room.is_dir()]
            return tuple(entry / "journal" for room in rooms for entry in room.iterdir() if entry.name.isdecimal())
        return ()

    def receipt(self) -> Receipt | None:
        """Return the trusted receipt of the model that is here now, or None."""
        found = receipt_of(self.path, self.trust)
        if found is not None and self._is_roots_own():
            return receipt_of(self.path, self.trust)
        return found

    def _is_roots_own(self) -> bool:
        """Return whether the volume gives all files to root, whose receipts then prove nothing to another user.

        It is tried once, by a file that is made there; where none can be made, root alone is taken to write there.
        """
        status = status_of(self.path)
        if self.trust.uid and status is not None and status.st_uid == 0 and not self._is_tried:
            self._is_tried = True
            with suppress(OSError, StopIteration):
                self.trust = self.trust.on(next(room for room in self.rooms if room.is_dir()))
        return self.trust.assigned == 0

    def holds(self, receipt: Receipt, boot: str) -> bool:
        """Return whether every file of the receipt is here as it was published."""
        return is_whole(self.path, receipt, boot, self.trust)

    def unknown_files(self, receipt: Receipt | None = None) -> list[str]:
        """Return the files here that `receipt` does not name; without one, those that no pull of this user wrote."""
        with disk_errors():
            names = own_names(self.path, self.trust) if receipt is None else receipt.names
            return unknown_files(self.path, names or frozenset())

    def check_replaceable(self) -> None:
        """Raise Occupied unless all files here may be replaced by a new version, or carried over into it."""
        status = status_of(self.path)
        if status is None:
            return
        if Path.cwd().is_relative_to(self.path):
            raise BadDestination(
                f"{self.path}: is the folder that this command runs in, which a new one would take the place of",
                hint="go to the folder above it, and name it from there",
            )
        if self.trust.uid != 0 and status.st_uid not in (self.trust.uid, self.trust.assigned):
            raise Occupied(
                f"{self.path}: belongs to user {status.st_uid}, and this is user {self.trust.uid}",
                hint="name another folder, or have its owner remove this one",
            )
        found = self.unknown_files()
        if found and own_names(self.path, self.trust) is None:
            raise Occupied(f"{self.path}: holds files that no pull wrote: {some(found)}")
        foreign = [name for name in found if not self._is_own(name)]
        if foreign:
            raise Occupied(f"{self.path}: holds files of other users: {some(foreign)}")

    def reserve(self, size: int) -> None:
        """Raise NoRoom unless `size` more bytes fit on the volume."""
        if (free := free_bytes(self.path.parent)) is not None and size > free:
            raise NoRoom(f"{self.path}: the model needs {size} bytes more, the volume has {free} bytes left")

    def publish(self, receipt: Receipt, *, is_synced: bool) -> None:
        """Rename the work folder's model to its final name in one step; remove the version before. Raises Occupied."""
        if self._room is None:
            raise DiskFailed(f"{self.path}: was not opened")
        with disk_errors():
            Publication(self.path, self._room, self.workshop, self.trust).run(receipt, is_synced=is_synced)

    def note(self, receipt: Receipt) -> None:
        """Write the receipt of the model that is here already. Raises NoRoom, DiskFailed."""
        if self._room is None:
            raise DiskFailed(f"{self.path}: was not opened")
        with disk_errors():
            Publication(self.path, self._room, self.workshop, self.trust).note(receipt)

    def remove(self, is_wanted: Callable[[], bool] = lambda: False) -> bool:
        """Remove the model and its receipts; return False where it `is_wanted` once it has no name. Raises OSError."""
        if self._room is None:
            return False
        self.path.rename(self.workshop.outgoing)  # in one step, so that no process finds half of it
        if is_wanted():
            self.workshop.outgoing.rename(self.path)
            return False
        for name in final_names(self.trust):
            (self._room / name).unlink(missing_ok=True)
        clear_outgoing(self.workshop)
        return True

    def clear(self) -> None:
        """Remove what an unfinished pull of this user left. Raises OSError."""
        clear(self.workshop)
        clear_outgoing(self.workshop)

    def beating(self) -> AbstractContextManager[object]:
        """Show signs of life during the block, for processes that wait, or would take over a folder without a lock."""
        beats = ExitStack()
        for one in (self._lock, self._workshop):
            if one is not None:
                beats.enter_context(one.beating())
        return beats

    def share(self) -> None:
        """Share the lock with other readers; until it is released no process can replace or remove the model."""
        if self._lock is not None:
            self._lock.share()

    def close(self) -> None:
        """Release the lock, and remove a work folder that is this process's alone."""
        workshop, self._workshop = self._workshop, None
        if workshop is not None and workshop.is_passing:
            with suppress(OSError):
                discard(workshop.folder)
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _own_workshop(self, room: Path) -> Workshop | None:
        """Return this user's work folder; None where another user has its name. Raises OSError."""
        found = Workshop.of_user(room, self.trust)
        if found is None:
            self.trust = self.trust.on(room)
            found = Workshop.of_user(room, self.trust) if self.trust.assigned is not None else None
        return found

    def _is_own(self, name: str) -> bool:
        status = status_of(self.path / name)
        return status is not None and self.trust.is_own(status)
