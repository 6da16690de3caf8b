"""The folder of models that many model directories share.

CACHE/HEX[-CHOICE]              a model, published as any other is; HEX is its manifest's digest
CACHE/.weighbridge/HEX/…        the folders behind it

A process that fetches a model holds its lock exclusively, one that links it elsewhere shares the lock.

Tests: tests/puller/cache/test_cache.py
"""

import stat
import time
from contextlib import nullcontext, suppress
from pathlib import Path

from puller.errors import BadDestination, disk_errors
from puller.settings import selection_suffix
from puller.store.destination import Destination
from puller.store.filesystem import discard
from puller.store.lock import AT_ONCE
from puller.store.trust import Trust, status_of
from puller.store.work_dir import ABANDONED_SECONDS, HOUSE, has_outgoing, make_shared, worked_at
from registry.digest import Digest

_UNFINISHED = ("incoming", "stage", "model")


class Cache:
    """A folder of models."""

    def __init__(self, folder: Path, trust: Trust) -> None:
        """Create the folder if it is missing. Raises BadDestination, NoRoom, DiskFailed."""
        self.folder, self.trust = folder, trust
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

    def remove_unfinished(self, keep: Path) -> None:
        """Remove what pulls of this user left that were killed, and that nobody went on with for a day."""
        with suppress(OSError):
            for room in (self.folder / HOUSE).iterdir():
                work = room / str(self.trust.uid)
                is_begun = has_outgoing(work) or any(map(status_of, (work / name for name in _UNFINISHED)))
                if room.name != keep.name and is_begun and time.time() - worked_at(work) > ABANDONED_SECONDS:
                    self._clear(self.folder / room.name)

    def _clear(self, path: Path) -> None:
        with suppress(OSError, BadDestination):
            entry = Destination(path, self.trust)
            with entry.open(lambda _: nullcontext(), AT_ONCE):
                if not entry.why_alone and entry.is_writable:
                    entry.clear()


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
