"""Artifacts as other tools write them, made by hand: tars, layers with any media type, OCI layouts on disk."""

import gzip
import io
import json
import tarfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import zstandard

from registry.digest import Digest

MTIME = 1_700_000_000
_EMPTY_CONFIG = "application/vnd.oci.empty.v1+json"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_INDEX = "application/vnd.oci.image.index.v1+json"


def member(name: str, kind: bytes = tarfile.REGTYPE, **changes: Any) -> tarfile.TarInfo:
    """Return a tar's member, of the usual mode and time."""
    info = tarfile.TarInfo(name)
    info.type, info.mtime, info.mode = kind, MTIME, 0o644
    for key, value in changes.items():
        setattr(info, key, value)
    return info


def tar_of(
    files: Mapping[str, bytes], *extra: tarfile.TarInfo, form: int = tarfile.PAX_FORMAT, padded: bool = True
) -> bytes:
    """Return a tar of files and further members; not `padded`, it ends with two blocks of zeros."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as tar:
        for name, content in files.items():
            tar.addfile(member(name, size=len(content)), io.BytesIO(content))
        for info in extra:
            tar.addfile(info)
        end = tar.offset
    return buffer.getvalue() if padded else buffer.getvalue()[:end].ljust(end + 1024, b"\0")


def zstd(content: bytes, frame: int = 1 << 16) -> bytes:
    """Compress into frames of so many bytes, a skippable one before each, as pzstd does."""
    frames = [zstandard.compress(content[at : at + frame]) for at in range(0, len(content), frame)]
    skip = (0x184D2A50).to_bytes(4, "little") + (4).to_bytes(4, "little") + b"size"
    return b"".join(skip + one for one in frames)


CODECS: dict[str, Callable[[bytes], bytes]] = {"": bytes, "+gzip": gzip.compress, "+zstd": zstd}
"""What each end of a media type does to a tar."""


@dataclass
class Layer:
    """A layer to be written: its bytes, its media type, its annotations, and what else its descriptor says."""

    content: bytes
    media_type: str
    annotations: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    def descriptor(self) -> dict[str, Any]:
        """Return the JSON object."""
        entry = {"mediaType": self.media_type, "digest": str(Digest.of(self.content)), "size": len(self.content)}
        annotations = {"annotations": dict(self.annotations)} if self.annotations else {}
        return {**entry, **annotations, **self.extra}


class Layout:
    """An OCI layout on disk, written one artifact at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "blobs" / "sha256").mkdir(parents=True)
        (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        self._entries: list[dict[str, Any]] = []

    def source(self, tag: str = "v1") -> str:
        """Return what a pull is told."""
        return f"layout://{self.folder}:{tag}"

    def blob(self, content: bytes) -> str:
        """Write a blob; give its digest."""
        digest = Digest.of(content)
        (self.folder / "blobs" / "sha256" / digest.hex).write_bytes(content)
        return str(digest)

    def manifest(
        self,
        layers: Iterable[Layer],
        *,
        artifact_type: str = "",
        config_type: str = _EMPTY_CONFIG,
        config: object = None,
        media_type: str = _MANIFEST,
        **extra: Any,
    ) -> dict[str, Any]:
        """Write an artifact without a tag; give its descriptor."""
        layers = list(layers)
        for layer in layers:
            self.blob(layer.content)
        settings = json.dumps(config or {}).encode()
        document = {
            "schemaVersion": 2,
            "mediaType": media_type,
            "config": {"mediaType": config_type, "digest": self.blob(settings), "size": len(settings)},
            "layers": [layer.descriptor() for layer in layers],
            **({"artifactType": artifact_type} if artifact_type else {}),
            **extra,
        }
        return self.document(document)

    def index(self, manifests: Iterable[Mapping[str, Any]], **extra: Any) -> dict[str, Any]:
        """Write an index without a tag; give its descriptor."""
        return self.document({"mediaType": _INDEX, "manifests": [*manifests], **extra})

    def tag(self, descriptor: Mapping[str, Any], name: str = "v1") -> str:
        """Return an artifact a tag; give what a pull is told."""
        self._entries.append({**descriptor, "annotations": {"org.opencontainers.image.ref.name": name}})
        index = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": self._entries}
        (self.folder / "index.json").write_text(json.dumps(index))
        return self.source(name)

    def document(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Write a document as it is told, a manifest if nothing else is said; give its descriptor."""
        document = {"schemaVersion": 2, "mediaType": _MANIFEST, **document}
        content = json.dumps(document).encode()
        return {"mediaType": document["mediaType"], "digest": self.blob(content), "size": len(content)}
