"""A warm start: a pinned model that stands already, or that the cache gives. It speaks to no network.

Tests: tests/puller/cache/test_cache.py
"""

import os
from pathlib import Path

from puller.settings import Settings
from puller.store.destination import Destination
from puller.store.locked import current, destination_of, locked_destination, note_start, trust_of
from puller.store.receipt import Receipt
from puller.store.used import note_use
from registry.digest import Digest
from registry.progress.reporter import Reporter
from registry.source import parse_source

from .cache import Cache


def cache_of(settings: Settings) -> Cache:
    """Return the cache that is asked for."""
    folder = Path(os.path.abspath(settings.cache))  # noqa: PTH100 - resolve() would follow links
    return Cache(folder, trust_of(settings))


def warm_start(settings: Settings, reporter: Reporter) -> Receipt | None:
    """Return the receipt of a pinned model that stands already, or that the cache gives; None when it must be fetched.

    A model that stands whole, and that no other user can have written, needs no lock and no right to write.
    """
    digest = parse_source(settings.source).digest
    if digest is None:
        return None
    place = destination_of(settings)
    place.check()
    note_start(settings, place)
    found = current(settings, reporter, place, digest)
    if found is not None or not settings.cache:
        return found
    return _from_cache(settings, reporter, place, digest)


def _from_cache(settings: Settings, reporter: Reporter, place: Destination, digest: Digest) -> Receipt | None:
    cache = cache_of(settings)
    entry = cache.entry(digest, settings.selection)
    if entry.receipt() is None:
        return None
    with locked_destination(settings, reporter, place) as locked:
        if not cache.serves(place):
            return None
        with locked_destination(settings, reporter, entry) as locked_entry:
            found = locked_entry.current(digest)
            if found is None:
                return None
            note_use(entry.rooms)
            entry.share()
            return locked.publish_copy_of(entry.path, found)
