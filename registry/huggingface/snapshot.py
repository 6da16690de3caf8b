"""A repository of the Hugging Face hub at one commit, as values, and as the manifest of an artifact.

Tests: tests/puller/test_hub.py
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from registry.annotations import HUB_ARTIFACT_TYPE, TITLE
from registry.digest import Digest
from registry.errors import BadManifest, Mismatch
from registry.manifest import Descriptor, Manifest
from registry.source import HubSource

CONFIG_TYPE = "application/vnd.weighbridge.hub.config.v1+json"
FILE_TYPE = "application/vnd.weighbridge.hub.file.v1"


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file as the hub lists it: a large one with the sha256 of its bytes, one in git itself with its blob id."""

    path: str
    size: int
    digest: Digest | None
    blob_id: str


@dataclass(frozen=True, slots=True)
class Listing:
    """The hub's answer about a repository: the commit of the revision, and its files."""

    source: HubSource
    files: tuple[HubFile, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A listing whose every file has a digest; the source's revision is its commit."""

    source: HubSource
    files: tuple[tuple[HubFile, Digest], ...]

    @property
    def config(self) -> bytes:
        """The config blob, which differs for each commit."""
        return _canonical({"commit": self.source.revision, "repository": self.source.repository})

    @property
    def manifest(self) -> Manifest:
        """One layer a file, in the order of their names: the same commit always makes the same bytes."""
        config = self.config
        return Manifest(
            artifact_type=HUB_ARTIFACT_TYPE,
            config=Descriptor(media_type=CONFIG_TYPE, digest=Digest.of(config), size=len(config)),
            layers=tuple(_layer(file, digest) for file, digest in sorted(self.files, key=lambda one: one[0].path)),
        )

    def path(self, digest: Digest) -> str:
        """Return the path of a file with this digest: any of several with the same bytes. Raises BadManifest."""
        found = next((file.path for file, its in self.files if its == digest), None)
        if found is None:
            raise BadManifest(f"{digest}: no file of {self.source} has it", hint="resolve the source again")
        return found


def blob_digest(file: HubFile, content: bytes) -> Digest:
    """Return the digest of a file that git holds itself; raise Mismatch unless it is what the commit names.

    Git's id is the sha1 of a header and the bytes (git-scm.com, "Git Internals - Git Objects").
    """
    found = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    if found != file.blob_id:
        raise Mismatch(
            f"{file.path}: wanted the git blob {file.blob_id}, got {found}",
            hint="something on the way to the hub changes bytes: if HF_ENDPOINT names a mirror, ask its operator",
        )
    return Digest.of(content)


def _layer(file: HubFile, digest: Digest) -> Descriptor:
    return Descriptor(media_type=FILE_TYPE, digest=digest, size=file.size, annotations={TITLE: file.path})


def _canonical(document: Mapping[str, str]) -> bytes:
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
