"""Publish a model under its name in one step, whenever the process may end (docs/decisions/0004).

1. Carry over files in the version before that no receipt names.
2. Write a receipt beside the present one; it names the inode of the folder that is about to be published.
3. Exchange the two folders in one step. From then on the new receipt's inode is that of the published folder, and the
   old receipt is void. Where names cannot be exchanged, the old folder is renamed, then the new one.
4. Clear the work folder: it holds further names of published files, which must not be written to.
5. Rename the new receipt to its final name.
6. Remove the version before.

If a process ended between 2 and 5, `finish` finds by the inodes which steps were done, and does the rest.

Tests: tests/puller/store/test_crashes.py
"""

import errno
import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from puller.errors import BadArtifact, DiskFailed, Occupied
from registry.printable import some

from .filesystem import discard, discard_unheld, exchange, link_or_copy, make_folders, write_whole
from .receipt import LIMIT_BYTES, Receipt
from .standing import PENDING, final_names, own_names, pending, receipts, unknown_files
from .trust import Trust, read_state, status_of
from .work_dir import Workshop
from .writeback import sync


@dataclass(frozen=True, slots=True)
class Publication:
    """A finished model in a work folder, and the path to publish it at. All methods raise OSError."""

    path: Path
    room: Path
    workshop: Workshop
    trust: Trust

    def run(self, receipt: Receipt, *, is_synced: bool) -> None:
        """Publish the work folder's model. Raises Occupied, DiskFailed, BadArtifact."""
        model, path = self.workshop.model, self.path
        # 1
        self._carry_over()
        # 2
        pending = self._write(receipt)
        if is_synced:
            sync(self.room)  # so that a power cut cannot keep the exchange and lose the receipt
        # 3
        if status_of(path) is None:
            model.rename(path)
        elif not exchange(model, path):
            clear_outgoing(self.workshop)
            path.rename(self.workshop.outgoing)
            model.rename(path)
        if path.lstat().st_ino != receipt.inode:
            raise DiskFailed(f"{path}: another process put something else in its place", hint="pull again")
        if is_synced:
            sync(path.parent)
        # 4
        clear(self.workshop)
        # 5
        self._conclude(pending)
        if is_synced:
            sync(self.room)
        # 6
        clear_outgoing(self.workshop)

    def note(self, receipt: Receipt) -> None:
        """Write the receipt of a model that is there already."""
        self._conclude(self._write(receipt))

    def finish(self) -> None:
        """Finish, or undo, a publication from this work folder that another process did not end."""
        for name in pending(self.room, self._prefix):
            place = self.room / name
            found = read_state(place, LIMIT_BYTES)
            if found is None or not self.trust.is_own(found[1]):
                continue
            receipt = Receipt.from_json(found[0])
            if receipt is not None and self._stands(receipt):
                clear(self.workshop)
                self._conclude(place)
            else:
                place.unlink(missing_ok=True)
        if status_of(self.path) is None and self._is_published(self.workshop.outgoing):
            self.workshop.outgoing.rename(self.path)  # the new version is gone: restore the one before
        clear_outgoing(self.workshop)

    @property
    def _prefix(self) -> str:
        return f"{PENDING}{self.workshop.tag}-"

    def _stands(self, receipt: Receipt) -> bool:
        """Return whether a receipt's folder has the model's name; rename it first where that name is free."""
        made = status_of(self.workshop.model)
        if status_of(self.path) is None and made is not None and made.st_ino == receipt.inode:
            self.workshop.model.rename(self.path)
        status = status_of(self.path)
        return status is not None and status.st_ino == receipt.inode

    def _is_published(self, folder: Path) -> bool:
        status = status_of(folder)
        known = {receipt.inode for receipt, _ in receipts(self.path, self.trust)}
        return status is not None and status.st_ino in known

    def _carry_over(self) -> None:
        """Link files of the version before that no receipt names into the new one. Raises Occupied."""
        if status_of(self.path) is None:
            return
        names = own_names(self.path, self.trust)
        own = unknown_files(self.path, names or frozenset())
        if own and names is None:
            raise Occupied(f"{self.path}: holds files that no pull wrote: {some(own)}")
        blocked = [name for name in own if not _carry(self.path / name, self.workshop.model, name)]
        if blocked:
            raise Occupied(
                f"{self.path}: holds files that no pull wrote, where the new version has its own: {some(blocked)}",
                hint="move them away, or name another folder",
            )

    def _write(self, receipt: Receipt) -> Path:
        """Write a receipt under a unique name, whole or not at all; return its path."""
        content = json.dumps(receipt.to_json(), separators=(",", ":")).encode()
        if len(content) > LIMIT_BYTES:
            raise BadArtifact(f"a receipt of {len(content)} bytes, for {len(receipt.files)} files, would not be read")
        place = self.room / f"{self._prefix}{os.urandom(4).hex()}"
        write_whole(place, content, self.workshop.folder / "receipt.new", is_synced=True)
        return place

    def _conclude(self, place: Path) -> None:
        """Rename a receipt to the first final name that is no other user's; remove this user's earlier receipts."""
        finals = [self.room / name for name in final_names(self.trust)]
        final = next(filter(self._is_free, finals), place)
        if final != place:
            place.rename(final)
        for old in (*finals, *(self.room / name for name in pending(self.room, self._prefix))):
            if old != final and self._is_free(old):
                old.unlink(missing_ok=True)

    def _is_free(self, place: Path) -> bool:
        """Return whether a path is free, or a file of this user or root."""
        status = status_of(place)
        return status is None or (stat.S_ISREG(status.st_mode) and self.trust.is_own(status))


def clear(workshop: Workshop) -> None:
    """Remove everything from a work folder whose model is published now. Raises OSError."""
    if status_of(workshop.model) is not None:  # the version before, after an exchange
        clear_outgoing(workshop)
        workshop.model.rename(workshop.outgoing)
    for place in (workshop.incoming, workshop.stage, workshop.leftover, workshop.journal):
        try:
            discard(place)
        except OSError as error:
            if error.errno != errno.ENOTEMPTY:
                raise  # a network volume keeps what is still open under another name; the next pull removes it


def clear_outgoing(workshop: Workshop) -> None:
    """Remove the versions before, as far as no server of this node has their files open. Raises OSError.

    A network volume keeps such files under other names until they are closed; a later pull removes the rest.
    """
    if status_of(workshop.outgoing) is not None:
        workshop.outgoing.rename(workshop.folder / f"{workshop.outgoing.name}-{os.urandom(4).hex()}")
    for old in workshop.folder.glob(f"{workshop.outgoing.name}-*"):
        discard_unheld(old)


def _carry(own: Path, model: Path, name: str) -> bool:
    """Link an unknown file into a new model; return False where the model has something of that name."""
    place = model / name
    for folder in place.relative_to(model).parents:
        status = status_of(model / folder)
        if status is not None and not (model / folder).is_dir():
            return False
    if status_of(place) is not None:
        return False
    make_folders(model, place.parent)
    if own.is_symlink():
        place.symlink_to(own.readlink())
    else:
        link_or_copy(own, place)
    return True
