"""A place that is held for one pull: what stands there, and how it takes over what stands elsewhere.

All that a warm start needs, and no more: nothing here speaks to a network, or knows what artifacts are made of.
"""

import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from registry.digest import Digest
from registry.source import parse_source
from registry.voice import Voice

from .cache import Cache, give
from .destination import Destination
from .flush import Flush
from .journal import Follower, boot_id
from .receipt import Receipt
from .settings import Settings


@dataclass(frozen=True, slots=True)
class Holder:
    """A place, held. `boot` is the id of the running kernel."""

    settings: Settings
    voice: Voice
    boot: str
    place: Destination

    def standing(self, digest: Digest | None) -> Receipt | None:
        """Give the receipt of what stands at the place if it is just what is wanted, else None.

        What is wanted is a digest, or what the source's own text says where that never moves: a commit of the hub.
        """
        receipt = self.place.receipt()
        if receipt is None or receipt.choice != self.settings.choice:
            return None
        if receipt.digest != str(digest) and receipt.pinned != str(parse_source(self.settings.source)):
            return None
        return receipt if self.place.holds(receipt, self.boot) else None

    def adopt(self, model: Path, receipt: Receipt) -> Receipt:
        """Publish here what stands elsewhere, whole and verified."""
        started = time.monotonic()
        if model.stat().st_dev != self.place.path.parent.stat().st_dev:
            self.place.reserve(receipt.size)
        give(model, self.place.incoming)
        Flush(is_synced=self.settings.sync, is_tight=False).tree(self.place.incoming)
        adopted = replace(
            receipt,
            source=self.settings.source,
            wire_bytes=0,
            seconds=round(time.monotonic() - started, 3),
            inode=self.place.incoming.stat().st_ino,
        )
        self.place.publish(adopted, is_synced=self.settings.sync)
        self.voice.say(f"{self.settings.destination}: taken from {model}")
        return adopted


@contextmanager
def held(settings: Settings, voice: Voice, place: Destination) -> Iterator[Holder]:
    """Have a place for oneself; where the file system knows no locks, a workshop of one's own."""

    def waiting() -> AbstractContextManager[None]:
        voice.say(f"another pull works on {place.path}: waiting for it")
        return voice.watch(Follower(place.journal), place.path.name)

    with place.open(waiting):
        if not place.lock.is_held:
            voice.say(f"{place.path.parent}: its file system knows no locks, so nothing is shared with others")
        yield Holder(settings, voice, boot_id(), place)


def destination_of(settings: Settings) -> Destination:
    """Give the place that is asked for."""
    return Destination(Path(os.path.abspath(settings.destination)))  # noqa: PTH100 - resolve() would follow links


def cache_of(settings: Settings) -> Cache:
    """Give the cache that is asked for."""
    return Cache(Path(os.path.abspath(settings.cache)), settings.cache_bytes)  # noqa: PTH100 - as above


def warm_start(settings: Settings, voice: Voice) -> Receipt | None:
    """Give the receipt of a pinned model that stands already, or that the cache gives; None when it must be fetched."""
    digest = parse_source(settings.source).digest
    if digest is None:
        return None
    with held(settings, voice, destination_of(settings)) as holder:
        found = holder.standing(digest)
        if found is not None or not settings.cache:
            return found
        return _from_cache(holder, cache_of(settings), digest)


def _from_cache(holder: Holder, cache: Cache, digest: Digest) -> Receipt | None:
    if not cache.serves(holder.place.path):
        return None
    entry = cache.entry(digest, holder.settings.choice)
    with held(holder.settings, holder.voice, entry) as keeper:
        found = keeper.standing(digest)
        if found is None:
            return None
        cache.touch(entry)
        entry.lock.share()
        return holder.adopt(entry.path, found)
