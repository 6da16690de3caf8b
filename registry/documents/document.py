"""A manifest or an index as its store has it: the very bytes, whose digest names them, beside what they say.

Tests: tests/packer/test_copying.py
"""

import json
from collections.abc import Iterator
from typing import NamedTuple, Self

from registry.digest import Digest
from registry.errors import BadDigest, BadManifest
from registry.manifest import INDEX_TYPE, ArtifactManifest, Descriptor, Index, Manifest, parse_any

_FOREIGN = ("foreign", "nondistributable")


class Document(NamedTuple):
    """A manifest or an index: its bytes and their digest, and what they mean."""

    content: bytes
    digest: Digest
    parsed: Manifest | Index | ArtifactManifest
    media_type: str

    @classmethod
    def parse(cls, content: bytes, algorithm: str = "sha256") -> Self:
        """Parse a document; raise BadManifest. One that does not say its type is OCI's (image-spec, manifest.md)."""
        parsed = parse_any(content)
        stated = json.loads(content).get("mediaType") if isinstance(parsed, Index) else parsed.media_type
        media_type = stated if isinstance(stated, str) and stated else INDEX_TYPE
        return cls(content, Digest.of(content, algorithm), parsed, media_type)

    @property
    def children(self) -> tuple[Descriptor, ...]:
        """The manifests that an index lists; none of a manifest."""
        return self.parsed.manifests if isinstance(self.parsed, Index) else ()

    @property
    def kind(self) -> str:
        """What kind of artifact it is, by its type or its config's; empty of an index."""
        if isinstance(self.parsed, Index):
            return ""
        config = self.parsed.config.media_type if isinstance(self.parsed, Manifest) else ""
        return self.parsed.artifact_type or config

    @property
    def layers(self) -> tuple[Descriptor, ...]:
        """The blobs beside the config; none of an index."""
        if isinstance(self.parsed, Manifest):
            return self.parsed.layers
        return self.parsed.blobs if isinstance(self.parsed, ArtifactManifest) else ()

    @property
    def blobs(self) -> Iterator[Descriptor]:
        """The config and the layers, without those that registries need not have (image-spec, layer.md)."""
        config = (self.parsed.config,) if isinstance(self.parsed, Manifest) else ()
        for blob in (*config, *self.layers):
            if not any(word in blob.media_type for word in _FOREIGN):
                yield blob

    @property
    def subject(self) -> Digest | None:
        """The digest of the artifact that this one is about; None where it is about none."""
        stated = json.loads(self.content).get("subject")
        if not isinstance(stated, dict):
            return None
        try:
            return Digest.parse(stated.get("digest", ""))
        except BadDigest:
            raise BadManifest("subject.digest: wanted a digest") from None
