"""The story of a pull.

1. Take the destination, and see whether the model already stands there.
2. Resolve the source to a manifest, and the manifest to files and packed layers.
3. Keep what an earlier pull left behind and is still right.
4. Reserve room for the rest.
5. Fetch the rest in pieces, each verified as it lands and noted in a journal; unpack what is packed, onto a stage.
6. Settle what was unpacked among the files, and publish everything by one rename, with a receipt.
"""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from registry.client import Access
from registry.digest import Digest
from registry.errors import Mismatch
from registry.manifest import Descriptor
from registry.meter import Meter, human
from registry.places import repository_at
from registry.repository import Resolved
from registry.source import parse_source
from registry.voice import Voice

from .cargo import Cargo
from .destination import Destination
from .fetch import fetch
from .flush import Flush, is_tight
from .formats.part import Form
from .journal import Journal, boot_id
from .lineage import Lineage, lineage_of
from .plan import Piece, blobs_of, packed, select
from .receipt import Receipt
from .resume import link_copies, what_is_missing, what_is_packed
from .settings import Settings
from .settle import records, settle, staged_members, tree_of


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
        lineage = lineage_of(repository, resolved, access)
        # 3 to 5
        meter = job.fetch(lineage, resolved.digest)
        # 6
        seconds = time.monotonic() - started
        receipt = job.publish(repository.pinned(resolved.digest), resolved, lineage.form, meter.wire, seconds)
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
        if receipt.choice != self.settings.choice:
            return None
        return receipt if self.destination.holds(receipt, self.boot) else None

    def fetch(self, lineage: Lineage, digest: Digest) -> Meter:
        """Have every blob of the model complete and verified: files in the incoming folder, the rest on the stage."""
        parts = select(lineage.form.parts, self.settings.include, self.settings.exclude)
        blobs = blobs_of(parts, self.settings.piece_bytes)
        journal = Journal(self.destination.journal, digest, self.boot)
        # 3
        self.destination.prepare(part.path for blob in blobs for part in blob.files)
        landed = journal.read()
        flush = Flush(is_synced=self.settings.sync, is_tight=is_tight(sum(part.layer.size for part in parts)))
        packs = what_is_packed(self.destination.stage, packed(parts), lineage.form, self.settings, landed, flush)
        missing: list[Cargo] = [*packs, *what_is_missing(self.destination, blobs, landed)]
        # 4
        meter = Meter(sum(cargo.missing_bytes for cargo in missing))
        self.destination.reserve(meter.total)
        for cargo in missing:
            cargo.reserve()
        # 5
        self.voice.say(f"{self.settings.source}: {len(missing)} blobs to fetch, {human(meter.total)}")
        with journal.open(landed), self.voice.watch(meter, self.destination.path.name):
            self._fetch(lineage, missing, meter, _Shore(journal, flush))
        link_copies(self.destination.incoming, blobs)
        return meter

    def _fetch(self, lineage: Lineage, missing: Sequence[Cargo], meter: Meter, shore: "_Shore") -> None:
        try:
            for reference, repository in lineage.repositories.items():
                cargoes = [cargo for cargo in missing if cargo.reference == reference]
                fetch(repository, cargoes, connections=self.settings.connections, meter=meter, shore=shore)
        except Mismatch:
            shore.journal.discard()  # it may speak of bytes that proved wrong in the end
            raise

    def publish(self, pinned: str, resolved: Resolved, form: Form, wire_bytes: int, seconds: float) -> Receipt:
        """Settle what was unpacked, and give the complete model its final place."""
        incoming = self.destination.incoming
        chosen = select(form.parts, self.settings.include, self.settings.exclude)
        members = staged_members(self.destination.stage, packed(chosen))
        tree = tree_of(form, chosen, members, self.settings.image_path)
        settled = settle(tree, incoming, self.settings.include, self.settings.exclude)
        Flush(is_synced=self.settings.sync, is_tight=False).tree(incoming)
        receipt = Receipt(
            source=self.settings.source,
            pinned=pinned,
            digest=str(resolved.digest),
            choice=self.settings.choice,
            files=records(incoming, settled, form),
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

    def landed(self, layer: Descriptor, piece: Piece, span: tuple[int, int], handle: int) -> None:
        self.journal.record(layer, piece.start, piece.stop)
        self.flush.landed(*span, handle)

    def complete(self, handle: int) -> None:
        self.flush.complete(handle)

    def staged(self, layer: Descriptor) -> None:
        self.journal.record(layer, 0, layer.size)
