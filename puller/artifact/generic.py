"""ORAS files and folders, and every artifact that names its layers as ORAS does.

`oras push` writes a file as it is, under its title, and types every file as a tar; a folder is a tar+gzip with an
annotation that asks for unpacking. Layers without a title are not pulled. AIKit's generic target has one archive of all
files, under a name of its own, and without that annotation.

Tests: tests/puller/artifact/test_writers.py
"""

from puller.errors import UnsupportedLayer
from registry.annotations import file_name
from registry.digest import Digest
from registry.manifest import Descriptor, Manifest
from registry.paths import plain

from .part import LayerKind, Metadata, Part

UNPACK = "io.deis.oras.content.unpack"
_CONTENT_DIGEST = "io.deis.oras.content.digest"
_AIKIT = ("allfiles.tar", "allfiles.tar.gz", "allfiles.tar.zst")
_AIKIT_TYPE = "application/vnd.oci.image.layer.v1.tar"


def parts_of(manifest: Manifest) -> tuple[Part, ...]:
    """Return the parts; raise UnsupportedLayer when no layer has a name."""
    named = [(number, layer, file_name(layer)) for number, layer in enumerate(manifest.layers)]
    parts = tuple(_part(layer, number, name) for number, layer, name in named if name)
    if manifest.layers and not parts:
        raise UnsupportedLayer(f"layers[0]: {manifest.layers[0].media_type} without a file name is not read")
    return parts if len(parts) > 1 else tuple(_unpacked(part) for part in parts)


def _part(layer: Descriptor, number: int, name: str) -> Part:
    if layer.annotations.get(UNPACK) == "true":
        promised = layer.annotations.get(_CONTENT_DIGEST)
        digest = Digest.parse(promised) if promised else None
        return Part(layer=layer, number=number, shape=LayerKind.ARCHIVE, content_digest=digest)
    metadata = Metadata.of(layer)
    path = plain(name)
    return Part(layer=layer, number=number, shape=LayerKind.FILE, path=path, mode=metadata.mode, mtime=metadata.mtime)


def _unpacked(part: Part) -> Part:
    is_archive = part.path in _AIKIT and part.layer.media_type == _AIKIT_TYPE
    return Part(layer=part.layer, number=part.number, shape=LayerKind.ARCHIVE) if is_archive else part
