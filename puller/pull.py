"""The story of a pull.

1. Take the destination, and see whether the model already stands there.
2. Resolve the source to a manifest.
3. Bring the model there (bring.py), or into the cache that others share, and from there by links.
"""

from dataclasses import dataclass
from functools import cached_property

from registry.client import Access
from registry.digest import Digest
from registry.places import repository_at
from registry.repository import Repository, Resolved
from registry.source import parse_source
from registry.voice import Voice

from .bring import bring
from .cache import Cache
from .holder import Holder, cache_of, destination_of, held
from .lineage import Lineage, lineage_of
from .receipt import Receipt
from .settings import Settings


def pull(settings: Settings, access: Access, voice: Voice) -> Receipt:
    """Bring the model of `settings` to its destination, whole and verified, and give its receipt.

    Raises Fault; then the destination is as it was before, and what has come so far is kept beside it.
    """
    job = _Job(settings, access, voice)
    # 1
    with held(settings, voice, destination_of(settings)) as holder:
        standing = holder.standing(job.pinned)
        if standing is None and job.pinned is None:
            # 2
            standing = holder.standing(job.resolved.digest)
        if standing is not None:
            voice.say(f"{settings.destination} holds it already")
            return standing
        # 3
        if settings.cache:
            shared = job.share(cache_of(settings), holder)
            if shared is not None:
                return shared
        return bring(holder, job.resolved, job.lineage)


@dataclass(frozen=True)
class _Job:
    """What is known of a model, looked up when it is first wanted: who finds it standing asks no registry."""

    settings: Settings
    access: Access
    voice: Voice

    @cached_property
    def pinned(self) -> Digest | None:
        """The digest that the source names, or None."""
        return parse_source(self.settings.source).digest

    @cached_property
    def repository(self) -> Repository:
        """Where the model is."""
        return repository_at(parse_source(self.settings.source), self.access)

    @cached_property
    def resolved(self) -> Resolved:
        """The manifest that the source leads to."""
        return self.repository.resolve()

    @cached_property
    def lineage(self) -> Lineage:
        """All parts of the model."""
        return lineage_of(self.repository, self.resolved, self.access)

    def share(self, cache: Cache, holder: Holder) -> Receipt | None:
        """Fill the held place from the cache, bringing the model there first; None when it cannot serve."""
        if not cache.serves(holder.place.path):
            self.voice.say(f"{cache.folder}: its file system knows no hard links; it is left aside")
            return None
        digest = self.pinned or self.resolved.digest
        entry = cache.entry(digest, self.settings.choice)
        with held(self.settings, self.voice, entry) as keeper:
            found = keeper.standing(digest)
            if found is None:
                if not cache.make_room(self.lineage.size, keep=entry.path):
                    self.voice.say(f"{cache.folder}: models in use leave no room within its limit; it is left aside")
                    return None
                found = bring(keeper, self.resolved, self.lineage)
            cache.touch(entry)
            entry.lock.share()
            return holder.adopt(entry.path, found)
