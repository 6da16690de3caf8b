"""What to fetch, decided before the download: parts, blobs, pieces. Pure."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from registry.chunk_index import Chunks, PackedChunks, chunk_mark
from registry.digest import Digest
from registry.globs import is_selected
from registry.manifest import Descriptor

from .artifact.part import IN_PLACE, LayerKind, Part, judge
from .errors import BadArtifact, NoRoom, NothingSelected
from .settings import Settings

_MOST_BYTES = 4 << 40


class Piece(NamedTuple):
    """Bytes `start` to `stop` of a blob; `digest` is that of these bytes, or None where only the whole blob has one."""

    start: int
    stop: int
    digest: Digest | None


class Blob(NamedTuple):
    """A blob that is fetched once, in pieces, and the files that it becomes.

    `packed` describes zstd chunks that must be unpacked; if None, the pieces are the file's bytes themselves.
    """

    layer: Descriptor
    files: tuple[Part, ...]
    pieces: tuple[Piece, ...]
    packed: PackedChunks | None = None

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self.packed.content_bytes if self.packed else self.layer.size


def select(parts: Iterable[Part], include: Sequence[str], exclude: Sequence[str]) -> tuple[Part, ...]:
    """Return the selected parts, and archives of several files, whose members are selected later.

    Raises NothingSelected, NoRoom, and UnsafePath for a name among them.
    """
    chosen = tuple(part for part in parts if _is_bundle(part) or is_selected(part.path, include, exclude))
    if not chosen:
        raise NothingSelected(f"no file matches include={list(include)} exclude={list(exclude)}")
    _check_size(chosen)
    for part in chosen:
        judge(part)
    return chosen


def _is_bundle(part: Part) -> bool:
    return part.shape is LayerKind.ARCHIVE and not part.is_one_file


def _check_size(parts: Iterable[Part]) -> None:
    """Raise NoRoom when parts are larger than any model: even the list of their pieces takes memory."""
    size = sum({part.layer.digest: part.layer.size for part in parts}.values())
    if size > _MOST_BYTES:
        raise NoRoom(f"the model needs {size} bytes, where {_MOST_BYTES} are the most")


def blobs_of(parts: Iterable[Part], piece_bytes: int) -> tuple[Blob, ...]:
    """Return each distinct blob that is a file, once, cut into pieces by its chunk digests or by `piece_bytes`."""
    grouped: dict[Digest, dict[str, Part]] = {}
    for part in parts:
        if part.shape in IN_PLACE:
            grouped.setdefault(part.layer.digest, {})[part.path] = part
    return tuple(_blob(tuple(group.values()), piece_bytes) for group in grouped.values())


def packed(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Return each distinct layer that must be unpacked, once."""
    return tuple({part.layer.digest: part for part in parts if part.shape not in IN_PLACE}.values())


def cut(size: int, piece_bytes: int) -> list[Piece]:
    """Return the pieces of a blob that has only the digest of its whole; an empty one has an empty piece."""
    starts = range(0, size, piece_bytes) if size else (0,)
    return [Piece(start, min(start + piece_bytes, size), None) for start in starts]


class ModelPlan(NamedTuple):
    """The parts that are selected, the blobs that become files as they are, and the layers that must be unpacked."""

    parts: tuple[Part, ...]
    blobs: tuple[Blob, ...]
    archives: tuple[Part, ...]

    @classmethod
    def of(cls, parts: Iterable[Part], settings: Settings) -> "ModelPlan":
        """Plan what `settings` select of an artifact's parts. Raises what `select` does, and BadArtifact."""
        chosen = select(parts, settings.include, settings.exclude)
        return cls(chosen, blobs_of(chosen, settings.piece_bytes), packed(chosen))


def chunks_of(part: Part) -> Chunks | PackedChunks | None:
    """Return the digests of a layer's chunks, or None where only the whole layer has one."""
    if part.shape is LayerKind.CHUNKED_FILE:
        return PackedChunks.of(part.layer)
    return Chunks.of(part.layer) if part.layer.size else None


def _blob(files: tuple[Part, ...], piece_bytes: int) -> Blob:
    files = tuple(sorted(files, key=lambda file: chunks_of(file) is not None))  # the digest of the whole proves most
    layer = files[0].layer
    chunks = chunks_of(files[0])
    if len({chunk_mark(file.layer) for file in files if chunks_of(file)}) > 1:  # a model's and its parent's, say
        if any(isinstance(chunks_of(file), PackedChunks) for file in files):
            raise BadArtifact(f"{layer.digest}: has different chunks in one manifest")
        chunks = None
    if isinstance(chunks, PackedChunks):
        return Blob(layer, files, _pieces(chunks.stops, chunks.digests), chunks)
    if chunks:
        stops = [min(start + chunks.size, layer.size) for start in range(0, layer.size, chunks.size)]
        return Blob(layer, files, _pieces(stops, chunks.digests))
    if layer.size <= piece_bytes:
        return Blob(layer, files, (Piece(0, layer.size, layer.digest),))
    return Blob(layer, files, tuple(cut(layer.size, piece_bytes)))


def _pieces(stops: Sequence[int], digests: Sequence[Digest]) -> tuple[Piece, ...]:
    return tuple(Piece(*bounds) for bounds in zip((0, *stops[:-1]), stops, digests, strict=True))
