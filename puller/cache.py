"""Models that many model directories share: fetched once, kept by digest, given away by hard link.

CACHE/HEX[-CHOICE]              a model, published as any other is; HEX is its manifest's digest
CACHE/.weighbridge/HEX/…        the room behind it: lock, receipt, and what is under way
CACHE/.weighbridge/HEX/used     whose time says when it was last wanted

Whoever fetches a model has its lock for himself, whoever gives it away shares it. What is not locked, and has no name
outside of the cache, may go when room is wanted, the longest unused first.
"""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from registry.digest import Digest

from .destination import Destination
from .errors import disk_errors
from .lock import Lock
from .settings import mark_of

_HOUSE = ".weighbridge"


class Cache:
    """A folder of models, of at most `limit` bytes; 0 means as many as fit."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder, self._limit = folder, limit

    def entry(self, digest: Digest, choice: tuple[str, ...]) -> Destination:
        """Give the place of a model, of which `choice` was chosen."""
        with disk_errors():
            self.folder.mkdir(parents=True, exist_ok=True)
        return Destination(self.folder / f"{digest.hex}{mark_of(choice)}")

    def serves(self, place: Path) -> bool:
        """Tell whether giving a model to `place` costs no second copy on the same volume: whether links work there."""
        with disk_errors():
            self.folder.mkdir(parents=True, exist_ok=True)
            if self.folder.stat().st_dev != place.parent.stat().st_dev:
                return True
            with tempfile.NamedTemporaryFile(prefix=".link-", dir=self.folder) as probe:
                linked = place.parent / Path(probe.name).name
                try:
                    linked.hardlink_to(probe.name)
                except OSError:
                    return False
                linked.unlink()
        return True

    def touch(self, entry: Destination) -> None:
        """Note that a model was wanted just now."""
        with disk_errors():
            (self._house(entry.path) / "used").touch()

    def make_room(self, size: int, keep: Path) -> bool:
        """Let models go that nobody uses until `size` more bytes are within the limit; tell whether they are now."""
        if not self._limit:
            return True
        sizes = {path: _size(path) for path in self._models() if path != keep}
        left = self._limit - size - sum(sizes.values())
        for path in sorted(sizes, key=self._last_used):
            if left >= 0:
                break
            if self._drop(path):
                left += sizes[path]
        return left >= 0

    def _models(self) -> Iterator[Path]:
        return (path for path in self.folder.iterdir() if path.name != _HOUSE)

    def _house(self, path: Path) -> Path:
        return self.folder / _HOUSE / path.name

    def _last_used(self, path: Path) -> int:
        try:
            return (self._house(path) / "used").stat().st_mtime_ns
        except OSError:
            return 0

    def _drop(self, path: Path) -> bool:
        """Remove a model unless somebody has its lock or a name of one of its files; tell whether it is gone."""
        lock = Lock(self._house(path) / "lock")
        try:
            if not lock.try_acquire() or _is_linked(path):
                return False
            outgoing = self._house(path) / "outgoing"
            shutil.rmtree(outgoing, ignore_errors=True)
            path.rename(outgoing)  # at once, so that nobody finds half of it
            shutil.rmtree(outgoing)
            (self._house(path) / "receipt").unlink(missing_ok=True)
        except OSError:
            return False  # without locks nobody can tell whether it is in use
        finally:
            lock.close()
        return True


def give(model: Path, incoming: Path) -> None:
    """Fill a folder with a model of the cache: hard links, or where those cannot reach, clones or copies."""
    with disk_errors():
        shutil.rmtree(incoming, ignore_errors=True)
        for folder, folders, names in os.walk(model):
            there = incoming / Path(folder).relative_to(model)
            there.mkdir()
            for name in names + [name for name in folders if (Path(folder) / name).is_symlink()]:
                _give(Path(folder) / name, there / name)


def _give(source: Path, target: Path) -> None:
    if source.is_symlink():
        target.symlink_to(source.readlink())
        return
    try:
        target.hardlink_to(source)
    except OSError:
        _copy(source, target)


def _copy(source: Path, target: Path) -> None:
    """Copy a file within the kernel: where blocks can be shared, no byte moves (copy_file_range(2))."""
    try:
        with source.open("rb") as old, target.open("wb") as new:
            left = os.fstat(old.fileno()).st_size
            while left and (count := os.copy_file_range(old.fileno(), new.fileno(), left)):
                left -= count
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        shutil.copyfile(source, target)
    shutil.copystat(source, target)


def _size(path: Path) -> int:
    return sum(entry.stat().st_blocks * 512 for entry in path.rglob("*") if entry.is_file() and not entry.is_symlink())


def _is_linked(path: Path) -> bool:
    """Tell whether a file of a model has a name elsewhere: then it is in use, and letting go of it frees nothing."""
    inside: dict[int, int] = {}
    links: dict[int, int] = {}
    for entry in path.rglob("*"):
        if entry.is_file() and not entry.is_symlink():
            status = entry.stat()
            inside[status.st_ino] = inside.get(status.st_ino, 0) + 1
            links[status.st_ino] = status.st_nlink
    return any(links[inode] > count for inode, count in inside.items())
