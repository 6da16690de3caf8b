"""Files as a ModelPack artifact: equal files give equal bytes, at any time and place (model-spec v0.0.7).

Tests: tests/packer/test_push.py
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from registry.annotations import ARTIFACT_TYPE, CONFIG_TYPE, FILE_METADATA, FILEPATH, TITLE, UNTESTED, layer_type
from registry.chunk_index import CHUNK_ALGORITHM
from registry.digest import Digest
from registry.manifest import Descriptor, Manifest

from .category import category_of, format_of
from .contents.whole_file import WholeFile
from .form import Documents, ModelInfo, check_size, encoded
from .layer_blob import LayerBlob
from .source.source_file import SourceFile

_CHUNK_BYTES = 16 << 20
_MANY_CHUNKS = 12_000  # their digests take half of 1 MiB, below which a manifest should stay
_SOME_DIGEST = Digest("0" * 64)
_SOME_CHUNK = Digest("0" * 64, CHUNK_ALGORITHM)
_NO_TIME = "1970-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class ModelPack:
    """Files, each a layer of its own; a Packed."""

    contents: tuple[WholeFile, ...]
    about: ModelInfo

    def documents(self, blobs: Sequence[LayerBlob]) -> Documents:
        """Return config and manifest; raise TooManyFiles when the latter is too large for registries."""
        files = [content.file for content in self.contents]
        config = config_of(files, blobs, self.about)
        manifest = manifest_of(files, blobs, config).to_bytes()
        check_size(manifest, len(files))
        return Documents((config,), manifest)


def modelpack(files: Sequence[SourceFile], about: ModelInfo) -> ModelPack:
    """Pack files; raise TooManyFiles when the manifest would be too large, by their names, sizes and numbers of chunks.

    Compressed files may need larger annotations than estimated here; `documents` checks again.
    """
    chunk = chunk_bytes(sum(file.size for file in files))
    made = ModelPack(tuple(WholeFile(file, chunk) for file in files), about)
    made.documents([one.blob(_SOME_DIGEST, [_SOME_CHUNK for _ in one.stops()]) for one in made.contents])
    return made


def chunk_bytes(total: int) -> int:
    """Return the chunk size for a model of `total` bytes: 16 MiB, doubled until there are not too many chunks."""
    size = _CHUNK_BYTES
    while total / size > _MANY_CHUNKS:
        size *= 2
    return size


def config_of(files: Sequence[SourceFile], blobs: Sequence[LayerBlob], about: ModelInfo) -> bytes:
    """Return the ModelPack config. It holds no time, so that equal models give equal bytes."""
    model_format = format_of([file.path for file in files])
    return encoded(
        {
            "descriptor": about.descriptor(),
            "config": {"format": model_format} if model_format else {},
            "modelfs": {"type": "layers", "diffIds": [str(blob.diff_id) for blob in blobs]},
        }
    )


def manifest_of(files: Sequence[SourceFile], blobs: Sequence[LayerBlob], config: bytes) -> Manifest:
    """Return the manifest."""
    return Manifest(
        artifact_type=ARTIFACT_TYPE,
        config=Descriptor(media_type=CONFIG_TYPE, digest=Digest.of(config), size=len(config)),
        layers=tuple(map(_layer, files, blobs)),
    )


def _layer(file: SourceFile, blob: LayerBlob) -> Descriptor:
    metadata = {
        "name": file.path,
        "mode": file.mode,
        "uid": 0,
        "gid": 0,
        "size": file.size,
        "mtime": _NO_TIME,
        "typeflag": 0,
    }
    annotations = {
        TITLE: file.path,
        FILEPATH: file.path,
        FILE_METADATA: json.dumps(metadata, ensure_ascii=False, separators=(",", ":")),
        UNTESTED: "true",
        **blob.annotations,
    }
    return Descriptor(
        media_type=layer_type(category_of(file.path, file.size), blob.codec),
        digest=blob.digest,
        size=blob.size,
        annotations=annotations,
    )
