"""The blob of a layer, and the layer's annotations.

Tests: tests/packer/test_push.py
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from registry.chunk_index import Chunks, PackedChunks
from registry.digest import Digest

RAW, ZSTD, TAR = "raw", "tar+zstd", "tar"
"""ModelPack's names for the codecs that the packer writes; images have the last."""


@dataclass(frozen=True, slots=True)
class LayerBlob:
    """A blob of `size` bytes, and the digest of its decoded content."""

    digest: Digest
    size: int
    diff_id: Digest
    codec: str
    annotations: Mapping[str, str] = field(default_factory=dict)


def raw(digest: Digest, size: int, chunks: Chunks | None = None) -> LayerBlob:
    """Return the blob of a file without a codec."""
    return LayerBlob(digest, size, digest, RAW, chunks.to_annotations() if chunks else {})


def packed(digest: Digest, diff_id: Digest, chunks: PackedChunks) -> LayerBlob:
    """Return the blob of a file compressed with zstd."""
    return LayerBlob(digest, chunks.stops[-1], diff_id, ZSTD, chunks.to_annotations())
