"""One model into one place.

1. Keep what an earlier pull left behind and is still right.
2. Reserve room for the rest.
3. Fetch the rest in pieces, each verified as it lands and noted in a journal; unpack what is packed, onto a stage.
4. Settle what was unpacked among the files, and publish everything by one rename, with a receipt.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from registry.digest import Digest
from registry.errors import Mismatch
from registry.manifest import Descriptor
from registry.meter import Meter, human
from registry.repository import Resolved
from registry.voice import Voice

from .cargo import Cargo
from .courier import deliver
from .destination import Destination
from .fetch import fetch
from .flush import Flush, is_tight
from .holder import Holder
from .journal import Journal
from .lineage import Lineage
from .plan import Piece, blobs_of, check_size, packed, select
from .receipt import Receipt
from .resume import link_copies, what_is_missing, what_is_packed
from .settings import Settings
from .settle import records, settle, staged_members, tree_of
from .tree import Tree


def bring(holder: Holder, resolved: Resolved, lineage: Lineage) -> Receipt:
    """Fetch what is missing of a model at the place that is held, and publish it there. Raises Fault."""
    return _Bringer(holder.settings, holder.voice, holder.boot, holder.place).bring(resolved, lineage)


@dataclass(frozen=True, slots=True)
class _Bringer:
    settings: Settings
    voice: Voice
    boot: str
    place: Destination

    def bring(self, resolved: Resolved, lineage: Lineage) -> Receipt:
        started = time.monotonic()
        # 1 to 3
        meter = self._fetch_missing(lineage, resolved.digest)
        # 4
        settled = self._settle(lineage)
        seconds = time.monotonic() - started
        receipt = Receipt(
            source=self.settings.source,
            pinned=lineage.pinned(resolved.digest),
            digest=str(resolved.digest),
            choice=self.settings.choice,
            files=records(self.place.incoming, settled, lineage.form),
            wire_bytes=meter.wire,
            seconds=round(seconds, 3),
            inode=self.place.incoming.stat().st_ino,
            boot="" if self.settings.sync else self.boot,
        )
        self.place.publish(receipt, is_synced=self.settings.sync)
        self.voice.finish(meter, seconds)
        return receipt

    def _fetch_missing(self, lineage: Lineage, digest: Digest) -> Meter:
        """Have every blob of the model complete and verified: files in the incoming folder, the rest on the stage."""
        settings, place = self.settings, self.place
        parts = select(lineage.form.parts, settings.include, settings.exclude)
        check_size(parts)
        blobs = blobs_of(parts, settings.piece_bytes)
        journal = Journal(place.journal, digest, self.boot)
        # 1
        place.prepare(part.path for blob in blobs for part in blob.files)
        landed = journal.read()
        flush = Flush(is_synced=settings.sync, is_tight=is_tight(lineage.size))
        packs = what_is_packed(place.stage, packed(parts), lineage.form, settings, landed, flush)
        files = what_is_missing(place, blobs, landed)
        if settings.xet:
            deliver(lineage.repositories[""], files, place, self.voice)
            files = what_is_missing(place, blobs, landed)
        missing: list[Cargo] = [*packs, *files]
        # 2
        meter = Meter(sum(cargo.missing_bytes for cargo in missing))
        place.reserve(meter.total)
        for cargo in missing:
            cargo.reserve()
        # 3
        self.voice.say(f"{settings.source}: {len(missing)} blobs to fetch, {human(meter.total)}")
        with journal.open(landed, lineage.size), self.voice.watch(meter, place.path.name):
            self._fetch(lineage, missing, meter, _Shore(journal, flush))
        link_copies(place.incoming, blobs)
        return meter

    def _fetch(self, lineage: Lineage, missing: Sequence[Cargo], meter: Meter, shore: "_Shore") -> None:
        try:
            for reference, repository in lineage.repositories.items():
                cargoes = [cargo for cargo in missing if cargo.reference == reference]
                fetch(repository, cargoes, connections=self.settings.connections, meter=meter, shore=shore)
        except Mismatch:
            shore.journal.discard()  # it may speak of bytes that proved wrong in the end
            raise

    def _settle(self, lineage: Lineage) -> Tree:
        """Give every file its place in the incoming folder."""
        settings, incoming = self.settings, self.place.incoming
        chosen = select(lineage.form.parts, settings.include, settings.exclude)
        members = staged_members(self.place.stage, packed(chosen), settings)
        tree = tree_of(lineage.form, chosen, members, settings)
        settle(tree, incoming)
        Flush(is_synced=settings.sync, is_tight=False).tree(incoming)
        return tree


@dataclass(frozen=True, slots=True)
class _Shore:
    """Notes in the journal what has come, once it is on its way to the disk."""

    journal: Journal
    flush: Flush

    def landed(self, layer: Descriptor, piece: Piece, span: tuple[int, int], handle: int) -> None:
        self.journal.record(layer.digest, piece.start, piece.stop)
        self.flush.landed(*span, handle)

    def complete(self, handle: int) -> None:
        self.flush.complete(handle)

    def staged(self, layer: Descriptor) -> None:
        self.journal.record(layer.digest, 0, layer.size)
