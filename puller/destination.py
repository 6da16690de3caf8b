"""The place of a model: nothing stands under its name but what was verified and published whole.

PARENT/NAME                        the model directory
PARENT/.weighbridge/NAME/lock      held by the one process that works on it
PARENT/.weighbridge/NAME/incoming  files that are being fetched and checked
PARENT/.weighbridge/NAME/stage     what was unpacked of archives, before it is believed
PARENT/.weighbridge/NAME/journal   which pieces of them have landed
PARENT/.weighbridge/NAME/receipt   what was published, as JSON
PARENT/.weighbridge/NAME/outgoing  the version before, while it makes place
"""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Self

from .errors import BadDestination, NoRoom, Occupied, disk_errors
from .filesystem import free_bytes
from .flush import sync
from .lock import Lock
from .receipt import Receipt

_HOUSE = ".weighbridge"


class Destination:
    """A model directory and the room behind it; as a context manager, for one process at a time.

    Where the file system knows no locks, each process works in a folder of its own, and the last one to publish wins.
    """

    def __init__(self, path: Path) -> None:
        if path.name in ("", "..", _HOUSE):
            raise BadDestination(f"{path}: names no folder for a model")
        self.path = path
        self._house = path.parent / _HOUSE / path.name
        self._work_in(self._house)

    def open(self, waiting: Callable[[], AbstractContextManager[None]]) -> Self:
        """Take the place, waiting for another process that has it. Raises BadDestination, Occupied, DiskFailed."""
        self._check()
        with disk_errors():
            self._house.mkdir(parents=True, exist_ok=True)
            self.lock = Lock(self._house / "lock")
            self.lock.acquire(waiting)
            if not self.lock.is_held:
                self._work_in(Path(tempfile.mkdtemp(prefix="alone-", dir=self._house)))
        if self.receipt() is None and self.path.exists() and any(self.path.iterdir()):
            raise Occupied(f"{self.path}: holds files that no pull wrote")
        return self

    def _work_in(self, folder: Path) -> None:
        self._workshop = folder
        self.incoming, self.stage, self.journal = folder / "incoming", folder / "stage", folder / "journal"

    def receipt(self) -> Receipt | None:
        """Give the receipt of the model that stands here now, or None."""
        try:
            receipt = Receipt.from_json((self._house / "receipt").read_text())
            return receipt if receipt and receipt.inode == self.path.stat().st_ino else None
        except OSError:
            return None

    def holds(self, receipt: Receipt, boot: str) -> bool:
        """Tell whether every file of the receipt stands here as it was published.

        Data that was not synced is believed only under the kernel that wrote it: after another boot a file may have its
        size and its time, and not its bytes.
        """
        if receipt.boot and receipt.boot != boot:
            return False
        for record in receipt.files:
            try:
                found = (self.path / record.path).lstat()
            except OSError:
                return False
            if (found.st_size, found.st_mtime_ns) != (record.size, record.mtime_ns):
                return False
        return True

    def prepare(self, paths: Iterable[str]) -> None:
        """Make the incoming folder hold the folders of files with these paths, and no file or link that is none."""
        wanted = set(paths)
        with disk_errors():
            self.incoming.mkdir(exist_ok=True)
            for folder, folders, names in os.walk(self.incoming):
                place = Path(folder)
                for name in names + [name for name in folders if (place / name).is_symlink()]:
                    if str((place / name).relative_to(self.incoming)) not in wanted or (place / name).is_symlink():
                        (place / name).unlink()
            for parent in {Path(path).parent for path in wanted}:
                (self.incoming / parent).mkdir(parents=True, exist_ok=True)

    def reserve(self, size: int) -> None:
        """Raise NoRoom unless `size` more bytes fit on the volume."""
        free = free_bytes(self.path.parent)
        if size > free:
            raise NoRoom(f"{self.path}: the model needs {size} bytes more, the volume has {free} left")

    def publish(self, receipt: Receipt, *, is_synced: bool) -> None:
        """Give the incoming files their final place by one rename; the version before goes.

        The receipt is written first: it names the incoming folder's inode, so until the rename it speaks for nothing.
        """
        outgoing = self._workshop / "outgoing"
        with disk_errors():
            _replace(self._house / "receipt", json.dumps(receipt.to_json(), indent=1))
            shutil.rmtree(outgoing, ignore_errors=True)
            if self.path.exists():
                self.path.rename(outgoing)
            self.incoming.rename(self.path)
            self.journal.unlink(missing_ok=True)
            shutil.rmtree(self.stage, ignore_errors=True)
            if is_synced:
                sync(self._house)
                sync(self.path.parent)
            shutil.rmtree(outgoing, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._workshop != self._house:
            shutil.rmtree(self._workshop, ignore_errors=True)
        self.lock.close()

    def _check(self) -> None:
        parent = self.path.parent
        if not parent.is_dir():
            raise BadDestination(f"{parent}: is no folder")
        for place in (self.path, parent / _HOUSE, self._house):
            if place.is_symlink():
                raise BadDestination(f"{place}: is a symbolic link")
        if self.path.exists() and not self.path.is_dir():
            raise BadDestination(f"{self.path}: is a file")
        if self.path.is_mount():
            raise BadDestination(
                f"{self.path}: is a mount point, which no rename can fill",
                remedy=f"name a folder inside it, such as {self.path / 'model'}",
            )


def _replace(path: Path, text: str) -> None:
    fresh = path.with_suffix(".new")
    with fresh.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)
