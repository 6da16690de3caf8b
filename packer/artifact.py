"""From sent files to a ModelPack artifact: equal files give equal bytes, at any time and place (model-spec v0.0.7).

Tests: tests/packer/test_push.py
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from registry.annotations import ARTIFACT_TYPE, CONFIG_TYPE, FILE_METADATA, FILEPATH, TITLE, UNTESTED, layer_type
from registry.chunk_index import Chunks
from registry.digest import Digest
from registry.manifest import Descriptor, Manifest
from registry.source import HubSource

from .category import category_of, format_of
from .errors import TooManyFiles
from .layer_blob import raw
from .source.source_file import SourceFile
from .upload.send import PushedFile

_MANIFEST_LIMIT = 4 << 20  # what registries should accept (distribution-spec, "Pushing Manifests")
_SOME_DIGEST = Digest("0" * 64)
_NO_TIME = "1970-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What the artifact says about the model beside its files."""

    name: str = ""
    licenses: tuple[str, ...] = ()
    origin: HubSource | None = None
    """The repository and the commit of the files."""


def config_of(sent: Sequence[PushedFile], about: ModelInfo) -> bytes:
    """Return the ModelPack config. It holds no time, so that equal models give equal bytes."""
    origin = {"sourceURL": f"hf://{about.origin.repository}", "revision": about.origin.revision} if about.origin else {}
    descriptor = {"name": about.name, "licenses": list(about.licenses), **origin}
    model_format = format_of([one.file.path for one in sent])
    document: dict[str, Any] = {
        "descriptor": {key: value for key, value in descriptor.items() if value},
        "config": {"format": model_format} if model_format else {},
        "modelfs": {"type": "layers", "diffIds": [str(one.blob.diff_id) for one in sent]},
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def manifest_of(sent: Sequence[PushedFile], config: bytes) -> Manifest:
    """Return the manifest; raise TooManyFiles when it is too large for registries."""
    manifest = Manifest(
        artifact_type=ARTIFACT_TYPE,
        config=Descriptor(media_type=CONFIG_TYPE, digest=Digest.of(config), size=len(config)),
        layers=tuple(_layer(one) for one in sent),
    )
    size = len(manifest.to_bytes())
    if size > _MANIFEST_LIMIT:
        raise TooManyFiles(f"{len(sent)} files make a manifest of {size} bytes; registries take {_MANIFEST_LIMIT}")
    return manifest


def check_fits(files: Sequence[SourceFile], chunk: int, about: ModelInfo) -> None:
    """Raise TooManyFiles when the manifest would be too large, by the files' names, sizes and numbers of chunks.

    Compressed files may need larger annotations than estimated here; `manifest_of` checks again.
    """
    planned = [PushedFile(file, raw(_SOME_DIGEST, file.size, _chunks(file, chunk))) for file in files]
    manifest_of(planned, config_of(planned, about))


def _chunks(file: SourceFile, chunk: int) -> Chunks | None:
    return Chunks(chunk, (_SOME_DIGEST,) * -(-file.size // chunk)) if file.size > chunk else None


def _layer(sent: PushedFile) -> Descriptor:
    file = sent.file
    metadata = {
        "name": file.path,
        "mode": 0o755 if file.is_executable else 0o644,
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
        **sent.blob.annotations,
    }
    return Descriptor(
        media_type=layer_type(category_of(file.path, file.size), sent.blob.codec),
        digest=sent.blob.digest,
        size=sent.blob.size,
        annotations=annotations,
    )
