"""KitOps ModelKit: the Kitfile is the config, and says which paths its layers were packed from.

A layer's type tells its section and codec: `application/vnd.kitops.modelkit.model.v1.tar+gzip`. An archive holds paths
from the Kitfile's folder; before kit 0.5, which did not write digests into the Kitfile, from the section's own path. A
raw layer has no name but its section's path. A kit without a model layer of its own names its parent's reference
where others name a path.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from puller.errors import BadArtifact, UnsupportedLayer
from registry.manifest import Descriptor, Manifest

from .part import Part, Shape, safe

PREFIXES = ("application/vnd.kitops.modelkit.", "application/vnd.jozu.model.")


@dataclass(frozen=True, slots=True)
class _Section:
    """An entry of the Kitfile that a layer was made from."""

    kind: str
    path: str
    digest: str


def parts_of(manifest: Manifest, kitfile: bytes) -> tuple[Part, ...]:
    """Give the parts; raise BadArtifact, UnsupportedLayer and UnsafePath."""
    sections = list(_sections(_parse(kitfile)))
    is_old = not any(section.digest for section in sections)
    return tuple(_part(layer, number, sections, is_old=is_old) for number, layer in enumerate(manifest.layers))


def parent_of(manifest: Manifest, kitfile: bytes) -> str:
    """Give the reference of the ModelKit whose model this one uses, or nothing."""
    has_model = any(_kind(layer) == "model" for layer in manifest.layers)
    path = _entry(_parse(kitfile), "model").get("path", "")
    return path if isinstance(path, str) and not has_model else ""


def is_model(part: Part) -> bool:
    """Tell whether a part is one that a child takes over from its parent."""
    return _kind(part.layer) in ("model", "modelpart")


def _part(layer: Descriptor, number: int, sections: list[_Section], *, is_old: bool) -> Part:
    codec = layer.media_type.rpartition(".v1.")[2]
    section = _take(sections, layer)
    where = f"layers[{number}]"
    if codec.split("+")[0] != "raw":
        root = _folder(section.path, where) if section and is_old else ""
        label = section.path if section else ""
        return Part(layer=layer, number=number, shape=Shape.ARCHIVE, root=root, path=root, label=label)
    if section is None:
        raise UnsupportedLayer(f"{where}: {layer.media_type} is in no section of the Kitfile, so it has no name")
    shape = Shape.CODED_FILE if "+" in codec else Shape.FILE
    return Part(layer=layer, number=number, shape=shape, path=safe(section.path, where))


def _take(sections: list[_Section], layer: Descriptor) -> _Section | None:
    """Find a layer's section: the one with its digest, else the next of its kind."""
    kind = _kind(layer)
    by_digest = (section for section in sections if section.digest == str(layer.digest))
    by_order = (section for section in sections if section.kind == kind and not section.digest)
    found = next(by_digest, None) or next(by_order, None)
    if found is not None:
        sections.remove(found)
    return found


def _sections(kitfile: dict[str, Any]) -> Iterator[_Section]:
    model = _entry(kitfile, "model")
    yield _section("model", model)
    for key, kind, owner in (
        ("parts", "modelpart", model),
        ("code", "code", kitfile),
        ("datasets", "dataset", kitfile),
        ("docs", "docs", kitfile),
    ):
        entries = owner.get(key)
        for entry in entries if isinstance(entries, list) else []:
            yield _section(kind, entry if isinstance(entry, dict) else {})


def _section(kind: str, entry: dict[str, Any]) -> _Section:
    return _Section(kind, str(entry.get("path", "")), str(entry.get("digest", "")))


def _entry(kitfile: dict[str, Any], key: str) -> dict[str, Any]:
    entry = kitfile.get(key)
    return entry if isinstance(entry, dict) else {}


def _parse(kitfile: bytes) -> dict[str, Any]:
    try:
        document = json.loads(kitfile)
    except (ValueError, RecursionError):
        raise BadArtifact("the ModelKit's config is no Kitfile") from None
    if not isinstance(document, dict):
        raise BadArtifact("the ModelKit's config is no Kitfile")
    return document


def _kind(layer: Descriptor) -> str:
    return layer.media_type.removeprefix(PREFIXES[0]).partition(".")[0]


def _folder(path: str, where: str) -> str:
    plain = path.removeprefix("./").rstrip("/")
    return "" if plain in ("", ".") else safe(plain, where)
