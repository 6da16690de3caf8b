"""The artifacts of a repository, by their tags.

Tests: tests/puller/test_listing.py
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from registry.access.access import Access
from registry.errors import Fault, SourceUnsupported
from registry.open import open_repository
from registry.printable import printable
from registry.process.threads import Lane, run
from registry.progress.stats import human
from registry.source import LayoutSource, OciSource, Source

_AT_ONCE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One tag and its artifact; `problem` is why it could not be read, and then nothing else is known."""

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
        resolved = open_repository(tagged, access).resolve()
    except Fault as error:
        return Listed(tag=tag, problem=str(error))
    manifest = resolved.manifest
    kind = manifest.artifact_type or manifest.config.media_type
    size = sum(layer.size for layer in manifest.layers)
    return Listed(tag=tag, digest=str(resolved.digest), kind=kind, layers=len(manifest.layers), size=size)
