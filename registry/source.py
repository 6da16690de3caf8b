"""The sources of a model: `oci://…`, `layout://…`, `hf://…`, and `pvc://…` in pods.

Tests: tests/registry/test_reference.py
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from .digest import Digest
from .errors import BadReference, SourceUnsupported
from .reference import Reference

# What the hub itself takes (huggingface_hub, validate_repo_id), and git-check-ref-format(1).
_HUB_NAME = re.compile(r"(?!.*(?:--|\.\.))[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?(?<!\.git)")
_REVISION = re.compile(r"(?!.*(?:\.\.|//|@\{))[^\s\x00-\x20\x7f~^:?*\[\\/-][^\s\x00-\x20\x7f~^:?*\[\\]{0,254}(?<!/)")
_CLAIM = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_ALGORITHMS = ("sha256:", "sha512:")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class OciSource:
    """An artifact in a registry."""

    reference: Reference

    @property
    def digest(self) -> Digest | None:
        """The digest that pins the source, or None."""
        return self.reference.digest

    def __str__(self) -> str:
        return f"oci://{self.reference}"


@dataclass(frozen=True, slots=True)
class LayoutSource:
    """An artifact in an OCI image layout on disk: by tag, by digest, or the only one."""

    directory: Path
    tag: str | None = None
    digest: Digest | None = None

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"layout://{self.directory}{tag}{digest}"


@dataclass(frozen=True, slots=True)
class HubSource:
    """A model repository on the Hugging Face hub, at a branch, a tag or a commit.

    A commit pins it, not a digest; its files are known only after a request to the hub.
    """

    repository: str
    revision: str = "main"

    @property
    def digest(self) -> Digest | None:
        """None: a commit pins it, not a digest."""
        return None

    @property
    def name(self) -> str:
        """The repository's name without its organisation."""
        return self.repository.partition("/")[2]

    @property
    def is_pinned(self) -> bool:
        """Whether the revision is a commit, which never moves."""
        return _COMMIT.fullmatch(self.revision) is not None

    def pinned(self, commit: str) -> Self:
        """Return the same repository at a commit."""
        return replace(self, revision=commit)

    def __str__(self) -> str:
        return f"hf://{self.repository}@{self.revision}"


@dataclass(frozen=True, slots=True)
class ClaimSource:
    """A folder of a PersistentVolumeClaim that holds a model already; the claim's root if `path` is empty."""

    claim: str
    path: str = ""

    @property
    def digest(self) -> Digest | None:
        """None: nothing pins what others may write."""
        return None

    def __str__(self) -> str:
        return f"pvc://{self.claim}/{self.path}" if self.path else f"pvc://{self.claim}"


Source = OciSource | LayoutSource | HubSource | ClaimSource


def parse_source(text: str) -> Source:
    """Parse a source; a text without a scheme is an OCI reference.

    Raises BadReference, or SourceUnsupported for unknown schemes.
    """
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "oci", text
    if scheme == "oci":
        return OciSource(Reference.parse(rest))
    if scheme == "layout":
        return _parse_layout(rest)
    if scheme == "hf":
        return _parse_hub(rest)
    if scheme == "pvc":
        return _parse_claim(rest)
    raise SourceUnsupported(f"{text!r}: unknown scheme {scheme}://")


def _parse_layout(text: str) -> LayoutSource:
    path, at, digest = text.rpartition("@")
    has_tag = ":" in path.rpartition("/")[2]
    if "/" in digest or not (has_tag or digest.startswith(_ALGORITHMS)):
        path, at = text, ""  # an @ of the path's own
    tag = ""
    if ":" in path.rpartition("/")[2]:
        path, _, tag = path.rpartition(":")
    if not path or "\0" in path:
        raise BadReference(f"layout://{text}: names no folder", hint="write it as layout://DIRECTORY:TAG")
    return LayoutSource(Path(path), tag or None, Digest.parse(digest) if at else None)


def _parse_hub(text: str) -> HubSource:
    repository, at, revision = text.partition("@")
    names = repository.split("/")
    hint = "write it as hf://ORGANISATION/NAME or hf://ORGANISATION/NAME@REVISION"
    if len(names) != 2 or not all(_HUB_NAME.fullmatch(name) for name in names):
        raise BadReference(f"hf://{text}: {repository!r} names no model repository of the hub", hint=hint)
    if at and not _REVISION.fullmatch(revision):
        raise BadReference(f"hf://{text}: {revision!r} is no branch, tag or commit", hint=hint)
    return HubSource(repository, revision) if at else HubSource(repository)


def _parse_claim(text: str) -> ClaimSource:
    claim, slash, path = text.partition("/")
    hint = "write it as pvc://CLAIM or pvc://CLAIM/PATH"
    if not _CLAIM.fullmatch(claim):
        raise BadReference(f"pvc://{text}: {claim!r} is not a valid PersistentVolumeClaim name", hint=hint)
    parts = path.split("/")
    if slash and (not path.isprintable() or ":" in path or not all(parts) or {".", ".."} & set(parts)):
        raise BadReference(f"pvc://{text}: {path!r} is not a path inside the claim", hint=hint)
    return ClaimSource(claim, path)
