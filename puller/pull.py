"""The story of a pull.

1. Look whether the model stands already, believed as it is (standing.py); that needs no lock, and no right to write.
2. Take the destination for this process, and look again: another one may have been at work.
3. Resolve the source to a manifest: one that was kept beside the model, for a pinned source, or the registry's.
4. Hold what stands to its digests, where it is not believed: it may have been copied, restored, or touched.
5. Bring the model there (bring.py), or into the cache that others share, and from there by links.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from registry.digest import Digest
from registry.errors import Fault
from registry.open import repository_at
from registry.progress.reporter import Voice
from registry.remote.client import Access
from registry.repository import Repository, Resolved
from registry.source import parse_source

from .adopt import adopt_standing
from .artifact.model_artifact import Lineage, lineage_of
from .bring import bring
from .deadline import within
from .errors import DiskFailed, Occupied
from .settings import Settings
from .store.cache import Cache
from .store.destination import Destination
from .store.locked import Holder, cache_of, destination_of, held, standing
from .store.receipt import Receipt
from .store.saved_manifest import KeptRepository


def pull(settings: Settings, access: Access, voice: Voice) -> Receipt:
    """Bring the model of `settings` to its destination, whole and verified; return its receipt.

    Raises Fault, DeadlinePassed among them; then the destination is as it was before, and what has come so far is kept
    beside it.
    """
    with within(settings.deadline_seconds):
        return _pull(settings, access, voice)


def _pull(settings: Settings, access: Access, voice: Voice) -> Receipt:
    place = destination_of(settings)
    place.check()
    job = _Job(settings, access, voice, place)
    # 1
    found = job.standing()
    if found is None:
        # 2
        with held(settings, voice, place) as holder:
            found = job.standing() or job.look_up_standing()
            if found is None:
                # 3 to 5
                return job.adopt(holder) or job.share(holder) or bring(holder, job.resolved, job.lineage, job.cached)
    voice.say(f"{settings.destination} holds it already, as published on {found.date}")
    return found


@dataclass(frozen=True)
class _Job:
    """What is known of a model, looked up when it is first wanted: who finds it standing asks no registry."""

    settings: Settings
    access: Access
    voice: Voice
    place: Destination

    def standing(self) -> Receipt | None:
        """Return the receipt of a pinned model that stands and is believed."""
        return standing(self.settings, self.voice, self.place, self.pinned)

    def look_up_standing(self) -> Receipt | None:
        """Return the receipt of a model that stands, is believed, and is the one that a tag leads to."""
        if self.pinned is not None:
            return None
        return standing(self.settings, self.voice, self.place, self.resolved.digest)

    @cached_property
    def pinned(self) -> Digest | None:
        """The digest that the source names, or None."""
        return parse_source(self.settings.source).digest

    @cached_property
    def repository(self) -> Repository:
        """Where the model is."""
        return repository_at(parse_source(self.settings.source), self.access)

    @property
    def resolved(self) -> Resolved:
        """The manifest that the source leads to."""
        return self._found[0]

    @property
    def lineage(self) -> Lineage:
        """All parts of the model."""
        return self._found[1]

    @cached_property
    def _found(self) -> tuple[Resolved, Lineage]:
        return self._kept or self._looked_up

    @cached_property
    def _looked_up(self) -> tuple[Resolved, Lineage]:
        resolved = self.repository.resolve()
        return resolved, lineage_of(self.repository, resolved, self.access)

    @cached_property
    def _kept(self) -> tuple[Resolved, Lineage] | None:
        """What the manifest says that was kept beside the model, or in the cache; blobs come from the registry."""
        if self.pinned is None:
            return None
        for room in (*self.place.rooms, *(self._entry.rooms if self._entry else ())):
            kept = KeptRepository(room, parse_source(self.settings.source), self.pinned)
            with suppress(Fault):
                resolved = kept.resolve()
                lineage = lineage_of(kept, resolved, self.access)
                return resolved, replace(lineage, repositories={**lineage.repositories, "": self.repository})
        return None

    @cached_property
    def cache(self) -> Cache | None:
        """The cache that is asked for."""
        return cache_of(self.settings) if self.settings.cache else None

    @property
    def _entry(self) -> Destination | None:
        """The place of a pinned model in the cache."""
        return self.cache.entry(self.pinned, self.settings.choice) if self.cache and self.pinned else None

    @property
    def cached(self) -> Sequence[Path]:
        """The folder of the cache that may hold files of the model: another user's, whose receipts are not believed."""
        if self.cache is None:
            return ()
        return (self.cache.entry(self.resolved.digest, self.settings.choice).path,)

    def adopt(self, holder: Holder) -> Receipt | None:
        """Return a receipt for what stands at the held place, if all of it proves right."""
        return adopt_standing(holder, self.resolved, self.lineage)

    def share(self, holder: Holder) -> Receipt | None:
        """Fill the held place from the cache, bringing the model there first; None when it cannot serve."""
        cache = self.cache
        if cache is None:
            return None
        if not cache.serves(holder.place):
            self.voice.say(f"{cache.folder}: its file system knows no hard links; it is left aside")
            return None
        entry = cache.entry(self.resolved.digest, self.settings.choice)
        with held(self.settings, self.voice, entry) as keeper:
            found = keeper.standing(self.resolved.digest) or self._fill(cache, keeper)
            if found is None:
                return None
            cache.touch(entry)
            entry.share()
            return holder.adopt(entry.path, found)

    def _fill(self, cache: Cache, keeper: Holder) -> Receipt | None:
        """Bring the model into the cache; None when that has no room for it, or is another user's."""
        try:
            keeper.place.check_replaceable()
            keeper.place.workshop  # noqa: B018 - raises where nothing can be written
        except (Occupied, DiskFailed) as error:
            self.voice.say(f"{error}; the cache is left aside")
            return None
        found = adopt_standing(keeper, self.resolved, self.lineage)
        if found is not None:
            return found
        if not cache.make_room(self.lineage.size, keep=keeper.place.path):
            self.voice.say(f"{cache.folder}: models in use leave no room within its limit; it is left aside")
            return None
        return bring(keeper, self.resolved, self.lineage)
