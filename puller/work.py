"""Find which blobs of a model are on the volume already, and which must be fetched.

A blob may be where an earlier pull of this user left it, in a published model, or in a cache (reuse/search.py).

Tests: tests/puller/test_pull.py
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from registry.digest import Digest

from .artifact.model_artifact import ModelArtifact
from .errors import disk_errors
from .plan import ModelPlan
from .reuse.search import AtHand, Search, Shelf
from .reuse.verify import Verifier
from .store.filesystem import discard
from .store.journal import Journal, JournaledPieces
from .store.locked import LockedDestination
from .store.trust import status_of
from .store.work_dir import Workshop
from .store.writeback import Writeback
from .transfer.blob import BlobWriter

if TYPE_CHECKING:
    from .transfer.archive_blob import ArchiveBlobWriter


class Work(NamedTuple):
    """What must be fetched for a model, and where its blobs are then.

    `landed` are the journal's pieces of files that are still there. `inodes` are those of files of this pull's own that
    need not be fetched.
    """

    writers: list[BlobWriter]
    places: dict[Digest, Path]
    landed: JournaledPieces
    inodes: dict[str, int]


def find_work(  # noqa: PLR0913, PLR0917 - called once, and no argument follows from another
    locked: LockedDestination,
    artifact: ModelArtifact,
    plan: ModelPlan,
    journal: Journal,
    cached: Sequence[Path],
    writeback: Writeback,
) -> Work:
    """Return what must be fetched of a model, after a search of the volume. Raises DiskFailed, NoRoom."""
    destination, settings, workshop = locked.place, locked.settings, locked.place.workshop
    landed = journal.read(destination.trust, {part.layer.digest.hex for part in plan.parts})
    archives = _archives(locked, artifact, plan, landed, writeback)
    shelves = [Shelf.of(destination.path, locked.believed(), destination.trust), *map(Shelf, cached)]
    search = Search(workshop, shelves, destination.trust, Verifier(locked.reporter, destination.path.name))
    at_hand = search.run(plan.blobs, landed)
    if settings.xet and _download_whole(locked, artifact, at_hand):
        at_hand = search.run(plan.blobs, landed)
    places = at_hand.places | {writer.layer.digest: writer.path for writer in at_hand.missing}
    return Work([*archives, *at_hand.missing], places, _present(landed, workshop), at_hand.inodes)


def _present(landed: JournaledPieces, workshop: Workshop) -> JournaledPieces:
    """Return the pieces of those files that are there: a new file may get the inode of one that is gone."""
    inodes = {digest: status_of(workshop.incoming / digest) for digest, _, _ in landed}
    there = {digest: status.st_ino for digest, status in inodes.items() if status is not None}
    return {piece: inode for piece, inode in landed.items() if inode in (0, there.get(piece[0]))}


def _archives(
    locked: LockedDestination,
    artifact: ModelArtifact,
    plan: ModelPlan,
    landed: JournaledPieces,
    writeback: Writeback,
) -> "list[ArchiveBlobWriter]":
    """Return writers for the packed layers that must be fetched, and leave nothing else on the stage."""
    stage = locked.place.workshop.stage
    if plan.archives:
        from .reuse.archives import unfinished_archives  # noqa: PLC0415 - most models have none

        return unfinished_archives(stage, plan.archives, artifact.form, locked.settings, landed, writeback)
    with disk_errors():
        discard(stage)
    return []


def _download_whole(locked: LockedDestination, artifact: ModelArtifact, at_hand: AtHand) -> bool:
    """Start the source's own program to download large files; return whether any came."""
    from .transfer.whole_file import download_file  # noqa: PLC0415 - few pulls ask for it

    return download_file(artifact.repositories[""], at_hand.missing, locked.place, locked.reporter)
