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
from registry.progress.reporter import Reporter
from registry.progress.stats import TransferStats, human
from registry.repository import Resolved

from .artifact.model_artifact import ModelArtifact
from .plan import Blob, Piece, blobs_of, packed, select
from .settings import Settings
from .store.destination import Destination
from .store.journal import Journal, JournaledPieces
from .store.locked import LockedDestination
from .store.receipt import Receipt
from .store.saved_manifest import keep
from .store.writeback import Writeback, is_low_memory
from .transfer.blob import BlobWriter
from .transfer.download import fetch
from .transfer.whole_file import download_file
from .tree.materialize import materialize, records, staged_members, tree_of
from .tree.tree import Tree
from .verify import Verifier
from .work import AtHand, Search, Shelf, unfinished_archives


def bring(
    locked: LockedDestination, resolved: Resolved, artifact: ModelArtifact, cached: Sequence[Path] = ()
) -> Receipt:
    """Fetch what is missing of a model at the place that is held, and publish it there; return its receipt.

    `cached` are folders that may hold files of it. Raises Fault.
    """
    locked.place.check_replaceable()
    return _Bringer(locked.settings, locked.reporter, locked.boot, locked.place, tuple(cached)).bring(
        resolved, artifact
    )


@dataclass(frozen=True, slots=True)
class _Bringer:
    settings: Settings
    reporter: Reporter
    boot: str
    place: Destination
    cached: tuple[Path, ...]

    def bring(self, resolved: Resolved, artifact: ModelArtifact) -> Receipt:
        started = time.monotonic()
        flush = Writeback(is_synced=self.settings.sync, is_low_memory=is_low_memory(artifact.size))
        # 1 to 3
        stats, places = self._fetch_missing(artifact, resolved.digest, flush)
        # 4
        model = self.place.workshop.model
        tree = self._settle(artifact, places, flush)
        files, links = records(model, tree, artifact.form)
        seconds = time.monotonic() - started
        receipt = Receipt(
            source=self.settings.source,
            pinned=artifact.pinned(resolved.digest),
            digest=str(resolved.digest),
            selection=self.settings.selection,
            files=files,
            links=links,
            wire_bytes=stats.wire,
            seconds=round(seconds, 3),
            published=int(time.time()),
            inode=model.stat().st_ino,
            boot="" if self.settings.sync and not flush.cannot_sync else self.boot,
        )
        keep(self.place.rooms[0], artifact.documents)
        self.place.publish(receipt, is_synced=self.settings.sync)
        if flush.cannot_sync:
            self.reporter.say(
                f"{self.place.path}: its file system cannot sync; after a power cut the model is hashed anew"
            )
        self.reporter.finish(stats, seconds)
        return receipt

    def _fetch_missing(
        self, artifact: ModelArtifact, digest: Digest, flush: Writeback
    ) -> tuple[TransferStats, dict[Digest, Path]]:
        """Have every blob of the model complete and verified; return where those are that become files as they are."""
        settings, place, workshop = self.settings, self.place, self.place.workshop
        parts = select(artifact.form.parts, settings.include, settings.exclude)
        blobs = blobs_of(parts, settings.piece_bytes)
        journal = Journal(workshop.journal, digest, self.boot)
        # 1
        landed = journal.read(place.trust, {part.layer.digest.hex for part in parts})
        packs = unfinished_archives(workshop.stage, packed(parts), artifact.form, settings, landed, flush)
        at_hand = self._search(blobs, landed)
        if settings.xet and download_file(artifact.repositories[""], at_hand.missing, place, self.reporter):
            at_hand = self._search(blobs, landed)
        missing: list[BlobWriter] = [*packs, *at_hand.missing]
        # 2
        stats = TransferStats(sum(writer.missing_bytes for writer in missing))
        place.reserve(stats.total)
        for writer in missing:
            writer.reserve()
        # 3
        self.reporter.say(f"{settings.source}: {len(missing)} blobs to fetch, {human(stats.total)}")
        with journal.open(landed, artifact.size), self.reporter.watch(stats, place.path.name):
            self._fetch(artifact, missing, stats, _PieceRecorder(journal, flush))
        return stats, at_hand.places | {file_writer.layer.digest: file_writer.path for file_writer in at_hand.missing}

    def _search(self, blobs: Sequence[Blob], landed: JournaledPieces) -> AtHand:
        receipt = None if self.settings.rehash else self.place.receipt()
        if receipt is not None and receipt.boot not in ("", self.boot):
            receipt = None
        shelves = [Shelf.of(self.place.path, receipt, self.place.trust), *map(Shelf, self.cached)]
        verifier = Verifier(self.reporter, self.place.path.name)
        return Search(self.place.workshop, shelves, self.place.trust, verifier).run(blobs, landed)

    def _fetch(
        self, artifact: ModelArtifact, missing: Sequence[BlobWriter], stats: TransferStats, listener: "_PieceRecorder"
    ) -> None:
        try:
            for reference, repository in artifact.repositories.items():
                writers = [writer for writer in missing if writer.reference == reference]
                fetch(repository, writers, connections=self.settings.connections, stats=stats, listener=listener)
        except Mismatch:
            listener.journal.discard()  # it may speak of bytes that proved wrong in the end
            raise

    def _settle(self, artifact: ModelArtifact, places: dict[Digest, Path], flush: Writeback) -> Tree:
        """Put the model together in the workshop."""
        settings, workshop = self.settings, self.place.workshop
        chosen = select(artifact.form.parts, settings.include, settings.exclude)
        members = staged_members(workshop.stage, packed(chosen), settings)
        tree = tree_of(artifact.form, chosen, places, members, settings)
        materialize(tree, workshop.model, workshop.folder, self.place.trust)
        flush.tree(workshop.model)
        return tree


@dataclass(frozen=True, slots=True)
class _PieceRecorder:
    """Notes in the journal what has come, once it is on its way to the disk."""

    journal: Journal
    flush: Writeback

    def landed(self, layer: Descriptor, piece: Piece, span: tuple[int, int], handle: int) -> None:
        self.journal.record(layer.digest, piece.start, piece.stop, os.fstat(handle).st_ino)
        self.flush.landed(*span, handle)

    def complete(self, handle: int) -> None:
        self.flush.complete(handle)

    def staged(self, layer: Descriptor) -> None:
        self.journal.record(layer.digest, 0, layer.size, 0)
