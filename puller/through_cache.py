"""A pull through the cache that other pulls share: the model is brought there once, and given away by hard links.

Tests: tests/puller/cache/test_cache.py
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from registry.access.access import Access
from registry.errors import Fault
from registry.repository import Repository
from registry.source import Source

from .adopt import adopt_current
from .artifact.model_artifact import ModelArtifact, load_artifact
from .cache.cache import Cache
from .cache.eviction import Eviction
from .cache.warm import cache_of
from .errors import DiskFailed, NoRoom, Occupied
from .plan import select
from .store.locked import LockedDestination, locked_destination
from .store.receipt import Receipt
from .store.saved_manifest import KeptRepository
from .store.used import note_use
from .update import update


def saved_artifact(
    locked: LockedDestination, source: Source, repository: Repository, access: Access
) -> ModelArtifact | None:
    """Return a pinned source's artifact from a manifest saved beside the model or in the cache; None without one.

    Its blobs come from `repository`.
    """
    if source.digest is None:
        return None
    for room in _rooms(locked, source):
        saved = KeptRepository(room, source, source.digest)
        with suppress(Fault):
            artifact = load_artifact(saved, saved.resolve(), access)
            return replace(artifact, repositories={**artifact.repositories, "": repository})
    return None


def pull_through_cache(locked: LockedDestination, artifact: ModelArtifact) -> Receipt | None:
    """Bring a model into the cache, and from there to the locked destination; None where no cache can serve.

    Where the cache has no room, or belongs to another user, its files still serve an update of the destination.
    """
    settings, reporter = locked.settings, locked.reporter
    if not settings.cache:
        return None
    cache = cache_of(settings)
    entry = cache.entry(artifact.digest, settings.selection)
    if not cache.serves(locked.place):
        reporter.message(f"{cache.folder}: its file system knows no hard links; it is left aside")
        return update(locked, artifact, (entry.path,))
    with locked_destination(settings, reporter, entry) as locked_entry:
        held = locked_entry.current(artifact.digest)
        found = held or _fill(cache, locked_entry, artifact, locked.place.path)
        if found is not None:
            note_use(entry.rooms)
            entry.share()
            signed = replace(found, signers=artifact.signers, signature_mark=artifact.signature_mark)
            return locked.publish_copy_of(entry.path, signed, is_new=held is None)
    return update(locked, artifact, (entry.path,))


def _rooms(locked: LockedDestination, source: Source) -> Iterator[Path]:
    """Return the folders that may have a manifest saved."""
    yield from locked.place.rooms
    if locked.settings.cache and source.digest is not None:
        yield from cache_of(locked.settings).entry(source.digest, locked.settings.selection).rooms


def _fill(cache: Cache, locked_entry: LockedDestination, artifact: ModelArtifact, target: Path) -> Receipt | None:
    """Bring the model into the cache, on its way to `target`; None where that has no room, or is another user's."""
    entry, settings, reporter = locked_entry.place, locked_entry.settings, locked_entry.reporter
    try:
        entry.check_replaceable()
        entry.check_writable()
        found = adopt_current(locked_entry, artifact)
    except (Occupied, DiskFailed) as error:
        reporter.message(f"{error}; the cache is left aside")
        return None
    if found is not None:
        return found
    cache.trust = entry.trust  # which knows by now what owners the volume gives
    cache.remove_unfinished(keep=entry.path)
    parts = select(artifact.form.parts, settings.include, settings.exclude)
    sizes = {part.layer.digest: part.layer.size if part.size is None else part.size for part in parts}
    eviction = Eviction(
        cache.folder, cache.trust, settings.cache_bytes, settings.cache_keep_days, tell=reporter.message
    )
    why_not = eviction.make_room(sum(sizes.values()), keep=entry.path)
    if why_not:
        reporter.message(f"{cache.folder}: {why_not}; it is left aside")
        return None
    try:
        return update(locked_entry, artifact)
    except NoRoom as error:
        if entry.path.parent.stat().st_dev == target.parent.stat().st_dev:
            raise  # it is the destination's volume, too
        reporter.message(f"{error}; the cache is left aside")
        return None
