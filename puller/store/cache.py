"""Models that many model directories share: fetched once, kept by digest, given away by hard link.

CACHE/HEX[-CHOICE]              a model, published as any other is; HEX is its manifest's digest
CACHE/.weighbridge/HEX/…        the folders behind it
CACHE/.weighbridge/HEX/used     whose time says when it was last wanted

Whoever fetches a model has its lock for himself, whoever gives it away shares it. What is not locked, and has no name
outside of the cache, may go when room is wanted, the longest unused first. What has no receipt of this user's is
neither counted nor touched.
"""

import stat
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from pathlib import Path

from puller.errors import BadDestination, disk_errors
from puller.settings import selection_suffix
from registry.digest import Digest

from .destination import Destination
from .filesystem import discard, link_or_copy, make_folders
from .lock import Wait
from .receipt import Receipt
from .standing import receipt_of
from .trust import Trust, status_of
from .work_dir import HOUSE, make_shared, rooms_of

_AT_ONCE = Wait(idle_seconds=0, most_seconds=0)


class Cache:
    """A folder of models, of at most `limit` bytes; 0 means as many as fit."""

    def __init__(self, folder: Path, limit: int, trust: Trust) -> None:
        """Make the folder where there is none. Raises BadDestination, NoRoom, DiskFailed."""
        self.folder, self._limit, self._trust = folder, limit, trust
        status = status_of(folder)
        if status is not None and not stat.S_ISDIR(status.st_mode):
            raise BadDestination(f"{folder}: the cache is no folder", hint="name the folder itself with --cache")
        if status is None:
            with disk_errors():
                folder.parent.mkdir(parents=True, exist_ok=True)
                make_shared(folder, folder.parent.stat())

    def entry(self, digest: Digest, selection: tuple[str, ...]) -> Destination:
        """Return the place of a model, of which `selection` was chosen."""
        return Destination(self.folder / f"{digest.hex}{selection_suffix(selection)}", self._trust)

    def serves(self, place: Destination) -> bool:
        """Return whether links work at `place`: else giving it a model costs a second copy on the same volume."""
        with disk_errors():
            if self.folder.stat().st_dev != place.path.parent.stat().st_dev:
                return True
            if not place.is_writable:
                return False
            with tempfile.NamedTemporaryFile(dir=place.workshop.folder) as probe:
                linked = Path(f"{probe.name}-link")
                try:
                    linked.hardlink_to(probe.name)
                except OSError:
                    return False
                linked.unlink()
        return True

    def touch(self, entry: Destination) -> None:
        """Note that a model was wanted just now, where that can be noted."""
        with suppress(OSError):
            (entry.rooms[0] / "used").touch()

    def make_room(self, size: int, keep: Path) -> bool:
        """Let models go that nobody uses until `size` more bytes are within the limit; return whether they are now."""
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
        """Return the folders of the cache that a receipt of this user's speaks for."""
        for path in self.folder.iterdir():
            if not path.name.startswith(HOUSE) and receipt_of(path, self._trust, is_strict=False) is not None:
                yield path

    def _last_used(self, path: Path) -> int:
        times = [status_of(room / "used") for room in rooms_of(path, self._trust)]
        return max((status.st_mtime_ns for status in times if status is not None), default=0)

    def _drop(self, path: Path) -> bool:
        """Remove a model unless somebody has its lock or a name of one of its files; return whether it is gone."""
        entry = Destination(path, self._trust)
        try:
            with entry.open(lambda _: nullcontext(), _AT_ONCE):
                if entry.why_alone or _is_linked(path):  # without locks nobody can tell whether it is in use
                    return False
                entry.remove()
        except (OSError, BadDestination):
            return False
        return True


def hardlink_tree(model: Path, receipt: Receipt, target: Path) -> None:
    """Fill a new folder with what a receipt names of a model: hard links, or where those cannot reach, copies."""
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
    return sum(entry.lstat().st_blocks * 512 for entry in path.rglob("*") if entry.is_file() and not entry.is_symlink())


def _is_linked(path: Path) -> bool:
    """Return whether a file of a model has a name elsewhere: then it is in use, and letting go of it frees nothing."""
    inside: dict[int, int] = {}
    links: dict[int, int] = {}
    for entry in path.rglob("*"):
        if entry.is_file() and not entry.is_symlink():
            status = entry.stat()
            inside[status.st_ino] = inside.get(status.st_ino, 0) + 1
            links[status.st_ino] = status.st_nlink
    return any(links[inode] > count for inode, count in inside.items())
