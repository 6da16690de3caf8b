"""A layer and what becomes of it: one file, or the members of an archive.

Tests: tests/puller/artifact/test_writers.py
"""

import json
from datetime import datetime
from enum import Enum
from typing import NamedTuple, Self

from puller.errors import UnsafePath
from registry.annotations import METADATAS
from registry.digest import Digest
from registry.manifest import Descriptor
from registry.paths import unsafe_reason

_REGULAR = (0, ord("0"))  # both are written for a regular file
_PERMISSIONS = 0o755
_READABLE = 0o444
_MOST_BYTES = 1 << 63


class LayerKind(Enum):
    """What the bytes of a layer are. Pieces of the first two can be written in any order."""

    FILE = "a file"
    CHUNKED_FILE = "a file in chunks that are unpacked each by itself"
    CODED_FILE = "a file behind a codec"
    ARCHIVE = "a tar, perhaps behind a codec"


IN_PLACE = (LayerKind.FILE, LayerKind.CHUNKED_FILE)


class Part(NamedTuple):
    """A layer and what becomes of it.

    `path` is where a file goes, in its plain form, which may be an unsafe name (see `judge`); of an archive, where its
    only file goes if both have the same last part, or empty. `root` is the folder that an archive's names are relative
    to, `label` its name for people. `size` and `content_digest` are those of the decoded bytes, or None where the
    artifact does not tell them. `reference` names another artifact that the layer belongs to, or is empty. An archive
    that `is_one_file` holds the file at `path`, by the artifact's own word, and nothing else.
    """

    layer: Descriptor
    number: int
    shape: LayerKind
    path: str = ""
    root: str = ""
    mode: int = 0o644
    mtime: float | None = None
    size: int | None = None
    content_digest: Digest | None = None
    label: str = ""
    reference: str = ""
    is_one_file: bool = False

    @property
    def name(self) -> str:
        """Its name in messages."""
        return self.path or self.label or f"layers[{self.number}]"


class ParsedArtifact(NamedTuple):
    """An artifact's parts, and the kind of artifact. What is in one folder of an image is wanted alone.

    `parent` is the reference of another ModelKit whose model this one uses, or empty.
    """

    kind: str
    parts: tuple[Part, ...]
    is_image: bool = False
    parent: str = ""


class Metadata(NamedTuple):
    """What ModelPack's file metadata annotation holds; an invalid annotation counts as none."""

    mode: int = 0o644
    mtime: float | None = None
    size: int | None = None
    is_bundle: bool = False
    """Whether it describes many files in one archive, as AIKit's does."""

    is_file: bool = False
    """Whether it says that the layer is one regular file; kit writes another type for a folder."""

    @classmethod
    def of(cls, layer: Descriptor) -> Self:
        """Read a layer's annotation."""
        try:
            text = next((layer.annotations[key] for key in METADATAS if layer.annotations.get(key)), "{}")
            document = json.loads(text)
            size, is_bundle = document.get("size"), "files" in document
            return cls(
                mode=readable(int(document.get("mode", 0o644))),
                mtime=_time(document.get("mtime")),
                size=size if _is_count(size) and document.get("typeflag", 0) in _REGULAR else None,
                is_bundle=is_bundle,
                is_file=not is_bundle and document.get("typeflag") in _REGULAR,
            )
        except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
            return cls()


def readable(mode: int) -> int:
    """Return a file's mode for the volume: all users may read it, only its owner may write it."""
    return mode & _PERMISSIONS | _READABLE


def judge(part: Part) -> None:
    """Raise UnsafePath where a part's file, or the folder that its files go to, has no safe name.

    Names are judged of what is selected: one odd name makes no other file of an artifact unpullable.
    """
    is_archive = part.shape is LayerKind.ARCHIVE
    for name in filter(None, (part.path, part.root)) if is_archive else (part.path,):
        judge_name(name, f"layers[{part.number}]")


def judge_name(name: str, where: str) -> None:
    """Raise UnsafePath, which names `where`, for what is no safe file name."""
    reason = unsafe_reason(name)
    if reason:
        raise UnsafePath(f"{where}: the file name {name[:200]!r} {reason}")


def _is_count(size: object) -> bool:
    return isinstance(size, int) and not isinstance(size, bool) and 0 <= size < _MOST_BYTES


def _time(text: object) -> float | None:
    """Return the seconds since 1970 of an RFC 3339 time; None for 1970 itself, which writers put for no time."""
    if not isinstance(text, str):
        return None
    seconds = datetime.fromisoformat(text).timestamp()
    return seconds if seconds > 0 else None
