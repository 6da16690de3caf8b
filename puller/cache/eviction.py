"""Which models go when a cache needs room: those that nobody uses, the longest unused first.

A model is what stands in the cache, and with `keep_days` the directories on its volume that pods were given of it, too.
It is in use while it is locked, while a file of it has a further name, and until `keep_days` after the last start with
one of its directories. A model without a receipt of this user's is neither counted nor removed.
"""

import stat
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from puller.errors import BadDestination
from puller.store.destination import Destination
from puller.store.filesystem import bytes_below, free_bytes
from puller.store.lock import AT_ONCE
from puller.store.standing import receipt_of
from puller.store.trust import Trust, status_of
from puller.store.used import last_use
from puller.store.work_dir import HOUSE, has_outgoing, rooms_of
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

    tell: Callable[[str], None] = lambda _: None
    """Is told what is removed."""

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
                if left < 0 and self._drop(model):
                    left += models[model]
        return "" if left >= 0 else f"models that have directories or are in use leave no room {where}"

    def _begun(self, path: Path) -> int:
        """Return the bytes that unfinished pulls of this user's take for a model."""
        return sum(bytes_below(room / str(self.trust.uid)) for room in rooms_of(path, self.trust))

    def _models(self) -> list[_Model]:
        """Return the models that have a receipt of this user's: folders of the same files are one."""
        found: dict[tuple[str, ...], list[Path]] = {}
        for path in dict.fromkeys((*self._directories(), *self.folder.iterdir())):
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
                        yield from (self._finished(parent / room.name, room) for room in _folders(house))

    def _finished(self, path: Path, room: Path) -> Path:
        """Return a directory's path, once an eviction of it is finished, or undone, that was cut short."""
        if status_of(path) is None and has_outgoing(room / str(self.trust.uid)):
            with ExitStack() as locked:
                self._held(path, locked)
        return path

    def _is_used(self, model: _Model) -> bool:
        return model.is_linked or any(map(self._is_wanted, model.places))

    def _drop(self, model: _Model) -> bool:
        """Remove a model unless it is in use by now; return whether all of it is gone."""
        with ExitStack() as locked:
            held = [one for place in model.places if (one := self._held(place, locked)) is not None]
            if len(held) < len(model.places) or model.is_linked or not all(map(self._remove, held)):
                return False
        self.tell(f"{model.places[0]}: removed to make room, last used on {_date(model.used)}")
        return True

    def _held(self, place: Path, locked: ExitStack) -> Destination | None:
        """Lock a place; return None where another process holds it, or where it is unknown whether one does."""
        destination = Destination(place, self.trust)
        try:
            locked.enter_context(destination.open(lambda _: nullcontext(), AT_ONCE))
        except (OSError, BadDestination):
            return None
        return destination if destination.is_writable and not destination.why_alone else None

    def _remove(self, held: Destination) -> bool:
        is_entry = held.path.parent == self.folder
        if is_entry and _Model((held.path,)).is_linked:
            return False
        try:
            return held.remove(lambda: not is_entry and self._is_started(held.path))
        except OSError:
            return False

    def _is_wanted(self, place: Path) -> bool:
        """Return whether a place may serve a pod, or holds files of users beside the model's."""
        is_served = place.parent != self.folder and self._is_started(place)
        return is_served or bool(Destination(place, self.trust).unknown_files())

    def _is_started(self, directory: Path) -> bool:
        """Return whether a pod started with a directory lately; what has no mark was filled by no such puller."""
        used = last_use(directory)
        return used is None or time.time_ns() - used < self.keep_days * _DAY_NS


def _date(nanoseconds: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(nanoseconds / 10**9))


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
