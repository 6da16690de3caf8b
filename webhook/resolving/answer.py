"""What a registry says of a reference, as values. Users read a code, never a byte of the registry's own words.

Tests: tests/webhook/resolving/test_resolver.py
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from registry.chunk_index import CONTENT_BYTES
from registry.digest import Digest
from registry.manifest import IMAGE_CONFIG_TYPES, Descriptor, Index, Manifest
from registry.reference import Reference

GOOD = "good"
Code = Literal["off", "not-listed", "not-in-time", "not-found", "needs-credentials", "refused"]

_MODEL_PACK = ("application/vnd.cncf.model.", "application/vnd.cnai.model.")
_NUMBER = re.compile(r"[1-9][0-9]{0,17}")


@dataclass(frozen=True, slots=True)
class Facts:
    """The digest of a reference, and the bytes of its files on disk, or None where the manifest does not tell.

    `signature` is `good`, the code of a failure, or empty where admission cannot tell. `is_image` says whether a node
    can mount it, or is None where the document does not tell: an index leads to manifests of any kind.
    """

    digest: Digest
    content_bytes: int | None = None
    signature: str = ""
    is_image: bool | None = None

    @property
    def is_unsigned(self) -> bool:
        """Whether the artifact lacks a signature that it should have."""
        return self.signature not in ("", GOOD)


@dataclass(frozen=True, slots=True)
class Unknown:
    """Why nothing is known of a reference."""

    code: Code


Answer = Facts | Unknown
Ask = Callable[[Reference], Answer]
"""Returns the answer for a reference, within a bounded time."""


def ask_nobody(_: Reference) -> Answer:
    """Return that no registry is asked."""
    return Unknown("off")


def facts_of(digest: Digest, document: Manifest | Index) -> Facts:
    """Return the facts of a manifest. An index leads to manifests of several sizes, so that it has none."""
    if isinstance(document, Index):
        return Facts(digest)
    sizes = [_content_bytes(layer) for layer in document.layers]
    known = [size for size in sizes if size is not None]
    total = (sum(known) or None) if len(known) == len(sizes) else None
    return Facts(digest, total, is_image=document.config.media_type in IMAGE_CONFIG_TYPES)


def _content_bytes(layer: Descriptor) -> int | None:
    """Return the bytes of a layer's file, where it is stored as it is, or where our packer states them.

    An archive has files of any number, and a foreign compressed layer has any size.
    """
    stated = layer.annotations.get(CONTENT_BYTES, "")
    if _NUMBER.fullmatch(stated):
        return int(stated)
    is_raw = layer.media_type.startswith(_MODEL_PACK) and layer.media_type.endswith(".raw")
    return layer.size if is_raw else None
