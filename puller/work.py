"""Find which blobs of a model are on the volume already, and which must be fetched.

A blob may be where an earlier pull of this user left it, in a published model, or in a cache. A file that a receipt
names, and no other user can have written, is trusted; all others are hashed. A file that may have other names is never
written to: if it is wrong, its blob is fetched into a new file.
"""

import os
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from registry.digest import Digest
from registry.paths import plain

from .artifact.image import affects
from .artifact.model_artifact import ModelArtifact
from .artifact.part import ParsedArtifact, Part
from .errors import disk_errors
from .plan import Blob, ModelPlan, Piece, is_selected
from .settings import Settings
from .store.filesystem import copy, discard, optional
from .store.journal import Journal, JournaledPieces
from .store.locked import LockedDestination
from .store.receipt import Receipt
from .store.standing import is_as_published
from .store.trust import Trust, file_status, status_of
from .store.work_dir import Workshop
from .store.writeback import Writeback
from .transfer.archive_blob import ArchiveBlobWriter
from .transfer.blob import BlobWriter
from .transfer.file_blob import FileBlobWriter
from .transfer.whole_file import download_file
from .tree.materialize import image_roots
from .unpack.layer import LayerUnpacker
from .unpack.staging import Stage, folder_of, read_index
from .verify import Verifier


@dataclass(frozen=True, slots=True)
class Shelf:
    """A folder with files that may be a model's, and which blob each of them is by a trusted receipt."""

    folder: Path
    known: Mapping[str, str] = field(default_factory=dict)
    """The paths of files by their layers' digests."""

    is_believed: bool = False
    """Whether every file is as a trusted receipt says: then a blob that it does not name is in none of them."""

    @classmethod
    def of(cls, folder: Path, receipt: Receipt | None, trust: Trust) -> "Shelf":
        """Return the shelf of a folder, with the files of its receipt, if one is trusted."""
        if receipt is None:
            return cls(folder)
        trusted = [record for record in receipt.files if is_as_published(folder, record, trust)]
        known = {record.layer: record.path for record in reversed(trusted)}
        return cls(folder, known, is_believed=len(trusted) == len(receipt.files))


@dataclass(frozen=True, slots=True)
class AtHand:
    """Which blobs need not be fetched, with the path of each (`places`), and which must be."""

    places: dict[Digest, Path]
    missing: list[FileBlobWriter]


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


