"""The names of CNCF ModelPack (model-spec v0.0.7), and our own annotations beside them."""

from dataclasses import dataclass

from oras.defaults import annotation_title

from .digest import Digest
from .errors import BadManifest
from .manifest import Descriptor

ARTIFACT_TYPE = "application/vnd.cncf.model.manifest.v1+json"
CONFIG_TYPE = "application/vnd.cncf.model.config.v1+json"
TITLE: str = annotation_title
FILEPATH = "org.cncf.model.filepath"
FILEPATHS = (
    FILEPATH,
    "org.cnai.model.filepath",
)  # the second is the same, before the project joined the CNCF
FILE_METADATA = "org.cncf.model.file.metadata+json"
UNTESTED = "org.cncf.model.file.mediatype.untested"

CHUNK_BYTES = "dev.weighbridge.chunk.bytes"
CHUNK_DIGESTS = "dev.weighbridge.chunk.sha256"


def layer_type(category: str, codec: str) -> str:
    """Give a layer's media type: `weight`, `weight.config`, `doc`, `code` or `dataset`; `raw`, `tar`, ….."""
    return f"application/vnd.cncf.model.{category}.v1.{codec}"


@dataclass(frozen=True, slots=True)
class Chunks:
    """The sha256 of each stretch of `size` bytes of a blob; the last one may be shorter.

    Written as two annotations of the layer, so the manifest's digest binds them: the size in decimal, and the
    digests in hexadecimal without anything between.
    """

    size: int
    digests: tuple[Digest, ...]

    @classmethod
    def of(cls, layer: Descriptor) -> "Chunks | None":
        """Read a layer's chunk annotations; None when it has none. Raises BadManifest when they lie."""
        if CHUNK_DIGESTS not in layer.annotations:
            return None
        size, text = layer.annotations.get(CHUNK_BYTES, ""), layer.annotations[CHUNK_DIGESTS]
        if not size.isdecimal() or int(size) == 0:
            raise BadManifest(f"{layer.digest}: {CHUNK_BYTES} is {size!r}, wanted a number of bytes")
        parts = [text[at : at + 64] for at in range(0, len(text), 64)]
        if len(parts) != -(-layer.size // int(size)):
            raise BadManifest(f"{layer.digest}: {len(parts)} chunk digests for {layer.size} bytes in {size} each")
        return cls(int(size), tuple(Digest.parse(f"sha256:{part}") for part in parts))

    def to_annotations(self) -> dict[str, str]:
        """Give the two annotations."""
        return {CHUNK_BYTES: str(self.size), CHUNK_DIGESTS: "".join(digest.hex for digest in self.digests)}
