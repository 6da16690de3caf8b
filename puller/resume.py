"""What an earlier pull left behind, looked through: what is still right need not come again."""

import shutil
from collections.abc import Callable, Sequence
from io import FileIO
from pathlib import Path

from registry.paths import plain

from .assembly import Assembly
from .destination import Destination
from .errors import disk_errors
from .flush import Flush
from .formats.image import concerns
from .formats.part import Form, Part
from .plan import Blob, Piece, is_selected
from .settings import Settings
from .settle import image_roots
from .stream import Stream
from .unpack.payload import Payload
from .unpack.staging import Stage, folder_of, sealed

_READ_BYTES = 1 << 18

Landed = set[tuple[str, int, int]]


def what_is_missing(destination: Destination, blobs: Sequence[Blob], landed: Landed) -> list[Assembly]:
    """Give the blobs that are not complete in the incoming folder, each knowing which of its pieces are.

    `landed` is what the journal says. Files of which it does not speak are believed by their bytes alone.
    """
    assemblies = []
    for blob in blobs:
        place = destination.incoming / blob.files[0].path
        pieces = _landed_pieces(blob, place, landed) or _right_pieces(blob, place)
        if len(pieces) == len(blob.pieces):
            continue
        standing = (destination.path / file.path for file in blob.files)
        right = next((path for path in standing if len(_right_pieces(blob, path)) == len(blob.pieces)), None)
        if right is not None:
            link(right, place)
            continue
        if not pieces:
            place.unlink(missing_ok=True)
        assemblies.append(Assembly(blob, place, pieces))
    return assemblies


def what_is_packed(  # noqa: PLR0913, PLR0917 - one call, and each says what nothing else can
    stage: Path, parts: Sequence[Part], form: Form, settings: Settings, landed: Landed, flush: Flush
) -> list[Stream]:
    """Give the packed layers that no earlier pull unpacked whole; clear the stage of what belongs to none."""
    with disk_errors():
        stage.mkdir(exist_ok=True)
        for stranger in set(stage.iterdir()) - {folder_of(stage, part, settings) for part in parts}:
            shutil.rmtree(stranger)
    streams = []
    for part in parts:
        folder = folder_of(stage, part, settings)
        if (part.layer.digest.hex, 0, part.layer.size) in landed and sealed(folder) is not None:
            continue
        payload = Payload(part, Stage(folder, _wants(part, form, settings), flush))
        streams.append(Stream(part, payload))
    return streams


def link_copies(root: Path, blobs: Sequence[Blob]) -> None:
    """Give the further files of a blob their bytes."""
    for blob in blobs:
        first = root / blob.files[0].path
        for file in blob.files[1:]:
            link(first, root / file.path)


def _wants(part: Part, form: Form, settings: Settings) -> Callable[[str], bool]:
    """Give what tells by a member's name whether it matters; where only the whole archive tells its name, it does."""
    if form.is_image:
        roots = image_roots(settings.image_path)
        return lambda name: concerns(plain(name).removeprefix("/"), roots)
    if part.path or part.root:
        return lambda _: True
    return lambda name: is_selected(plain(name), settings.include, settings.exclude)


def link(existing: Path, path: Path) -> None:
    """Give a file a second name, in place of whatever had it."""
    with disk_errors():
        path.unlink(missing_ok=True)
        path.hardlink_to(existing)


def _landed_pieces(blob: Blob, place: Path, landed: Landed) -> frozenset[Piece]:
    """Give the pieces that the journal knows; none for a foreign blob that is complete, for its digest was not seen."""
    hex_digest = blob.layer.digest.hex
    pieces = frozenset(piece for piece in blob.pieces if (hex_digest, piece.start, piece.stop) in landed)
    is_unjudged = len(pieces) == len(blob.pieces) and blob.pieces[0].digest is None
    return pieces if pieces and _has_size(place, blob) and not is_unjudged else frozenset()


def _right_pieces(blob: Blob, path: Path) -> frozenset[Piece]:
    """Give the pieces whose bytes a file has, by their digests; all or none where only the blob has one."""
    if blob.packed or not _has_size(path, blob):
        return frozenset()  # of a packed blob the digests are those of bytes that are not kept
    whole = Piece(0, blob.layer.size, blob.layer.digest)
    try:
        with path.open("rb", buffering=0) as file:
            if blob.pieces[0].digest is None:
                return frozenset(blob.pieces if _is_right(file, whole) else ())
            return frozenset(piece for piece in blob.pieces if _is_right(file, piece))
    except OSError:
        return frozenset()


def _is_right(file: FileIO, piece: Piece) -> bool:
    if piece.digest is None:
        return False
    hasher, left = piece.digest.hasher(), piece.stop - piece.start
    buffer = memoryview(bytearray(_READ_BYTES))
    file.seek(piece.start)
    while left and (count := file.readinto(buffer[: min(left, _READ_BYTES)])):
        hasher.update(buffer[:count])
        left -= count
    return hasher.hexdigest() == piece.digest.hex


def _has_size(path: Path, blob: Blob) -> bool:
    try:
        return not path.is_symlink() and path.stat().st_size == blob.size
    except OSError:
        return False
