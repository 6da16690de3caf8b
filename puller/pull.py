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
from dataclasses import dataclass
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
        job = _Job(settings, destination, voice, boot_id())
        standing = job.standing(source.digest)
        if standing is None:
            # 2
            resolved = repository.resolve()
            standing = job.standing(resolved.digest)
        if standing is not None:
            voice.say(f"{settings.destination} holds it already")
            return standing
        files = select(list_files(resolved.manifest), settings.include, settings.exclude)
        blobs = blobs_of(files, settings.piece_bytes)
        # 3 to 5
        meter = job.fetch(repository, resolved, files, blobs)
        # 6
        seconds = time.monotonic() - started
        receipt = job.publish(repository.pinned(resolved.digest), resolved, files, meter.wire, seconds)
        voice.finish(meter, seconds)
    return receipt


@dataclass(frozen=True, slots=True)
class _Job:
    """What every step of one pull needs."""

    settings: Settings
    destination: Destination
    voice: Voice
    boot: str

    def standing(self, digest: Digest | None) -> Receipt | None:
        """Give the receipt of what stands at the destination if it is just what is wanted, else None."""
        receipt = self.destination.receipt()
        if receipt is None or digest is None or receipt.digest != str(digest):
            return None
        if (receipt.include, receipt.exclude) != (self.settings.include, self.settings.exclude):
            return None
        return receipt if self.destination.holds(receipt, self.boot) else None

    def fetch(self, repository: Repository, resolved: Resolved, files: Sequence[File], blobs: Sequence[Blob]) -> Meter:
        """Have every blob of the model complete and verified in the incoming folder."""
        journal = Journal(self.destination.journal, resolved.digest, self.boot)
        # 3
        self.destination.prepare(files)
        landed = journal.read()
        missing = what_is_missing(self.destination, blobs, landed)
        # 4
        meter = Meter(sum(assembly.missing_bytes for assembly in missing))
        self.destination.reserve(meter.total)
        for assembly in missing:
            assembly.reserve()
        # 5
        self.voice.say(f"{self.settings.source}: {len(missing)} blobs to fetch, {human(meter.total)}")
        flush = Flush(is_synced=self.settings.sync, is_tight=is_tight(meter.total))
        with journal.open(landed), self.voice.watch(meter, self.destination.path.name):
            self._fetch(repository, missing, meter, _Shore(journal, flush))
        _link_copies(self.destination.incoming, blobs)
        flush.tree(self.destination.incoming)
        return meter

    def _fetch(self, repository: Repository, missing: Sequence[Assembly], meter: Meter, shore: "_Shore") -> None:
        try:
            fetch(repository, missing, connections=self.settings.connections, meter=meter, shore=shore)
        except Mismatch:
            shore.journal.discard()  # it may speak of bytes that proved wrong in the end
            raise

    def publish(
        self,
        pinned: str,
        resolved: Resolved,
        files: Sequence[File],
        wire_bytes: int,
        seconds: float,
    ) -> Receipt:
        """Give the complete model its final place."""
        incoming = self.destination.incoming
        receipt = Receipt(
            source=self.settings.source,
            pinned=pinned,
            digest=str(resolved.digest),
            include=self.settings.include,
            exclude=self.settings.exclude,
            files=_records(incoming, files),
            wire_bytes=wire_bytes,
            seconds=round(seconds, 3),
            inode=incoming.stat().st_ino,
            boot="" if self.settings.sync else self.boot,
        )
        self.destination.publish(receipt, is_synced=self.settings.sync)
        return receipt


@dataclass(frozen=True, slots=True)
class _Shore:
    """Notes in the journal what has come, once it is on its way to the disk."""

    journal: Journal
    flush: Flush

    def landed(self, blob: Blob, piece: Piece, handle: int) -> None:
        self.journal.record(blob, piece)
        self.flush.landed(piece, handle)

    def complete(self, handle: int) -> None:
        self.flush.complete(handle)


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
