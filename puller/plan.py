"""What to fetch, decided before the first byte: files, blobs, pieces. Pure."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from registry.digest import Digest
from registry.manifest import Descriptor, Manifest
from registry.modelpack import FILE_METADATA, FILEPATHS, TITLE, Chunks
from registry.paths import fault_of

from .errors import BadArtifact, NothingSelected, UnsafePath, UnsupportedLayer

_UNPACK = "io.deis.oras.content.unpack"
_ARCHIVES = ("tar", "gzip", "zstd")


@dataclass(frozen=True, slots=True)
class File:
    """A file of the model: where it goes, and the layer whose bytes it is."""

    path: str
    layer: Descriptor
    is_executable: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes `start` to `stop` of a blob; `digest` is theirs, or None where only the whole blob has one."""

    start: int
    stop: int
    digest: Digest | None


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes that are fetched once, and the files that they become."""

    layer: Descriptor
    files: tuple[File, ...]
    pieces: tuple[Piece, ...]


def list_files(manifest: Manifest) -> tuple[File, ...]:
    """Give the files of an artifact in the manifest's order.

    Raises UnsafePath, UnsupportedLayer, and BadArtifact when two of them claim one place.
    """
    files = tuple(_file(layer, number) for number, layer in enumerate(manifest.layers))
    if not files:
        raise BadArtifact("the artifact holds no files")
    digests: dict[str, Digest] = {}
    for file in files:
        if digests.setdefault(file.path, file.layer.digest) != file.layer.digest:
            raise BadArtifact(f"two layers claim the file {file.path!r}")
    for path in digests:
        for end, letter in enumerate(path):
            if letter == "/" and path[:end] in digests:
                raise BadArtifact(f"{path[:end]!r} is a file and the folder of {path!r}")
    return files


def select(files: Iterable[File], include: Sequence[str], exclude: Sequence[str]) -> tuple[File, ...]:
    """Give the files that a glob of `include` matches, or all without any, less those that `exclude` matches.

    `*` matches `/` too, as in the Hugging Face hub's patterns. Raises NothingSelected.
    """
    chosen = tuple(
        file
        for file in files
        if (not include or any(fnmatchcase(file.path, glob) for glob in include))
        and not any(fnmatchcase(file.path, glob) for glob in exclude)
    )
    if not chosen:
        raise NothingSelected(f"no file matches include={list(include)} exclude={list(exclude)}")
    return chosen


def blobs_of(files: Iterable[File], piece_bytes: int) -> tuple[Blob, ...]:
    """Give each distinct blob once, cut in pieces: by its chunk digests, or by `piece_bytes` without them."""
    grouped: dict[Digest, dict[str, File]] = {}
    for file in files:
        grouped.setdefault(file.layer.digest, {})[file.path] = file
    return tuple(_blob(tuple(group.values()), piece_bytes) for group in grouped.values())


def _blob(files: tuple[File, ...], piece_bytes: int) -> Blob:
    layer = files[0].layer
    sizes = {file.layer.size for file in files}
    if len(sizes) > 1:
        raise BadArtifact(f"{layer.digest}: has {len(sizes)} different sizes in one manifest")
    chunks = Chunks.of(layer) if layer.size else None
    if chunks:
        stops = [min(start + chunks.size, layer.size) for start in range(0, layer.size, chunks.size)]
        starts = [0, *stops[:-1]]
        pieces = tuple(Piece(*cut) for cut in zip(starts, stops, chunks.digests, strict=True))
    elif layer.size <= piece_bytes:
        pieces = (Piece(0, layer.size, layer.digest),)
    else:
        pieces = tuple(
            Piece(start, min(start + piece_bytes, layer.size), None) for start in range(0, layer.size, piece_bytes)
        )
    return Blob(layer, files, pieces)


def _file(layer: Descriptor, number: int) -> File:
    name = next((layer.annotations[key] for key in (*FILEPATHS, TITLE) if key in layer.annotations), None)
    suffix = layer.media_type.rpartition(".")[2]
    packed = suffix.split("+")[0] in _ARCHIVES or any(f"+{codec}" in suffix for codec in _ARCHIVES)
    if name is None or packed or layer.annotations.get(_UNPACK) == "true":
        raise UnsupportedLayer(
            f"layers[{number}]: {layer.media_type} {'without a file name ' if name is None else ''}is not read yet"
        )
    path = name.removeprefix("./")
    reason = fault_of(path)
    if reason:
        raise UnsafePath(f"layers[{number}]: the file name {name[:200]!r} {reason}")
    return File(path, layer, _is_executable(layer))


def _is_executable(layer: Descriptor) -> bool:
    try:
        mode = json.loads(layer.annotations.get(FILE_METADATA, "{}")).get("mode", 0)
        return bool(int(mode) & 0o111)
    except (ValueError, TypeError, AttributeError, RecursionError):
        return False
