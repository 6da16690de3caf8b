"""One model into one place.

1. Find what is at hand: what an earlier pull left behind, what stands, what a cache has.
2. Reserve room for the rest.
3. Fetch the rest in pieces, each verified as it lands and noted in a journal; unpack what is packed, onto a stage.
4. Put the model together from all of these, and publish it in one step, with a receipt.
"""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from registry.digest import Digest
from registry.errors import Mismatch
from registry.manifest import Descriptor
from registry.progress.reporter import Voice
from registry.progress.stats import Meter, human
from registry.repository import Resolved

from .artifact.model_artifact import Lineage
from .plan import Blob, Piece, blobs_of, packed, select
from .settings import Settings
from .store.destination import Destination
from .store.journal import Journal, Landed
from .store.locked import Holder
from .store.receipt import Receipt
from .store.saved_manifest import keep
from .store.writeback import Flush, is_tight
from .transfer.blob import Cargo
from .transfer.download import fetch
from .transfer.whole_file import deliver
from .tree.materialize import records, settle, staged_members, tree_of
from .tree.tree import Tree
from .verify import Verifier
from .work import AtHand, Search, Shelf, what_is_packed


def bring(holder: Holder, resolved: Resolved, lineage: Lineage, cached: Sequence[Path] = ()) -> Receipt:
    """Fetch what is missing of a model at the place that is held, and publish it there; return its receipt.

    `cached` are folders that may hold files of it. Raises Fault.
    """
    holder.place.check_replaceable()
    return _Bringer(holder.settings, holder.voice, holder.boot, holder.place, tuple(cached)).bring(resolved, lineage)


@dataclass(frozen=True, slots=True)
class _Bringer:
    settings: Settings
    voice: Voice
    boot: str
    place: Destination
    cached: tuple[Path, ...]

    def bring(self, resolved: Resolved, lineage: Lineage) -> Receipt:
        started = time.monotonic()
        flush = Flush(is_synced=self.settings.sync, is_tight=is_tight(lineage.size))
        # 1 to 3
        meter, places = self._fetch_missing(lineage, resolved.digest, flush)
        # 4
        model = self.place.workshop.model
        tree = self._settle(lineage, places, flush)
        files, links = records(model, tree, lineage.form)
        seconds = time.monotonic() - started
        receipt = Receipt(
            source=self.settings.source,
            pinned=lineage.pinned(resolved.digest),
            digest=str(resolved.digest),
            choice=self.settings.choice,
            files=files,
            links=links,
            wire_bytes=meter.wire,
            seconds=round(seconds, 3),
            published=int(time.time()),
            inode=model.stat().st_ino,
            boot="" if self.settings.sync and not flush.cannot_sync else self.boot,
        )
        keep(self.place.rooms[0], lineage.documents)
        self.place.publish(receipt, is_synced=self.settings.sync)
        if flush.cannot_sync:
            self.voice.say(
                f"{self.place.path}: its file system cannot sync; after a power cut the model is hashed anew"
            )
        self.voice.finish(meter, seconds)
        return receipt

    def _fetch_missing(self, lineage: Lineage, digest: Digest, flush: Flush) -> tuple[Meter, dict[Digest, Path]]:
        """Have every blob of the model complete and verified; return where those are that become files as they are."""
        settings, place, workshop = self.settings, self.place, self.place.workshop
        parts = select(lineage.form.parts, settings.include, settings.exclude)
        blobs = blobs_of(parts, settings.piece_bytes)
        journal = Journal(workshop.journal, digest, self.boot)
        # 1
        landed = journal.read(place.trust, {part.layer.digest.hex for part in parts})
        packs = what_is_packed(workshop.stage, packed(parts), lineage.form, settings, landed, flush)
        at_hand = self._search(blobs, landed)
        if settings.xet and deliver(lineage.repositories[""], at_hand.missing, place, self.voice):
            at_hand = self._search(blobs, landed)
        missing: list[Cargo] = [*packs, *at_hand.missing]
        # 2
        meter = Meter(sum(cargo.missing_bytes for cargo in missing))
        place.reserve(meter.total)
        for cargo in missing:
            cargo.reserve()
        # 3
        self.voice.say(f"{settings.source}: {len(missing)} blobs to fetch, {human(meter.total)}")
        with journal.open(landed, lineage.size), self.voice.watch(meter, place.path.name):
            self._fetch(lineage, missing, meter, _Shore(journal, flush))
        return meter, at_hand.places | {assembly.layer.digest: assembly.path for assembly in at_hand.missing}

    def _search(self, blobs: Sequence[Blob], landed: Landed) -> AtHand:
        receipt = None if self.settings.rehash else self.place.receipt()
        if receipt is not None and receipt.boot not in ("", self.boot):
            receipt = None
        shelves = [Shelf.of(self.place.path, receipt, self.place.trust), *map(Shelf, self.cached)]
        verifier = Verifier(self.voice, self.place.path.name)
        return Search(self.place.workshop, shelves, self.place.trust, verifier).run(blobs, landed)

    def _fetch(self, lineage: Lineage, missing: Sequence[Cargo], meter: Meter, shore: "_Shore") -> None:
        try:
            for reference, repository in lineage.repositories.items():
                cargoes = [cargo for cargo in missing if cargo.reference == reference]
                fetch(repository, cargoes, connections=self.settings.connections, meter=meter, shore=shore)
        except Mismatch:
            shore.journal.discard()  # it may speak of bytes that proved wrong in the end
            raise

    def _settle(self, lineage: Lineage, places: dict[Digest, Path], flush: Flush) -> Tree:
        """Put the model together in the workshop."""
        settings, workshop = self.settings, self.place.workshop
        chosen = select(lineage.form.parts, settings.include, settings.exclude)
        members = staged_members(workshop.stage, packed(chosen), settings)
        tree = tree_of(lineage.form, chosen, places, members, settings)
        settle(tree, workshop.model, workshop.folder, self.place.trust)
        flush.tree(workshop.model)
        return tree


@dataclass(frozen=True, slots=True)
class _Shore:
    """Notes in the journal what has come, once it is on its way to the disk."""

    journal: Journal
    flush: Flush

    def landed(self, layer: Descriptor, piece: Piece, span: tuple[int, int], handle: int) -> None:
        self.journal.record(layer.digest, piece.start, piece.stop, os.fstat(handle).st_ino)
        self.flush.landed(*span, handle)

    def complete(self, handle: int) -> None:
        self.flush.complete(handle)

    def staged(self, layer: Descriptor) -> None:
        self.journal.record(layer.digest, 0, layer.size, 0)
