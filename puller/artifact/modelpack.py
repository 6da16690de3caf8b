"""CNCF ModelPack (model-spec v0.0.7), and CloudNativeAI's names from before it joined the CNCF.

The annotations decide, not the config: AIKit's is empty, RamaLama's layers have types of their own. A media type's
last part is the codec: `raw`, `tar`, `tar+gzip`, `tar+zstd`; Docker Model Runner also writes `gguf` and `safetensors`.
The annotations of our packer's zstd layers hold the offsets of their chunks. kit annotates archives with the folder
that they were made from, which may be `.`, and may add its Kitfile as a layer, which its own reader skips.

Tests: tests/puller/artifact/test_tools.py
"""

from puller.errors import UnsupportedLayer
from registry.annotations import file_name
from registry.chunk_index import PackedChunks
from registry.manifest import Descriptor, Manifest
from registry.paths import plain

from .part import LayerKind, Metadata, Part

PREFIXES = ("application/vnd.cncf.model.", "application/vnd.cnai.model.")
_KITFILE = "application/vnd.kitops.modelkit.config.v1+json"


def parts_of(manifest: Manifest) -> tuple[Part, ...]:
    """Return the parts; raise UnsupportedLayer for a layer without a name that is no archive."""
    layers = [(number, layer) for number, layer in enumerate(manifest.layers) if layer.media_type != _KITFILE]
    return tuple(_part(layer, number) for number, layer in layers)


def _part(layer: Descriptor, number: int) -> Part:
    codec = layer.media_type.rpartition(".")[2] if layer.media_type.startswith(PREFIXES) else "raw"
    metadata = Metadata.of(layer)
    name = file_name(layer)
    packed = PackedChunks.of(layer) if name else None
    shape = LayerKind.CHUNKED_FILE if packed else _shape(codec)
    if shape is LayerKind.ARCHIVE:
        path = "" if not name or metadata.is_bundle else plain(name)
    elif name is None:
        raise UnsupportedLayer(f"layers[{number}]: {layer.media_type} has no file name")
    else:
        path = plain(name)
    return Part(
        layer=layer,
        number=number,
        shape=shape,
        path=path,
        mode=metadata.mode,
        mtime=metadata.mtime,
        size=packed.content_bytes if packed else None if metadata.is_bundle else metadata.size,
        is_one_file=shape is LayerKind.ARCHIVE and metadata.is_file and bool(path),
    )


def _shape(codec: str) -> LayerKind:
    if codec.split("+", maxsplit=1)[0] == "tar":
        return LayerKind.ARCHIVE
    return LayerKind.CODED_FILE if "+" in codec else LayerKind.FILE
