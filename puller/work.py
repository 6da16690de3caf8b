"""Find which blobs of a model are on the volume already, and which must be fetched.

A blob may be where an earlier pull of this user left it, in a published model, or in a cache (reuse/search.py).

Tests: tests/puller/test_pull.py
"""

import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from registry.digest import Digest
from registry.paths import plain

from .artifact.image import affects
from .artifact.model_artifact import ModelArtifact
from .artifact.part import ParsedArtifact, Part
from .errors import disk_errors
from .plan import ModelPlan, is_selected
from .reuse.search import Search, Shelf
from .reuse.verify import Verifier
from .settings import Settings
from .store.filesystem import discard
from .store.journal import Journal, JournaledPieces
from .store.locked import LockedDestination
from .store.trust import status_of
from .store.writeback import Writeback
from .transfer.archive_blob import ArchiveBlobWriter
from .transfer.blob import BlobWriter
from .transfer.whole_file import download_file
from .tree.materialize import image_roots
from .unpack.layer import LayerUnpacker
from .unpack.staging import Stage, folder_of, read_index


@dataclass(frozen=True, slots=True)
class Work:
    """What must be fetched for a model, and where its blobs are then; `landed` are the journal's pieces of them."""

    writers: list[BlobWriter]
    places: dict[Digest, Path]
    landed: JournaledPieces


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
    archives = unfinished_archives(workshop.stage, plan.archives, artifact.form, settings, landed, writeback)
    shelves = [Shelf.of(destination.path, locked.believed(), destination.trust), *map(Shelf, cached)]
    search = Search(workshop, shelves, destination.trust, Verifier(locked.reporter, destination.path.name))
    at_hand = search.run(plan.blobs, landed)
    if settings.xet and download_file(artifact.repositories[""], at_hand.missing, destination, locked.reporter):
        at_hand = search.run(plan.blobs, landed)
    places = at_hand.places | {writer.layer.digest: writer.path for writer in at_hand.missing}
    return Work([*archives, *at_hand.missing], places, landed)


def unfinished_archives(  # noqa: PLR0913, PLR0917 - called once, and no argument follows from another
    stage: Path,
    parts: Sequence[Part],
    form: ParsedArtifact,
    settings: Settings,
    landed: JournaledPieces,
    flush: Writeback,
) -> list[ArchiveBlobWriter]:
    """Return writers for the packed layers that no earlier pull unpacked whole; remove all else from the stage."""
    with disk_errors():
        status = status_of(stage)
        if status is not None and not stat.S_ISDIR(status.st_mode):
            discard(stage)
        stage.mkdir(exist_ok=True)
        for unknown in set(stage.iterdir()) - {folder_of(stage, part, settings) for part in parts}:
            discard(unknown)
    streams = []
    for part in parts:
        folder = folder_of(stage, part, settings)
        if (part.layer.digest.hex, 0, part.layer.size) in landed and read_index(folder) is not None:
            continue
        payload = LayerUnpacker(part, Stage(folder, _wants(part, form, settings), flush))
        streams.append(ArchiveBlobWriter(part, payload))
    return streams


def _wants(part: Part, form: ParsedArtifact, settings: Settings) -> Callable[[str], bool]:
    """Return the filter of members by name; all pass where a member's final name depends on the whole archive."""
    if form.is_image:
        roots = image_roots(settings.image_path)
        return lambda name: affects(plain(name).removeprefix("/"), roots)
    if part.path or part.root:
        return lambda _: True
    return lambda name: is_selected(plain(name), settings.include, settings.exclude)
