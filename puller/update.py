"""Steps 4 to 8 of a pull (pull.py): one model into one locked destination.

Tests: tests/puller/test_pull.py
"""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from registry.errors import Mismatch
from registry.manifest import Descriptor
from registry.process.control_group import own_cores, own_memory_limit
from registry.progress.stats import TransferStats, human

from .artifact.model_artifact import ModelArtifact
from .plan import ModelPlan, Piece
from .processes.fetch import affordable, fetch_in_processes
from .store.journal import Journal
from .store.locked import LockedDestination
from .store.receipt import Receipt
from .store.saved_manifest import keep
from .store.writeback import CANNOT_SYNC, Writeback, writeback_for
from .transfer.file_blob import FileBlobWriter
from .tree.materialize import Members, materialize, records, tree_of
from .tree.tree import Tree
from .work import Work, find_work


def update(locked: LockedDestination, artifact: ModelArtifact, cached: Sequence[Path] = ()) -> Receipt:
    """Fetch what is missing of a model and publish it at a locked destination; return its receipt.

    `cached` are folders that may hold files of it. Raises Fault.
    """
    settings, destination, started = locked.settings, locked.place, time.monotonic()
    destination.check_replaceable()
    writeback = writeback_for(artifact.size, is_synced=settings.sync)
    # 4
    plan = ModelPlan.of(artifact.form.parts, settings)
    try:
        # 5
        journal = Journal(destination.workshop.journal, artifact.digest, locked.boot)
        work = find_work(locked, artifact, plan, journal, cached, writeback)
        # 6
        this = _Update(locked, artifact, plan, journal, writeback)
        stats = _fetch(this, work)
        for more in _linked(this, work):
            stats.join(_fetch(this, more).counted())
        # 7
        tree = _place_files(this, work)
    finally:
        writeback.release()
        if writeback.lost:
            with suppress(OSError):
                destination.workshop.remove(writeback.lost)
    # 8
    receipt = _receipt(this, tree, stats, round(time.monotonic() - started, 3))
    keep(destination.rooms[0], artifact.documents)
    destination.publish(receipt, is_synced=settings.sync)
    if writeback.cannot_sync:
        locked.reporter.message(f"{destination.path}: {CANNOT_SYNC}")
    locked.reporter.summary(stats, receipt.seconds)
    return receipt


class _Update(NamedTuple):
    """What the steps of one update share."""

    locked: LockedDestination
    artifact: ModelArtifact
    plan: ModelPlan
    journal: Journal
    writeback: Writeback


def _fetch(this: _Update, work: Work) -> TransferStats:
    """Reserve room for what is missing and fetch it; return what came."""
    locked, artifact, plan, journal, writeback = this
    destination, settings = locked.place, locked.settings
    stats = TransferStats(sum(writer.missing_bytes for writer in work.writers))
    destination.reserve(sum(writer.room_bytes for writer in work.writers))
    for writer in work.writers:
        writer.reserve()
    layers = {part.layer.digest: part.layer.size for part in plan.parts}
    kept = sum(layers.values()) - stats.total
    said = f", {human(kept)} kept" if kept and stats.total else ""
    locked.reporter.message(f"{settings.source}: {len(work.writers)} blobs to fetch, {human(stats.total)}{said}")
    with journal.open(work.landed, artifact.size):
        try:
            fetch_in_processes(
                artifact.repositories,
                work.writers,
                affordable(
                    settings,
                    stats.total,
                    cores=own_cores(),
                    limit=own_memory_limit(),
                    is_encrypted=any(one.is_encrypted for one in artifact.repositories.values()),
                ),
                stats=stats,
                listener=_PieceRecorder(journal, writeback),
                track=lambda: locked.reporter.track(stats, destination.path.name),
            )
        except Mismatch:
            journal.discard()  # it may speak of bytes that proved wrong in the end
            raise
    return stats


def _place_files(this: _Update, work: Work) -> Tree:
    """Put the model directory together in the workshop; return what it holds."""
    locked, artifact, plan, _, writeback = this
    workshop = locked.place.workshop
    members = _members(locked, plan)
    tree = tree_of(artifact.form, plan.parts, work.places, members, locked.settings)
    written = {str(one.path): one.inode for one in work.writers if isinstance(one, FileBlobWriter)}
    staged = {one.place: one.inode for layer in members.values() for one in layer if one.place}
    materialize(tree, workshop.model, workshop.folder, locked.place.trust, work.inodes | written | staged)
    writeback.tree(workshop.model)
    return tree


def _linked(this: _Update, work: Work) -> Iterator[Work]:
    """Yield what must be fetched again, because selected links lead to what the selection left out."""
    locked, artifact, plan, journal, writeback = this
    if not plan.archives or not (locked.settings.include or locked.settings.exclude or artifact.form.is_image):
        return
    from .reuse.linked import LinkedArchives  # noqa: PLC0415 - most models have none

    stage = locked.place.workshop.stage
    linked = LinkedArchives(stage, plan.archives, artifact.form, locked.settings, writeback)
    while writers := linked.lacking():
        digests = {part.layer.digest.hex for part in plan.parts} - {writer.layer.digest.hex for writer in writers}
        landed = journal.read(locked.place.trust, digests)
        yield work._replace(writers=[*writers], landed=landed)


def _members(locked: LockedDestination, plan: ModelPlan) -> Members:
    """Return the members of packed layers, which are on the stage."""
    if not plan.archives:
        return {}
    from .reuse.archives import staged_members  # noqa: PLC0415 - most models have none

    return staged_members(locked.place.workshop.stage, plan.archives, locked.settings)


def _receipt(this: _Update, tree: Tree, stats: TransferStats, seconds: float) -> Receipt:
    locked, artifact, _, _, writeback = this
    model, settings = locked.place.workshop.model, locked.settings
    files, links = records(model, tree, artifact.form)
    boot = "" if settings.sync and not writeback.cannot_sync else locked.boot
    receipt = artifact.receipt(settings, files, inode=model.stat().st_ino, boot=boot)
    return replace(receipt, links=links, wire_bytes=stats.wire, seconds=seconds)


@dataclass(frozen=True, slots=True)
class _PieceRecorder:
    """Records finished pieces in the journal, once they are on their way to the disk."""

    journal: Journal
    writeback: Writeback

    def landed(self, layer: Descriptor, piece: Piece, span: tuple[int, int], handle: int) -> None:
        self.journal.record(layer.digest, piece.start, piece.stop, os.fstat(handle).st_ino)
        self.writeback.landed(*span, handle)

    def complete(self, handle: int) -> None:
        self.writeback.complete(handle)

    def staged(self, layer: Descriptor) -> None:
        self.journal.record(layer.digest, 0, layer.size, 0)
