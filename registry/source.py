"""The places that a model can come from: `oci://…` and `layout://…`."""

from dataclasses import dataclass
from pathlib import Path

from .digest import Digest
from .errors import BadReference, SourceUnsupported
from .reference import Reference

_LATER = {
    "hf": "Hugging Face repositories",
    "pvc": "claims that already hold the model",
}


@dataclass(frozen=True, slots=True)
class OciSource:
    """An artifact in a registry."""

    reference: Reference

    @property
    def digest(self) -> Digest | None:
        """The digest that pins the source, where it has one."""
        return self.reference.digest

    def __str__(self) -> str:
        return f"oci://{self.reference}"


@dataclass(frozen=True, slots=True)
class LayoutSource:
    """An artifact in an OCI image layout on disk: a tag, a digest, or the only one there is."""

    directory: Path
    tag: str | None = None
    digest: Digest | None = None

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"layout://{self.directory}{tag}{digest}"


Source = OciSource | LayoutSource


def parse_source(text: str) -> Source:
    """Read a source; a text without a scheme is an OCI reference.

    Raises BadReference, or SourceUnsupported for schemes that are not read (yet).
    """
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "oci", text
    if scheme == "oci":
        return OciSource(Reference.parse(rest))
    if scheme == "layout":
        return _parse_layout(rest)
    if scheme in _LATER:
        raise SourceUnsupported(f"{text!r}: {_LATER[scheme]} are not read yet")
    raise SourceUnsupported(f"{text!r}: unknown scheme {scheme}://")


def _parse_layout(text: str) -> LayoutSource:
    path, at, digest = text.partition("@")
    tag = ""
    if ":" in path.rpartition("/")[2]:
        path, _, tag = path.rpartition(":")
    if not path or "\0" in path:
        raise BadReference(f"layout://{text}: names no folder", remedy="write it as layout://DIRECTORY:TAG")
    return LayoutSource(Path(path), tag or None, Digest.parse(digest) if at else None)
