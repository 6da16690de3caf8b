"""The artifacts of a repository, by their tags.

Tests: tests/puller/test_listing.py
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from registry.access.access import Access
from registry.errors import BadManifest, BadReference, Fault, SourceUnsupported
from registry.manifest import Descriptor, Index
from registry.open import open_documents
from registry.platforms import choose
from registry.printable import printable
from registry.process.threads import Lane, run
from registry.progress.stats import human
from registry.repository import DocumentSource
from registry.source import LayoutSource, OciSource, Source

_AT_ONCE = 8
_MOST_INDEXES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One tag and its artifact, or an index; `problem` is why it could not be read, and then nothing else is known."""

    tag: str
    digest: str = ""
    kind: str = ""
    layers: int = 0
    size: int = 0
    """Bytes of all layers."""

    problem: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object."""
        if self.problem:
            return {"tag": self.tag, "problem": self.problem}
        known = {"digest": self.digest, "kind": self.kind, "layers": self.layers, "size": self.size}
        return {"tag": self.tag, **known}


def list_repository(source: Source, access: Access) -> list[Listed]:
    """Return every tag of a source's repository, or of a layout. Raises SourceUnsupported, NotFound and others."""
    tags = _tags(source, access)
    by_tag = dict(run([Lane(_AT_ONCE, tags)], lambda tag: _look_up(source, tag, access), access.transport.interrupt))
    return [by_tag[tag] for tag in tags]


def check_repository(text: str, source: Source) -> None:
    """Raise BadReference where a source of the command line names one artifact and no repository."""
    tag = source.reference.tag if isinstance(source, OciSource) else getattr(source, "tag", None)
    if source.digest is not None or (tag and text.endswith(f":{tag}")):
        raise BadReference(
            f"{text}: names one artifact, and all of a repository are listed",
            hint="leave out the tag and the digest, or look at that artifact: weighbridge inspect",
        )


def to_text(listed: Iterable[Listed]) -> str:
    """Return a table for people."""
    rows = [("TAG", "DIGEST", "SIZE", "LAYERS", "KIND")]
    for one in listed:
        row = (one.tag, one.digest[:19], human(one.size), str(one.layers), printable(one.kind, 80))
        rows.append((one.tag, "", "", "", printable(one.problem, 200)) if one.problem else row)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    padded = ([text.ljust(width) for text, width in zip(row, widths, strict=True)] for row in rows)
    return "\n".join("  ".join(row).rstrip() for row in padded)


def _tags(source: Source, access: Access) -> list[str]:
    if isinstance(source, OciSource):
        from registry.remote.tags import tags_of  # noqa: PLC0415 - a layout needs no network's modules

        return tags_of(access, source.reference)
    if isinstance(source, LayoutSource):
        from registry.layout.index import tag_of  # noqa: PLC0415 - nor a registry those of layouts
        from registry.layout.pull import read_index  # noqa: PLC0415 - as above

        return sorted({tag for entry in read_index(source.directory).manifests if (tag := tag_of(entry))})
    raise SourceUnsupported(f"{source}: has no list of tags", hint="name a repository of a registry, or a layout")


def _look_up(source: Source, tag: str, access: Access) -> Listed:
    tagged: Source
    if isinstance(source, OciSource):
        tagged = OciSource(source.reference._replace(tag=tag, digest=None))
    else:
        tagged = LayoutSource(source.directory, tag) if isinstance(source, LayoutSource) else source
    try:
        return _described(tag, open_documents(tagged, access), str(tagged))
    except Fault as error:
        return Listed(tag=tag, problem=str(error))


def _described(tag: str, repository: DocumentSource, where: str) -> Listed:
    """Return what a tag names: an artifact, or one that an index leads to here, or an index of others.

    An index is healthy whatever it lists: images for other machines, the signatures of an artifact, or nothing.
    Raises the faults of reading.
    """
    root = found = repository.document()
    for _ in range(_MOST_INDEXES):
        if not isinstance(found.parsed, Index):
            break
        try:
            chosen = choose(found.parsed, where)
        except (BadManifest, BadReference):
            break
        found = repository.document(chosen.digest) if isinstance(chosen, Descriptor) else found
    if isinstance(found.parsed, Index):
        count = len(root.children)
        return Listed(tag=tag, digest=str(root.digest), kind=f"index, {count} manifest{'' if count == 1 else 's'}")
    size = sum(layer.size for layer in found.layers)
    return Listed(tag=tag, digest=str(root.digest), kind=found.kind, layers=len(found.layers), size=size)