class Search:
    """Searches the volume for the blobs of one model."""

    def __init__(self, workshop: Workshop, shelves: Sequence[Shelf], trust: Trust, verifier: Verifier) -> None:
        self._workshop, self._trust, self._verifier = workshop, trust, verifier
        self._shelves = (*shelves, Shelf(workshop.leftover))

    def run(self, blobs: Sequence[Blob], landed: JournaledPieces) -> AtHand:
        """Return which blobs are on the volume. `landed` are the journal's pieces. Raises DiskFailed, NoRoom."""
        with disk_errors():
            self._tidy(blobs)
            size = sum(blob.size for blob in blobs if self._may_hash(blob))
            found = self._verifier.each(lambda blob: self._find(blob, landed), blobs, size)
        places = {blob.layer.digest: place for blob, place in zip(blobs, found, strict=True) if isinstance(place, Path)}
        return AtHand(places, [file_writer for file_writer in found if isinstance(file_writer, FileBlobWriter)])

    def _tidy(self, blobs: Iterable[Blob]) -> None:
        """Remove all from the incoming folder but files of these blobs that are this user's and have no other name.

        A model that an earlier pull did not finish is taken apart first: it may hold other names of these files, or
        the files themselves where the file system has no hard links.
        """
        self._take_apart()
        incoming = self._workshop.incoming
        status = status_of(incoming)
        if status is not None and not stat.S_ISDIR(status.st_mode):
            discard(incoming)
        incoming.mkdir(exist_ok=True)
        wanted = {blob.layer.digest.hex for blob in blobs}
        for entry in incoming.iterdir():
            status = entry.lstat()
            is_file = stat.S_ISREG(status.st_mode) and status.st_nlink == 1 and self._trust.is_own(status)
            if entry.name not in wanted or not is_file:
                discard(entry)
            elif not self._trust.is_exclusive(status):
                with optional():
                    entry.chmod(0o644)

    def _take_apart(self) -> None:
        model, leftover = self._workshop.model, self._workshop.leftover
        discard(leftover)
        if status_of(model) is None:
            return
        model.rename(leftover)
        for folder, _, names in os.walk(leftover):
            for name in names:
                if (Path(folder) / name).lstat().st_nlink > 1:
                    (Path(folder) / name).unlink()

    def _may_hash(self, blob: Blob) -> bool:
        is_begun = _has_size(self._workshop.incoming, blob.layer.digest.hex, blob.size)
        return blob.packed is None and (is_begun or bool(self._named(blob)))

    def _find(self, blob: Blob, landed: JournaledPieces) -> Path | FileBlobWriter:
        """Return the path of a whole blob, or the writer that must fetch it."""
        place = self._workshop.incoming / blob.layer.digest.hex
        pieces = self._pieces(blob, place, landed)
        is_judged = blob.packed is not None or blob.pieces[0].digest is not None
        if len(pieces) == len(blob.pieces) and is_judged:
            return place
        if blob.packed is None and blob.pieces[0].digest is None and self._verifier.is_right(blob, place):
            return place
        found = self._known(blob) or self._copied(blob, place)
        if found is not None:
            return found
        if not pieces:
            discard(place)
        return FileBlobWriter(blob, place, pieces if len(pieces) < len(blob.pieces) else ())

    def _pieces(self, blob: Blob, place: Path, landed: JournaledPieces) -> frozenset[Piece]:
        """Return the pieces of an incoming file that need not be fetched again.

        Pieces with digests of their own are hashed. Others are taken from the journal, if it names this file's inode:
        of a blob without chunk digests the whole is verified in the end; those of packed blobs cannot be hashed.
        """
        status = status_of(place)
        if status is None or status.st_size != blob.size:
            return frozenset()
        hex_digest = blob.layer.digest.hex
        noted = [piece for piece in blob.pieces if landed.get((hex_digest, piece.start, piece.stop)) == status.st_ino]
        if blob.packed is not None or blob.pieces[0].digest is None:
            return frozenset(noted)
        return self._verifier.right_pieces(blob, place, noted or None)

    def _known(self, blob: Blob) -> Path | None:
        """Return the file that has this blob's bytes by a trusted receipt, or None."""
        for shelf in self._shelves:
            name = shelf.known.get(str(blob.layer.digest))
            if name is not None and _has_size(shelf.folder, name, blob.size):
                return shelf.folder / name
        return None

    def _copied(self, blob: Blob, place: Path) -> Path | None:
        """Return a file, or a copy, that has this blob's bytes by their digest, though no receipt names it; or None.

        A file that other users can write is copied first, and the copy is hashed.
        """
        for file in self._named(blob):
            if blob.packed is None and self._verifier.is_right(blob, file):
                status = status_of(file)
                if status is not None and self._trust.is_exclusive(status):
                    return file
                discard(place)
                copy(file, place)
                if self._verifier.is_right(blob, place):
                    return place
                discard(place)
        return None

    def _named(self, blob: Blob) -> list[Path]:
        """Return the files under the blob's names in folders without a trusted receipt, if they have its size."""
        folders = [shelf.folder for shelf in self._shelves if not shelf.is_believed]
        names = [file.path for file in blob.files]
        return [folder / name for folder in folders for name in names if _has_size(folder, name, blob.size)]


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


def _has_size(folder: Path, name: str, size: int) -> bool:
    status = file_status(folder, name)
    return status is not None and status.st_size == size
