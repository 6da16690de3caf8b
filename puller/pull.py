"""The story of a pull.

1. Take the destination, and see whether the model already stands there.
2. Resolve the source to a manifest, and the manifest to files.
3. Keep what an earlier pull left behind and is still right.
4. Reserve room for the rest.
5. Fetch the rest in pieces, each verified as it lands and noted in a journal.
6. Publish everything by one rename, with a receipt.
"""

import os
import time
from collections.abc import Sequence
from pathlib import Path

from registry.client import Access
from registry.digest import Digest
from registry.errors import Mismatch
from registry.meter import Meter, human
from registry.places import repository_at
from registry.repository import Repository, Resolved
from registry.source import parse_source
from registry.voice import Voice

from .assembly import Assembly
from .destination import Destination
from .errors import disk_errors
from .fetch import fetch
from .flush import Flush, is_tight
from .journal import Journal, boot_id
from .plan import Blob, File, Piece, blobs_of, list_files, select
from .receipt import FileRecord, Receipt
from .resume import link, what_is_missing
from .settings import Settings


def pull(settings: Settings, access: Access, voice: Voice) -> Receipt:
    """Bring the model of `settings` to its destination, whole and verified, and give its receipt.

    Raises Fault; then the destination is as it was before, and what has come so far is kept beside it.
    """
    started = time.monotonic()
    source = parse_source(settings.source)
    repository = repository_at(source, access)
    # 1
    destination = Destination(Path(os.path.abspath(settings.destination)))  # noqa: PTH100 - resolve() would follow links
    with destination.open(lambda: voice.say(f"another pull works on {settings.destination}: waiting for it")):
        standing = _standing(destination, settings, source.digest)
        if standing is None:
            # 2
            resolved = repository.resolve()
            standing = _standing(destination, settings, resolved.digest)
        if standing is not None:
            voice.say(f"{settings.destination} holds it already")
            return standing
        return _bring(settings, destination, repository, resolved, voice, started)


def _bring(  # noqa: PLR0913, PLR0917 - the second half of the story, which goes on with all that the first half knows
    settings: Settings,
    destination: Destination,
    repository: Repository,
    resolved: Resolved,
    voice: Voice,
    started: float,
) -> Receipt:
    files = select(list_files(resolved.manifest), settings.include, settings.exclude)
    blobs = blobs_of(files, settings.piece_bytes)
    boot = boot_id()
    journal = Journal(destination.journal, resolved.digest, boot)
    # 3
    destination.prepare(files)
    landed = journal.read()
    missing = what_is_missing(destination, blobs, landed)
    # 4
    meter = Meter(sum(assembly.missing_bytes for assembly in missing))
    destination.reserve(meter.total)
    for assembly in missing:
        assembly.reserve()
    # 5
    flush = Flush(is_synced=settings.sync, is_tight=is_tight(meter.total))
    voice.say(f"{settings.source}: {len(missing)} blobs to fetch, {human(meter.total)}")
    _fetch(repository, missing, settings, meter, voice, _Shore(journal.open(landed), flush))
    # 6
    _link_copies(destination.incoming, blobs)
    flush.folders(destination.incoming)
    receipt = Receipt(
        source=settings.source,
        pinned=repository.pinned(resolved.digest),
        digest=str(resolved.digest),
        include=settings.include,
        exclude=settings.exclude,
        files=_records(destination.incoming, files),
        wire_bytes=meter.wire,
        seconds=round(time.monotonic() - started, 3),
        inode=destination.incoming.stat().st_ino,
        boot="" if settings.sync else boot,
    )
    destination.publish(receipt, is_synced=settings.sync)
    voice.finish(meter, time.monotonic() - started)
    return receipt


class _Shore:
    """Notes in the journal what has come, once it is on its way to the disk."""

    def __init__(self, journal: Journal, flush: Flush) -> None:
        self.journal, self._flush = journal, flush

    def landed(self, blob: Blob, piece: Piece, handle: int) -> None:
        self.journal.record(blob, piece)
        self._flush.landed(piece, handle)

    def complete(self, handle: int) -> None:
        self._flush.complete(handle)


def _fetch(  # noqa: PLR0913, PLR0917 - see _bring
    repository: Repository,
    missing: Sequence[Assembly],
    settings: Settings,
    meter: Meter,
    voice: Voice,
    shore: _Shore,
) -> None:
    with shore.journal, voice.watch(meter, Path(settings.destination).name):
        try:
            fetch(repository, missing, connections=settings.connections, meter=meter, shore=shore)
        except Mismatch:
            shore.journal.discard()  # it may speak of bytes that proved wrong in the end
            raise


def _standing(destination: Destination, settings: Settings, digest: Digest | None) -> Receipt | None:
    """Give the receipt of what stands at the destination if it is just what is wanted, else None."""
    receipt = destination.receipt()
    if receipt is None or digest is None or receipt.digest != str(digest):
        return None
    if (receipt.include, receipt.exclude) != (settings.include, settings.exclude):
        return None
    return receipt if destination.holds(receipt, boot_id()) else None


def _link_copies(root: Path, blobs: Sequence[Blob]) -> None:
    """Give the further files of a blob their bytes."""
    for blob in blobs:
        first = root / blob.files[0].path
        for file in blob.files[1:]:
            link(first, root / file.path)


def _records(root: Path, files: Sequence[File]) -> tuple[FileRecord, ...]:
    with disk_errors():
        return tuple(
            FileRecord(file.path, str(file.layer.digest), file.layer.size, (root / file.path).stat().st_mtime_ns)
            for file in files
        )
