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
from registry.open import open_repository
from registry.progress.reporter import Reporter
from registry.remote.client import Access
from registry.repository import Repository, Resolved
from registry.source import parse_source

from .adopt import adopt_standing
from .artifact.model_artifact import ModelArtifact, load_artifact
from .bring import bring
from .deadline import within
from .errors import DiskFailed, Occupied
from .settings import Settings
from .store.cache import Cache
from .store.destination import Destination
from .store.locked import LockedDestination, cache_of, destination_of, locked_destination, standing
from .store.receipt import Receipt
from .store.saved_manifest import KeptRepository


def pull(settings: Settings, access: Access, reporter: Reporter) -> Receipt:
    """Bring the model of `settings` to its destination, whole and verified; return its receipt.

    Raises Fault, DeadlinePassed among them; then the destination is as it was before, and what has come so far is kept
    beside it.
    """
    with within(settings.deadline_seconds):
        return _pull(settings, access, reporter)


def _pull(settings: Settings, access: Access, reporter: Reporter) -> Receipt:
    place = destination_of(settings)
    place.check()
    job = _Job(settings, access, reporter, place)
    # 1
    found = job.standing()
    if found is None:
        # 2
        with locked_destination(settings, reporter, place) as locked:
            found = job.standing() or job.look_up_standing()
            if found is None:
                # 3 to 5
                return job.adopt(locked) or job.share(locked) or bring(locked, job.resolved, job.artifact, job.cached)
    reporter.say(f"{settings.destination} holds it already, as published on {found.date}")
    return found


@dataclass(frozen=True)
class _Job:
    """What is known of a model, looked up when it is first wanted: who finds it standing asks no registry."""

    settings: Settings
    access: Access
    reporter: Reporter
    place: Destination

    def standing(self) -> Receipt | None:
        """Return the receipt of a pinned model that stands and is believed."""
        return standing(self.settings, self.reporter, self.place, self.pinned)

    def look_up_standing(self) -> Receipt | None:
        """Return the receipt of a model that stands, is believed, and is the one that a tag leads to."""
        if self.pinned is not None:
            return None
        return standing(self.settings, self.reporter, self.place, self.resolved.digest)

    @cached_property
    def pinned(self) -> Digest | None:
        """The digest that the source names, or None."""
        return parse_source(self.settings.source).digest

    @cached_property
    def repository(self) -> Repository:
        """Where the model is."""
        return open_repository(parse_source(self.settings.source), self.access)

    @property
    def resolved(self) -> Resolved:
        """The manifest that the source leads to."""
        return self._found[0]

    @property
    def artifact(self) -> ModelArtifact:
        """All parts of the model."""
        return self._found[1]

    @cached_property
    def _found(self) -> tuple[Resolved, ModelArtifact]:
        return self._kept or self._looked_up

    @cached_property
    def _looked_up(self) -> tuple[Resolved, ModelArtifact]:
        resolved = self.repository.resolve()
        return resolved, load_artifact(self.repository, resolved, self.access)

    @cached_property
    def _kept(self) -> tuple[Resolved, ModelArtifact] | None:
        """What the manifest says that was kept beside the model, or in the cache; blobs come from the registry."""
        if self.pinned is None:
            return None
        for room in (*self.place.rooms, *(self._entry.rooms if self._entry else ())):
            kept = KeptRepository(room, parse_source(self.settings.source), self.pinned)
            with suppress(Fault):
                resolved = kept.resolve()
                artifact = load_artifact(kept, resolved, self.access)
                return resolved, replace(artifact, repositories={**artifact.repositories, "": self.repository})
        return None

    @cached_property
    def cache(self) -> Cache | None:
        """The cache that is asked for."""
        return cache_of(self.settings) if self.settings.cache else None

    @property
    def _entry(self) -> Destination | None:
        """The place of a pinned model in the cache."""
        return self.cache.entry(self.pinned, self.settings.selection) if self.cache and self.pinned else None

    @property
    def cached(self) -> Sequence[Path]:
        """The folder of the cache that may hold files of the model: another user's, whose receipts are not believed."""
        if self.cache is None:
            return ()
        return (self.cache.entry(self.resolved.digest, self.settings.selection).path,)

    def adopt(self, locked: LockedDestination) -> Receipt | None:
        """Return a receipt for what stands at the held place, if all of it proves right."""
        return adopt_standing(locked, self.resolved, self.artifact)

    def share(self, locked: LockedDestination) -> Receipt | None:
        """Fill the held place from the cache, bringing the model there first; None when it cannot serve."""
        cache = self.cache
        if cache is None:
            return None
        if not cache.serves(locked.place):
            self.reporter.say(f"{cache.folder}: its file system knows no hard links; it is left aside")
            return None
        entry = cache.entry(self.resolved.digest, self.settings.selection)
        with locked_destination(self.settings, self.reporter, entry) as locked_entry:
            found = locked_entry.standing(self.resolved.digest) or self._fill(cache, locked_entry)
            if found is None:
                return None
            cache.touch(entry)
            entry.share()
            return locked.adopt(entry.path, found)

    def _fill(self, cache: Cache, locked_entry: LockedDestination) -> Receipt | None:
        """Bring the model into the cache; None when that has no room for it, or is another user's."""
        try:
            locked_entry.place.check_replaceable()
            locked_entry.place.workshop  # noqa: B018 - raises where nothing can be written
        except (Occupied, DiskFailed) as error:
            self.reporter.say(f"{error}; the cache is left aside")
            return None
        found = adopt_standing(locked_entry, self.resolved, self.artifact)
        if found is not None:
            return found
        if not cache.make_room(self.artifact.size, keep=locked_entry.place.path):
            self.reporter.say(f"{cache.folder}: models in use leave no room within its limit; it is left aside")
            return None
        return bring(locked_entry, self.resolved, self.artifact)
