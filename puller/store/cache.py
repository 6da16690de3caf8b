"""Models that many model directories share: fetched once, kept by digest, shared by hard links.

CACHE/HEX[-CHOICE]              a model, published as any other is; HEX is its manifest's digest
CACHE/.weighbridge/HEX/…        the folders behind it
CACHE/.weighbridge/HEX/used     its modification time is the model's last use

A process that fetches a model holds its lock exclusively, one that links it elsewhere shares the lock. A model that is
not locked, and has no name outside of the cache, may be removed when room is needed, the longest unused first. A model
without a receipt of this user's is neither counted nor removed.
"""

import stat
import time
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from pathlib import Path

from puller.errors import BadDestination, disk_errors
from puller.settings import selection_suffix
from registry.digest import Digest
from registry.progress.stats import human

from .destination import Destination
from .filesystem import discard, free_bytes, link_or_copy, make_folders
from .lock import Wait
from .receipt import Receipt
from .standing import receipt_of
from .trust import Trust, status_of
from .work_dir import ABANDONED_SECONDS, HOUSE, make_shared, rooms_of, worked_at

_AT_ONCE = Wait(idle_seconds=0, most_seconds=0)


class Cache:
    """A folder of models, of at most `limit` bytes; 0 means as many as fit."""

    def __init__(self, folder: Path, limit: int, trust: Trust) -> None:
        """Create the folder if it is missing. Raises BadDestination, NoRoom, DiskFailed."""
        self.folder, self._limit, self.trust = folder, limit, trust
        status = status_of(folder)
        if status is not None and not stat.S_ISDIR(status.st_mode):
            raise BadDestination(f"{folder}: the cache is no folder", hint="name the folder itself with --cache")
        if status is None:
            with disk_errors():
                folder.parent.mkdir(parents=True, exist_ok=True)
                make_shared(folder, folder.parent.stat())

    def entry(self, digest: Digest, selection: tuple[str, ...]) -> Destination:
        """Return the destination of a model in the cache, of which `selection` is wanted."""
        return Destination(self.folder / f"{digest.hex}{selection_suffix(selection)}", self.trust)

    def serves(self, place: Destination) -> bool:
        """Return False if `place` is on the cache's own volume but hard links fail: the model would be stored twice.

        On another volume a copy cannot be avoided: return True.
        """
        with disk_errors():
            if self.folder.stat().st_dev != place.path.parent.stat().st_dev:
                return True
            if not place.is_writable:
                return False
            return _can_link(place.workshop.folder)

    def touch(self, entry: Destination) -> None:
        """Record that a model is used now, if the file can be written."""
        with suppress(OSError):
            (entry.rooms[0] / "used").touch()

    def make_room(self, size: int, keep: Path) -> str:
        """Remove unused models until `size` more bytes are within the limit and on the volume, for the entry `keep`.

        Return why they are not, or an empty text; then nothing is removed that would not suffice. What an unfinished
        pull of the entry has on the volume counts as there.
        """
        if not self._limit:
            return ""
        if size > self._limit:
            return f"the model has {human(size)}, and its limit is {human(self._limit)}"
        sizes = {path: _size(path) for path in self._models() if path != keep}
        left, where = self._limit - size - sum(sizes.values()), "within its limit"
        free = free_bytes(self.folder)
        if free is not None and free - max(size - self._begun(keep), 0) < left:
            left, where = free - max(size - self._begun(keep), 0), "on its volume"
        if left + sum(sizes.values()) < 0:
            return f"the model has {human(size)}, for which there is no room {where}"
        for path in sorted(sizes, key=self._last_used):
            if left >= 0:
                break
            if self._drop(path):
                left += sizes[path]
        return "" if left >= 0 else f"models that have directories or are in use leave no room {where}"

    def _begun(self, path: Path) -> int:
        """Return the bytes that unfinished pulls of this user's take for a model."""
        return sum(_size(room / str(self.trust.uid)) for room in rooms_of(path, self.trust))

    def remove_unfinished(self, keep: Path) -> None:
        """Remove what pulls of this user left that were killed, and that nobody went on with for a day."""
        with suppress(OSError):
            for room in (self.folder / HOUSE).iterdir():
                work = room / str(self.trust.uid)
                is_begun = any(status_of(work / name) for name in ("incoming", "stage", "model"))
                if room.name != keep.name and is_begun and time.time() - worked_at(work) > ABANDONED_SECONDS:
                    self._clear(self.folder / room.name)

    def _clear(self, path: Path) -> None:
        with suppress(OSError, BadDestination):
            entry = Destination(path, self.trust)
            with entry.open(lambda _: nullcontext(), _AT_ONCE):
                if not entry.why_alone and entry.is_writable:
                    entry.clear()

    def _models(self) -> Iterator[Path]:
        """Return the folders of the cache that have a receipt of this user's."""
        for path in self.folder.iterdir():
            if not path.name.startswith(HOUSE) and receipt_of(path, self.trust, is_strict=False) is not None:
                yield path

    def _last_used(self, path: Path) -> int:
        times = [status_of(room / "used") for room in rooms_of(path, self.trust)]
        return max((status.st_mtime_ns for status in times if status is not None), default=0)

    def _drop(self, path: Path) -> bool:
        """Remove a model unless it is locked or one of its files has another name; return whether it is gone."""
        entry = Destination(path, self.trust)
        try:
            with entry.open(lambda _: nullcontext(), _AT_ONCE):
                if entry.why_alone or _is_linked(path):  # without locks it is unknown whether it is in use
                    return False
                entry.remove()
        except (OSError, BadDestination):
            return False
        return True


def _can_link(folder: Path) -> bool:
    """Return whether hard links work in a folder. Raises OSError where no file can be made there."""
    probe, linked = folder / "probe", folder / "probe-link"
    for place in (probe, linked):
        discard(place)
    probe.touch()
    try:
        linked.hardlink_to(probe)
    except OSError:
        return False
    finally:
        for place in (probe, linked):
            discard(place)
    return True


def hardlink_tree(model: Path, receipt: Receipt, target: Path) -> None:
    """Fill a new folder with the files of a receipt: hard links, or copies where links are impossible."""
    with disk_errors():
        discard(target)
        make_folders(target, target)
        for name in receipt.names:
            make_folders(target, (target / name).parent)
        for record in receipt.files:
            link_or_copy(model / record.path, target / record.path)
        for name, destination in receipt.links:
            (target / name).symlink_to(destination)


def _size(path: Path) -> int:
    """Return the bytes that a model takes; 0 where another pull removes it just now."""
    try:
        statuses = [entry.lstat() for entry in path.rglob("*")]
    except OSError:
        return 0
    return sum(status.st_blocks * 512 for status in statuses if stat.S_ISREG(status.st_mode))


def _is_linked(path: Path) -> bool:
    """Return whether a file of a model has a name elsewhere: then it is in use, and removing it frees nothing."""
    inside: dict[int, int] = {}
    links: dict[int, int] = {}
    for entry in path.rglob("*"):
        if entry.is_file() and not entry.is_symlink():
            status = entry.stat()
            inside[status.st_ino] = inside.get(status.st_ino, 0) + 1
            links[status.st_ino] = status.st_nlink
    return any(links[inode] > count for inode, count in inside.items())
