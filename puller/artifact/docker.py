"""Docker Model Runner: raw blobs; older ones have no names, and are named by their kind.

Its packager accepts any number of licenses, and names each by the last part of its path: equal names get a number.

Tests: tests/puller/artifact/test_writers.py
"""

from collections import Counter

from puller.errors import UnsupportedLayer
from registry.annotations import file_name
from registry.manifest import Manifest
from registry.paths import plain

from .part import LayerKind, Metadata, Part

PREFIXES = ("application/vnd.docker.ai.",)

_NAMES = {
    "gguf.v3": "model.gguf",
    "gguf.v3.lora": "adapter.gguf",
    "gguf.v3.mmproj": "model.mmproj",
    "mmproj": "model.mmproj",
    "safetensors": "model.safetensors",
    "dduf": "model.dduf",
    "license": "LICENSE",
    "chat.template.jinja": "template.jinja",
}
_SHARDED = ("gguf.v3", "safetensors")


def parts_of(manifest: Manifest) -> tuple[Part, ...]:
    """Return the parts; raise UnsupportedLayer for a kind without a name."""
    kinds = [layer.media_type.removeprefix(PREFIXES[0]) for layer in manifest.layers]
    totals, seen, licenses = Counter(kinds), Counter[str](), Counter[str]()
    parts = []
    for number, (layer, kind) in enumerate(zip(manifest.layers, kinds, strict=True)):
        seen[kind] += 1
        if kind.endswith(".tar"):
            parts.append(Part(layer=layer, number=number, shape=LayerKind.ARCHIVE))
            continue
        name = file_name(layer) or conventional(kind, seen[kind], totals[kind])
        if kind == "license" and name:
            licenses[name] += 1
            name = name if licenses[name] == 1 else f"{name}.{licenses[name]}"
        if name is None:
            raise UnsupportedLayer(f"layers[{number}]: {layer.media_type} has no file name")
        metadata = Metadata.of(layer)
        parts.append(
            Part(
                layer=layer,
                number=number,
                shape=LayerKind.FILE,
                path=plain(name),
                mode=metadata.mode,
                mtime=metadata.mtime,
            )
        )
    return tuple(parts)


def conventional(kind: str, number: int, total: int) -> str | None:
    """Return the name of the `number`th of `total` layers of a kind, or None."""
    name = _NAMES.get(kind)
    if name is None or total == 1 or kind == "license":
        return name
    stem, dot, suffix = name.partition(".")
    if kind in _SHARDED:
        return f"{stem}-{number:05}-of-{total:05}{dot}{suffix}"
    return name if number == 1 else f"{name}.{number}"
