"""The names of CNCF ModelPack (model-spec v0.0.7), and our own annotations beside them."""

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass

from oras.defaults import annotation_title

from .digest import Digest
from .errors import BadManifest
from .manifest import Descriptor

ARTIFACT_TYPE = "application/vnd.cncf.model.manifest.v1+json"
CONFIG_TYPE = "application/vnd.cncf.model.config.v1+json"
TITLE: str = annotation_title
FILEPATH = "org.cncf.model.filepath"
FILEPATHS = (FILEPATH, "org.cnai.model.filepath")  # the second is the same, before the project joined the CNCF
FILE_METADATA = "org.cncf.model.file.metadata+json"
UNTESTED = "org.cncf.model.file.mediatype.untested"

CHUNK_BYTES = "dev.weighbridge.chunk.bytes"
CHUNK_DIGESTS = "dev.weighbridge.chunk.blake3"
_NUMBER = re.compile(r"[1-9][0-9]{0,17}")
CHUNK_ALGORITHM = "blake3"
_RAW = 32  # bytes of its digest


def layer_type(category: str, codec: str) -> str:
    """Give a layer's media type: `weight`, `weight.config`, `doc`, `code` or `dataset`; then `raw`, `tar`, …."""
    return f"application/vnd.cncf.model.{category}.v1.{codec}"


@dataclass(frozen=True, slots=True)
class Chunks:
    """The blake3 of each stretch of `size` bytes of a blob; the last one may be shorter.

    Written as two annotations of the layer, so the manifest's digest binds them: the size in decimal, and the
    digests' bytes one after the other in base64.
    """

    size: int
    digests: tuple[Digest, ...]

    @classmethod
    def of(cls, layer: Descriptor) -> "Chunks | None":
        """Read a layer's chunk annotations; None when it has none. Raises BadManifest when they lie."""
        if CHUNK_DIGESTS not in layer.annotations:
            return None
        size = layer.annotations.get(CHUNK_BYTES, "")
        if not _NUMBER.fullmatch(size):
            raise BadManifest(f"{layer.digest}: {CHUNK_BYTES} is {size!r}, wanted a number of bytes")
        try:
            joined = b64decode(layer.annotations[CHUNK_DIGESTS], validate=True)
        except ValueError:
            raise BadManifest(f"{layer.digest}: {CHUNK_DIGESTS} is not base64") from None
        count = -(-layer.size // int(size))
        if len(joined) != count * _RAW:
            raise BadManifest(f"{layer.digest}: {layer.size} bytes in chunks of {size} want {count} digests")
        digests = (joined[at : at + _RAW].hex() for at in range(0, len(joined), _RAW))
        return cls(int(size), tuple(Digest(digest, CHUNK_ALGORITHM) for digest in digests))

    def to_annotations(self) -> dict[str, str]:
        """Give the two annotations."""
        joined = b"".join(bytes.fromhex(digest.hex) for digest in self.digests)
        return {CHUNK_BYTES: str(self.size), CHUNK_DIGESTS: b64encode(joined).decode()}
