"""CNCF ModelPack (model-spec v0.0.7), and CloudNativeAI's names from before it joined the CNCF.

The annotations decide, not the config: AIKit's is empty, RamaLama's layers have types of their own. A media type's
last part is the codec: `raw`, `tar`, `tar+gzip`, `tar+zstd`; Docker Model Runner also writes `gguf` and `safetensors`.
Our own packer's zstd layers tell where their chunks lie.
"""

from puller.errors import UnsupportedLayer
from registry.chunks import PackedChunks
from registry.manifest import Descriptor, Manifest

from .part import Metadata, Part, Shape, name_of, safe

PREFIXES = ("application/vnd.cncf.model.", "application/vnd.cnai.model.")


def parts_of(manifest: Manifest) -> tuple[Part, ...]:
    """Give the parts; raise UnsupportedLayer for a layer without a name that is no archive, and UnsafePath."""
    return tuple(_part(layer, number) for number, layer in enumerate(manifest.layers))


def _part(layer: Descriptor, number: int) -> Part:
    codec = layer.media_type.rpartition(".")[2] if layer.media_type.startswith(PREFIXES) else "raw"
    metadata = Metadata.of(layer)
    name = name_of(layer)
    packed = PackedChunks.of(layer) if name else None
    shape = Shape.CHUNKED_FILE if packed else _shape(codec)
    if name is None and shape is not Shape.ARCHIVE:
        raise UnsupportedLayer(f"layers[{number}]: {layer.media_type} has no file name")
    is_named = name is not None and not (metadata.is_bundle and shape is Shape.ARCHIVE)
    return Part(
        layer=layer,
        number=number,
        shape=shape,
        path=safe(name or "", f"layers[{number}]") if is_named else "",
        mode=metadata.mode,
        mtime=metadata.mtime,
        size=packed.content_bytes if packed else None if metadata.is_bundle else metadata.size,
    )


def _shape(codec: str) -> Shape:
    if codec.split("+", maxsplit=1)[0] == "tar":
        return Shape.ARCHIVE
    return Shape.CODED_FILE if "+" in codec else Shape.FILE
