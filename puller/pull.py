"""The story of a pull.

1. Take the destination, and see whether the model already stands there.
2. Resolve the source to a manifest.
3. Bring the model there (bring.py), or into the cache that others share, and from there by links.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from registry.client import Access
from registry.digest import Digest
from registry.places import repository_at
from registry.repository import Repository, Resolved
from registry.source import parse_source
from registry.voice import Voice

from .bring import Bringer
from .cache import Cache
from .destination import Destination
from .journal import Follower, boot_id
from .lineage import Lineage, lineage_of
from .receipt import Receipt
from .settings import Settings


def pull(settings: Settings, access: Access, voice: Voice) -> Receipt:
    """Bring the model of `settings` to its destination, whole and verified, and give its receipt.

    Raises Fault; then the destination is as it was before, and what has come so far is kept beside it.
    """
    job = _Job(settings, access, voice, boot_id())
    # 1
    place = Destination(Path(os.path.abspath(settings.destination)))  # noqa: PTH100 - resolve() would follow links
    with job.taken(place) as bringer:
        standing = bringer.standing(job.pinned)
        if standing is None and job.pinned is None:
            # 2
            standing = bringer.standing(job.resolved.digest)
        if standing is not None:
            voice.say(f"{settings.destination} holds it already")
            return standing
        # 3
        if settings.cache:
            shared = job.share(Cache(Path(os.path.abspath(settings.cache)), settings.cache_bytes), bringer)  # noqa: PTH100 - as above
            if shared is not None:
                return shared
        return bringer.bring(job.resolved, job.lineage)


@dataclass(frozen=True)
class _Job:
    """What is known of a model, looked up when it is first wanted: a warm start asks no registry."""

    settings: Settings
    access: Access
    voice: Voice
    boot: str

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

    @contextmanager
    def taken(self, place: Destination) -> Iterator[Bringer]:
        """Have a place for oneself, or where no file system's lock can promise that, a workshop of one's own."""

        def waiting() -> AbstractContextManager[None]:
            self.voice.say(f"another pull works on {place.path}: waiting for it")
            return self.voice.watch(Follower(place.journal), place.path.name)

        with place.open(waiting):
            if not place.lock.is_held:
                self.voice.say(f"{place.path.parent}: its file system knows no locks, so nothing is shared with others")
            yield Bringer(self.settings, self.voice, self.boot, place)

    def share(self, cache: Cache, bringer: Bringer) -> Receipt | None:
        """Fill the bringer's place from the cache, bringing the model there first; None when it cannot serve."""
        if not cache.serves(bringer.place.path):
            self.voice.say(f"{cache.folder}: its file system knows no hard links; it is left aside")
            return None
        digest = self.pinned or self.resolved.digest
        entry = cache.entry(digest, self.settings.choice)
        with self.taken(entry) as filler:
            found = filler.standing(digest)
            if found is None:
                if not cache.make_room(self.lineage.size, keep=entry.path):
                    self.voice.say(f"{cache.folder}: models in use leave no room within its limit; it is left aside")
                    return None
                found = filler.bring(self.resolved, self.lineage)
            cache.touch(entry)
            entry.lock.share()
            return bringer.adopt(entry.path, found)
