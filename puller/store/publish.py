"""Return a model its name: one decision, whatever ends the process on the way (docs/decisions/0004).

1. Carry over what is somebody's own in the version before.
2. Write a receipt beside the standing one; it names the inode of the folder that is about to be published.
3. Exchange the two folders in one step. From here on the new receipt speaks for what stands, and the old one does not.
   Where names cannot be exchanged, the old folder is moved aside and the new one takes its name.
4. Clear the workshop: it holds further names of published files, which nobody may write to.
5. Give the new receipt its name.
6. Remove the version before.

Where a process ended between 2 and 5, `finish` tells by the inodes how far it came, and does the rest.
"""

import json
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

from puller.errors import BadArtifact, DiskFailed, Occupied

from .filesystem import discard, exchange, link_or_copy, make_folders, write_whole
from .receipt import LIMIT_BYTES, Receipt
from .standing import PENDING, final_names, named, own_names, pending, receipts, unknown_files
from .trust import Trust, read_state, status_of
from .work_dir import Workshop
from .writeback import sync


@dataclass(frozen=True, slots=True)
class Publication:
    """A model that stands in a workshop, and the name that it shall have. All methods raise OSError."""

    path: Path
    room: Path
    workshop: Workshop
    trust: Trust

    def run(self, receipt: Receipt, *, is_synced: bool) -> None:
        """Publish the workshop's model. Raises Occupied, DiskFailed, BadArtifact."""
        model, path = self.workshop.model, self.path
        # 1
        self._carry_over()
        # 2
        pending = self._write(receipt)
        if is_synced:
            sync(self.room)  # a power cut may not keep the exchange and lose the receipt
        # 3
        if status_of(path) is None:
            model.rename(path)
        elif not exchange(model, path):
            discard(self.workshop.outgoing)
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
        discard(self.workshop.outgoing)

    def note(self, receipt: Receipt) -> None:
        """Write the receipt of what stands already."""
        self._conclude(self._write(receipt))

    def finish(self) -> None:
        """End what a process that was ended had begun to publish from this workshop."""
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
            self.workshop.outgoing.rename(self.path)  # the new version is gone: the one before stands again
        discard(self.workshop.outgoing)

    @property
    def _prefix(self) -> str:
        return f"{PENDING}{self.workshop.tag}-"

    def _stands(self, receipt: Receipt) -> bool:
        """Return whether a receipt's folder has the model's name, after giving it that where nothing else has it."""
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
        """Return what no receipt names in the version before a second name in the new one. Raises Occupied."""
        if status_of(self.path) is None:
            return
        names = own_names(self.path, self.trust)
        own = unknown_files(self.path, names or frozenset())
        if own and names is None:
            raise Occupied(f"{self.path}: holds files that no pull wrote: {named(own)}")
        blocked = [name for name in own if not _carry(self.path / name, self.workshop.model, name)]
        if blocked:
            raise Occupied(
                f"{self.path}: holds files that no pull wrote, where the new version has its own: {named(blocked)}",
                hint="move them away, or name another folder",
            )

    def _write(self, receipt: Receipt) -> Path:
        """Write a receipt under a name that nobody else has, whole or not at all; return its path."""
        content = json.dumps(receipt.to_json(), separators=(",", ":")).encode()
        if len(content) > LIMIT_BYTES:
            raise BadArtifact(f"a receipt of {len(content)} bytes, for {len(receipt.files)} files, would not be read")
        place = self.room / f"{self._prefix}{secrets.token_hex(4)}"
        write_whole(place, content, self.workshop.folder / "receipt.new", is_synced=True)
        return place

    def _conclude(self, place: Path) -> None:
        """Return a receipt its final name, unless other users' files have all of them; this user's earlier ones go."""
        finals = [self.room / name for name in final_names(self.trust)]
        final = next(filter(self._is_free, finals), place)
        if final != place:
            place.rename(final)
        for old in (*finals, *(self.room / name for name in pending(self.room, self._prefix))):
            if old != final and self._is_free(old):
                old.unlink(missing_ok=True)

    def _is_free(self, place: Path) -> bool:
        """Return whether nothing is at a place but what this user or root put there."""
        status = status_of(place)
        return status is None or (stat.S_ISREG(status.st_mode) and self.trust.is_own(status))


def clear(workshop: Workshop) -> None:
    """Remove all names that a workshop gave to files of a model that is published now. Raises OSError."""
    if status_of(workshop.model) is not None:  # after an exchange: the version before
        discard(workshop.outgoing)
        workshop.model.rename(workshop.outgoing)
    for place in (workshop.incoming, workshop.stage, workshop.leftover, workshop.journal):
        discard(place)


def _carry(own: Path, model: Path, name: str) -> bool:
    """Return somebody's own file a name in a new model; False where the model has something of that name."""
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
