"""Which models go when a cache needs room: those that nobody uses, the longest unused first.

A model is what stands in the cache, and with `keep_days` the directories on its volume that pods were given of it, too.
It is in use while it is locked, while a file of it has a further name, and until `keep_days` after the last start with
one of its directories. A model without a receipt of this user's is neither counted nor removed.
"""

import stat
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from puller.errors import BadDestination
from puller.store.destination import Destination
from puller.store.filesystem import bytes_below, free_bytes
from puller.store.lock import AT_ONCE
from puller.store.standing import receipt_of
from puller.store.trust import Trust
from puller.store.used import last_use
from puller.store.work_dir import HOUSE, rooms_of
from registry.progress.stats import human

_DAY_NS = 24 * 3600 * 10**9
_ADAPTERS = ".adapters"
_BASE_PATH = "base-path="


class _Model(NamedTuple):
    """A model: `places` are its folders, those of pods before those of the cache."""

    places: tuple[Path, ...]

    @property
    def size(self) -> int:
        """The bytes that it takes on the volume."""
        return sum(blocks * 512 for _, _, blocks in _files(self.places).values())

    @property
    def is_linked(self) -> bool:
        """Whether a file of it has a further name: then it is in use, and removing it frees nothing."""
        return any(links > names for names, links, _ in _files(self.places).values())

    @property
    def used(self) -> int:
        """When it was last used, in nanoseconds since 1970."""
        return max(last_use(place) or 0 for place in self.places)


@dataclass(frozen=True, slots=True)
class Eviction:
    """What a cache lets go to stay within `limit` bytes; 0 means that it lets nothing go."""

    folder: Path
    trust: Trust
    limit: int
    keep_days: int
    """How long after its last use a directory of a pod may go; 0 means never."""

    def make_room(self, size: int, keep: Path) -> str:
        """Remove unused models until `size` more bytes are within the limit and on the volume, for the entry `keep`.

        Return why they are not, or an empty text; then nothing is removed that would not suffice. What an unfinished
        pull of the entry has on the volume counts as there.
        """
        if not self.limit:
            return ""
        if size > self.limit:
            return f"the model has {human(size)}, and its limit is {human(self.limit)}"
        models = {model: model.size for model in self._models() if keep not in model.places}
        left, where = self.limit - size - sum(models.values()), "within its limit"
        free = free_bytes(self.folder)
        if free is not None and free - max(size - self._begun(keep), 0) < left:
            left, where = free - max(size - self._begun(keep), 0), "on its volume"
        if left + sum(models.values()) < 0:
            return f"the model has {human(size)}, for which there is no room {where}"
        unused = [model for model in models if not self._is_used(model)] if left < 0 else []
        if left + sum(models[model] for model in unused) >= 0:
            for model in sorted(unused, key=lambda one: one.used):
                if left < 0 and all(map(self._remove, model.places)):
                    left += models[model]
        return "" if left >= 0 else f"models that have directories or are in use leave no room {where}"

    def _begun(self, path: Path) -> int:
        """Return the bytes that unfinished pulls of this user's take for a model."""
        return sum(bytes_below(room / str(self.trust.uid)) for room in rooms_of(path, self.trust))

    def _models(self) -> list[_Model]:
        """Return the models that have a receipt of this user's: folders of the same files are one."""
        found: dict[tuple[str, ...], list[Path]] = {}
        for path in (*self._directories(), *self.folder.iterdir()):
            receipt = None if path.name.startswith(HOUSE) else receipt_of(path, self.trust, is_strict=False)
            if receipt is not None:
                # An adapter's directory stands twice: the one for a base model shares the weights of the other.
                selection = [one for one in receipt.selection if not one.startswith(_BASE_PATH)]
                found.setdefault((receipt.digest, *selection), []).append(path)
        return [_Model(tuple(places)) for places in found.values()]

    def _directories(self) -> Iterator[Path]:
        """Yield the directories of pods, by the folders behind them: at the volume's root, in caches of the hub, and
        adapters.
        """
        volume = self.folder.parent
        if not self.keep_days:
            return
        for parent in (volume, *_folders(volume), *_folders(volume / _ADAPTERS)):
            if parent != self.folder:
                for house in _folders(parent):
                    if house.name.startswith(HOUSE):
                        yield from (parent / room.name for room in _folders(house))

    def _is_used(self, model: _Model) -> bool:
        directories = [place for place in model.places if place.parent != self.folder]
        return model.is_linked or any(map(self._is_wanted, directories))

    def _remove(self, place: Path) -> bool:
        is_entry, held = place.parent == self.folder, Destination(place, self.trust)
        try:
            with held.open(lambda _: nullcontext(), AT_ONCE):
                # Without locks it is unknown whether it is in use.
                if held.why_alone or not held.is_writable or (is_entry and _Model((place,)).is_linked):
                    return False
                return held.remove(lambda: not is_entry and self._is_wanted(place))
        except (OSError, BadDestination):
            return False

    def _is_wanted(self, directory: Path) -> bool:
        """Return whether a directory may serve a pod: one without a mark is older than such marks."""
        used = last_use(directory)
        return used is None or time.time_ns() - used < self.keep_days * _DAY_NS


def _folders(path: Path) -> list[Path]:
    try:
        return [entry for entry in path.iterdir() if entry.is_dir() and not entry.is_symlink()]
    except OSError:
        return []


def _files(places: tuple[Path, ...]) -> dict[int, tuple[int, int, int]]:
    """Return the files below folders by their inodes: how many names each has there and in all, and its blocks.

    Where another pull removes a folder just now, nothing is returned of it.
    """
    found: dict[int, tuple[int, int, int]] = {}
    for place in places:
        try:
            statuses = [entry.lstat() for entry in place.rglob("*")]
        except OSError:
            continue
        for status in statuses:
            if stat.S_ISREG(status.st_mode):
                names, _, _ = found.get(status.st_ino, (0, 0, 0))
                found[status.st_ino] = (names + 1, status.st_nlink, status.st_blocks)
    return found
