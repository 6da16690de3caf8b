"""What a registry says of a reference, as values. Users read a code, never a byte of the registry's own words.

Tests: tests/webhook/resolving/test_resolver.py
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from registry.annotations import file_name
from registry.chunk_index import CONTENT_BYTES
from registry.digest import Digest
from registry.globs import is_selected
from registry.manifest import IMAGE_CONFIG_TYPES, Descriptor, Index, Manifest
from registry.paths import plain
from registry.reference import Reference

GOOD = "good"
Code = Literal["off", "not-listed", "not-in-time", "too-many", "not-found", "needs-credentials", "refused"]

_MODEL_PACK = ("application/vnd.cncf.model.", "application/vnd.cnai.model.")
_MOST_FILES = 64
"""Answers for thousands of references are kept: the files of a model that has more are not."""

_NUMBER = re.compile(r"[1-9][0-9]{0,17}")


class File(NamedTuple):
    """A file of a model, and its bytes on disk."""

    path: str
    content_bytes: int


@dataclass(frozen=True, slots=True)
class Facts:
    """The digest of a reference, and the bytes of its files on disk, or None where the manifest does not tell.

    `signature` is `good`, the code of a failure, or empty where admission cannot tell. `is_image` says whether a node
    can mount it, or is None where the document does not tell: an index leads to manifests of any kind. `files` are
    these files, where the bytes of all are known and they are few; they follow from the digest.
    """

    digest: Digest
    content_bytes: int | None = None
    signature: str = ""
    is_image: bool | None = None
    files: tuple[File, ...] = field(default=(), compare=False, repr=False)

    def selected_bytes(self, include: Sequence[str], exclude: Sequence[str]) -> int | None:
        """Return the bytes of the files that a selection leaves; None where the manifest does not tell."""
        if not include and not exclude:
            return self.content_bytes
        return sum(one.content_bytes for one in self.files if is_selected(one.path, include, exclude)) or None

    @property
    def is_unsigned(self) -> bool:
        """Whether the artifact lacks a signature that it should have."""
        return self.signature not in ("", GOOD)


@dataclass(frozen=True, slots=True)
class Unknown:
    """Why nothing is known of a reference."""

    code: Code


Answer = Facts | Unknown
Ask = Callable[[Sequence[Reference]], tuple[Answer, ...]]
"""Returns the answers for references, in their order, all within one bounded time."""


def ask_nobody(references: Sequence[Reference]) -> tuple[Answer, ...]:
    """Return that no registry is asked."""
    return tuple(Unknown("off") for _ in references)


def facts_of(digest: Digest, document: Manifest | Index) -> Facts:
    """Return the facts of a manifest. An index leads to manifests of several sizes, so that it has none."""
    if isinstance(document, Index):
        return Facts(digest)
    sizes = [_content_bytes(layer) for layer in document.layers]
    known = [size for size in sizes if size is not None]
    is_told = len(known) == len(sizes)
    return Facts(
        digest,
        (sum(known) or None) if is_told else None,
        is_image=document.config.media_type in IMAGE_CONFIG_TYPES,
        files=_files(document.layers, known) if is_told and len(known) <= _MOST_FILES else (),
    )


def _files(layers: Sequence[Descriptor], sizes: Sequence[int]) -> tuple[File, ...]:
    return tuple(File(plain(file_name(layer) or ""), size) for layer, size in zip(layers, sizes, strict=True))


def _content_bytes(layer: Descriptor) -> int | None:
    """Return the bytes of a layer's file, where it is stored as it is, or where our packer states them.

    An archive has files of any number, and a foreign compressed layer has any size.
    """
    stated = layer.annotations.get(CONTENT_BYTES, "")
    if _NUMBER.fullmatch(stated):
        return int(stated)
    is_raw = layer.media_type.startswith(_MODEL_PACK) and layer.media_type.endswith(".raw")
    return layer.size if is_raw else None
