"""KitOps ModelKit: the Kitfile is the config, and says which paths its layers were packed from.

A layer's type names its section and codec: `application/vnd.kitops.modelkit.model.v1.tar+gzip`. An archive holds paths
relative to the Kitfile's folder; before kit 0.5, which did not write digests into the Kitfile, relative to the folder
that holds the section's path. A raw layer goes to its section's path, which kit also annotates. A kit without a model
layer of its own has its parent's reference in place of the model's path.

Tests: tests/puller/artifact/test_writers.py
"""

import json
import re
from collections.abc import Iterator
from posixpath import dirname, normpath
from typing import Any, NamedTuple

from puller.errors import BadArtifact, UnsupportedLayer
from registry.annotations import file_name
from registry.manifest import Descriptor, Manifest
from registry.paths import plain

from . import modelpack
from .part import LayerKind, Metadata, Part

PREFIXES = ("application/vnd.kitops.modelkit.", "application/vnd.jozu.model.")
_MODEL_KINDS = ("model", "weight")
_MODEL_PARTS = ("modelpart", "weight.config")  # as kit calls both, in a ModelKit and in a ModelPack
_REFERENCE = re.compile(r".*[:@]")
"""What kit reads as another kit's reference, and not as a path."""


class _Section(NamedTuple):
    """An entry of the Kitfile that a layer was made from."""

    kind: str
    path: str
    digest: str


def parts_of(manifest: Manifest, kitfile: bytes) -> tuple[Part, ...]:
    """Return the parts; raise BadArtifact and UnsupportedLayer."""
    sections = list(_sections(_parse(kitfile)))
    return tuple(_part(layer, number, sections) for number, layer in enumerate(manifest.layers))


def parent_of(manifest: Manifest, kitfile: bytes) -> str:
    """Return the reference of the ModelKit whose model this one uses, or ""; raise BadArtifact."""
    has_model = any(_kind(layer) in _MODEL_KINDS for layer in manifest.layers)
    path = _entry(_parse(kitfile), "model").get("path", "")
    is_reference = isinstance(path, str) and _REFERENCE.match(path) and not has_model
    return path if is_reference else ""


def is_model(part: Part) -> bool:
    """Return whether a part is one that a child takes over from its parent."""
    return _kind(part.layer) in (*_MODEL_KINDS, *_MODEL_PARTS)


def _part(layer: Descriptor, number: int, sections: list[_Section]) -> Part:
    codec = layer.media_type.rpartition(".v1.")[2]
    section = _take(sections, layer)
    if codec.split("+")[0] != "raw":
        root = plain(dirname(section.path)) if section and not section.digest else ""
        label = "".join(filter(str.isprintable, section.path)) if section else ""
        return Part(layer=layer, number=number, shape=LayerKind.ARCHIVE, root=root, label=label)
    name = section.path if section and section.path != "." else file_name(layer)
    if not name:
        raise UnsupportedLayer(f"layers[{number}]: {layer.media_type} is in no section of the Kitfile: it has no name")
    metadata = Metadata.of(layer)
    return Part(
        layer=layer,
        number=number,
        shape=LayerKind.CODED_FILE if "+" in codec else LayerKind.FILE,
        path=plain(name),
        mode=metadata.mode,
        mtime=metadata.mtime,
        size=metadata.size,
    )


def _take(sections: list[_Section], layer: Descriptor) -> _Section | None:
    """Remove and return a layer's section: the one with its digest, else the next of its kind."""
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
        ("prompts", "code", kitfile),
        ("mcpServers", "mcpb", kitfile),
    ):
        entries = owner.get(key)
        for entry in entries if isinstance(entries, list) else []:
            if isinstance(entry, dict) and not entry.get("remotePath"):  # a remote section has no layer
                yield _section(kind, entry)


def _section(kind: str, entry: dict[str, Any]) -> _Section:
    path, digest = (value if isinstance(value := entry.get(key), str) else "" for key in ("path", "digest"))
    return _Section(kind, normpath(path), digest)


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
    head = next((prefix for prefix in (PREFIXES[0], *modelpack.PREFIXES) if layer.media_type.startswith(prefix)), "")
    return layer.media_type.removeprefix(head).partition(".v1.")[0]
