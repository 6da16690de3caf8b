"""What the files of a folder become: the contents of blobs, and the documents that describe these once they are sent.

Tests: tests/packer/test_push.py
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from registry.source import HubSource

from .contents.content import Content
from .errors import TooManyFiles
from .layer_blob import LayerBlob
from .source.source_file import SourceFile

_MANIFEST_LIMIT = 4 << 20  # what registries should accept (distribution-spec, "Pushing Manifests")


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What the artifact says about the model beside its files."""

    name: str = ""
    licenses: tuple[str, ...] = ()
    origin: HubSource | None = None
    """The repository and the commit of the files."""

    def descriptor(self) -> dict[str, Any]:
        """Return what is known, by the names of ModelPack's config."""
        origin = (
            {"sourceURL": f"hf://{self.origin.repository}", "revision": self.origin.revision} if self.origin else {}
        )
        known = {"name": self.name, "licenses": list(self.licenses), **origin}
        return {key: value for key, value in known.items() if value}


@dataclass(frozen=True, slots=True)
class Documents:
    """An artifact's configs, its manifests, and the document that gets the tag: the last of them, or an index."""

    configs: tuple[bytes, ...]
    root: bytes
    below: tuple[bytes, ...] = ()
    """The manifests that `root` lists."""


class Packed(Protocol):
    """A folder's files in one form of artifact. Pure."""

    @property
    def contents(self) -> Sequence[Content]:
        """The contents of the blobs."""
        ...

    def documents(self, blobs: Sequence[LayerBlob]) -> Documents:
        """Return the documents of the sent contents, in their order; raise TooManyFiles."""
        ...


Form = Callable[[Sequence[SourceFile], ModelInfo], Packed]
"""Packs files; raises TooManyFiles, and BadName for what the form cannot name."""


def encoded(document: dict[str, Any]) -> bytes:
    """Return a document's bytes: equal documents give equal bytes."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def check_size(manifest: bytes, files: int) -> None:
    """Raise TooManyFiles when a manifest is too large for registries."""
    if len(manifest) > _MANIFEST_LIMIT:
        raise TooManyFiles(f"{files} files make a manifest of {len(manifest)} bytes; registries take {_MANIFEST_LIMIT}")
