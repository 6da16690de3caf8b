"""Search a volume for the blobs of a model: the files of earlier pulls, of published models and of a cache.

A file that a receipt names, and no other user can have written, is trusted; all others are hashed. A file that may have
other names is never written to: if it is wrong, its blob is fetched into a new file.

Tests: tests/puller/test_pull.py
"""

import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from puller.errors import disk_errors
from puller.plan import Blob, Piece
from puller.proof import is_proved
from puller.store.filesystem import copy, discard, has_stable_inodes, optional
from puller.store.journal import JournaledPieces
from puller.store.receipt import DERIVED, FileRecord, Receipt
from puller.store.standing import is_as_published
from puller.store.trust import Trust, file_status, status_of
from puller.store.work_dir import Workshop
from puller.transfer.file_blob import FileBlobWriter
from registry.digest import Digest

from .verify import Verifier


@dataclass(frozen=True, slots=True)
class Shelf:
    """A folder with files that may be a model's, and which blob each of them is by a trusted receipt."""

    folder: Path
    known: Mapping[str, Sequence[FileRecord]] = field(default_factory=dict)
    """The files by their layers' digests."""

    is_believed: bool = False
    """Whether every file is as a trusted receipt says: then a blob that it does not name is in none of them."""

    @classmethod
    def of(cls, folder: Path, receipt: Receipt | None, trust: Trust) -> "Shelf":
        """Return the shelf of a folder, with the files of its receipt, if one is trusted."""
        if receipt is None:
            return cls(folder)
        trusted = [record for record in receipt.files if is_as_published(folder, record, trust)]
        known: dict[str, list[FileRecord]] = {}
        for record in trusted:
            known.setdefault(record.layer, []).append(record)
        return cls(folder, known, is_believed=len(trusted) == len(receipt.files))

    def names(self, blob: Blob, *, are_proved: bool) -> list[str]:
        """Return the files that have a blob's bytes by the receipt, whether or not by a proof that counts for it.

        Digests of chunks prove the bytes to whoever believes the manifest that they stood in.
        """
        records = self.known.get(str(blob.layer.digest), ())
        found = [record for record in records if is_proved([record], blob.files) == are_proved]
        return [record.path for record in found if record.proof != DERIVED]


class AtHand(NamedTuple):
    """Which blobs need not be fetched, with the path of each (`places`), and which must be.

    `inodes` are those of the files among them that are this pull's own, by their paths: no other file was judged.
    """

    places: dict[Digest, Path]
    missing: list[FileBlobWriter]
    inodes: dict[str, int]


class Search:
    """Searches the volume for the blobs of one model."""

    def __init__(self, workshop: Workshop, shelves: Sequence[Shelf], trust: Trust, verifier: Verifier) -> None:
        self._workshop, self._trust, self._verifier = workshop, trust, verifier
        self._shelves = (*shelves, Shelf(workshop.leftover))
        self._inodes: dict[str, int] = {}

    def run(self, blobs: Sequence[Blob], landed: JournaledPieces) -> AtHand:
        """Return which blobs are on the volume. `landed` are the journal's pieces. Raises DiskFailed, NoRoom."""
        with disk_errors():
            self._tidy(blobs)
            size = sum(blob.size for blob in blobs if self._may_hash(blob))
            found = self._verifier.each(lambda blob: self._find(blob, landed), blobs, size)
        places = {blob.layer.digest: place for blob, place in zip(blobs, found, strict=True) if isinstance(place, Path)}
        missing = [file_writer for file_writer in found if isinstance(file_writer, FileBlobWriter)]
        return AtHand(places, missing, self._inodes)

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
        inode = self._note(place)
        pieces = self._pieces(blob, place, landed)
        is_judged = blob.packed is not None or blob.pieces[0].digest is not None
        if len(pieces) == len(blob.pieces) and is_judged:
            return place
        if blob.packed is None and blob.pieces[0].digest is None and self._verifier.is_right(blob, place):
            return place
        found = self._known(blob) or self._copied(blob, place)
        if found is not None:
            return found
        if not pieces or len(pieces) == len(blob.pieces):  # none is there, or one is wrong and none says which
            discard(place)
            return FileBlobWriter(blob, place)
        return FileBlobWriter(blob, place, pieces, inode)

    def _note(self, place: Path) -> int:
        """Note the inode of a file of this pull's own before it is judged, and return it; 0 where there is none."""
        status = status_of(place)
        if status is None or not has_stable_inodes(place):
            return 0
        self._inodes[str(place)] = status.st_ino
        return status.st_ino

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
            for name in shelf.names(blob, are_proved=True):
                if _has_size(shelf.folder, name, blob.size):
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
                self._note(place)
                if self._verifier.is_right(blob, place):
                    return place
                discard(place)
        return None

    def _named(self, blob: Blob) -> list[Path]:
        """Return the files that may have the blob's bytes, if they have its size.

        They are those under its names in folders without a trusted receipt, and those that a receipt names by a proof
        that does not count.
        """
        found = []
        for shelf in self._shelves:
            own = () if shelf.is_believed else (file.path for file in blob.files)
            names = dict.fromkeys((*own, *shelf.names(blob, are_proved=False)))
            found += [shelf.folder / name for name in names if _has_size(shelf.folder, name, blob.size)]
        return found


def _has_size(folder: Path, name: str, size: int) -> bool:
    status = file_status(folder, name)
    return status is not None and status.st_size == size
