"""Files as an image for every node: an index of two manifests over the same layers (image-spec, image-index.md).

Tests: tests/packer/image/test_image.py
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from packer.contents.tar_layer import TarLayer
from packer.form import Documents, ModelInfo, check_size, encoded
from packer.layer_blob import LayerBlob
from packer.source.source_file import SourceFile
from registry.chunk_index import CHUNK_ALGORITHM
from registry.digest import Digest
from registry.manifest import IMAGE_CONFIG_TYPE, MANIFEST_TYPE, Descriptor, Index, Manifest

from .layers import grouped
from .tar import tar_of

LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
ARCHITECTURES = ("amd64", "arm64")

_LABEL = "org.opencontainers.image."
_SOME_DIGEST = Digest("0" * 64)
_SOME_FILE = Digest("0" * 64, CHUNK_ALGORITHM)


@dataclass(frozen=True, slots=True)
class Image:
    """Files in the layers of an image; a Packed."""

    contents: tuple[TarLayer, ...]
    about: ModelInfo

    def documents(self, blobs: Sequence[LayerBlob]) -> Documents:
        """Return a config and a manifest for each architecture, and their index; raise TooManyFiles."""
        layers = tuple(map(_layer, blobs))
        configs = [_config(blobs, self.about, architecture) for architecture in ARCHITECTURES]
        described = (_described(IMAGE_CONFIG_TYPE, config) for config in configs)
        manifests = [Manifest(config=config, layers=layers).to_bytes() for config in described]
        check_size(manifests[0], sum(len(content.files) for content in self.contents))
        listed = tuple(
            _described(MANIFEST_TYPE, manifest, f"linux/{architecture}")
            for manifest, architecture in zip(manifests, ARCHITECTURES, strict=True)
        )
        return Documents(tuple(configs), Index(manifests=listed).to_bytes(), tuple(manifests))


def image(files: Sequence[SourceFile], about: ModelInfo) -> Image:
    """Pack files; raise TooManyFiles when their names make too large a manifest, and BadName."""
    made = Image(tuple(map(tar_of, grouped(files))), about)
    made.documents([layer.blob(_SOME_DIGEST, [_SOME_FILE for _ in layer.stops()]) for layer in made.contents])
    return made


def _config(blobs: Sequence[LayerBlob], about: ModelInfo, architecture: str) -> bytes:
    """Return the config for an architecture: labels as images have them, and what a ModelPack config says of a model.

    Readers of images ignore the latter (image-spec, config.md, "Any extra fields"). No time is in it.
    """
    document: dict[str, Any] = {
        "architecture": architecture,
        "os": "linux",
        "config": {"Labels": labels} if (labels := _labels(about)) else {},
        "rootfs": {"type": "layers", "diff_ids": [str(blob.diff_id) for blob in blobs]},
    }
    descriptor = about.descriptor()
    return encoded(document | ({"descriptor": descriptor} if descriptor else {}))


def _labels(about: ModelInfo) -> dict[str, str]:
    """Return the pre-defined keys that are known (image-spec, annotations.md)."""
    told = about.descriptor()
    labels = {
        "title": about.name,
        "licenses": " AND ".join(about.licenses),
        "source": told.get("sourceURL", ""),
        "revision": told.get("revision", ""),
    }
    return {f"{_LABEL}{key}": value for key, value in labels.items() if value}


def _layer(blob: LayerBlob) -> Descriptor:
    return Descriptor(media_type=LAYER_TYPE, digest=blob.digest, size=blob.size, annotations=blob.annotations)


def _described(media_type: str, content: bytes, platform: str = "") -> Descriptor:
    return Descriptor(media_type=media_type, digest=Digest.of(content), size=len(content), platform=platform)
