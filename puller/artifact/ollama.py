"""Ollama: raw blobs, which are named by their kind; a few have a name in their descriptor.

Tests: tests/puller/artifact/test_writers.py
"""

from collections import Counter

from registry.manifest import Manifest
from registry.paths import plain

from .part import LayerKind, Part

PREFIXES = ("application/vnd.ollama.image.",)

_NAMES = {
    "model": "model.gguf",
    "projector": "mmproj.gguf",
    "adapter": "adapter.gguf",
    "draft": "draft.gguf",
    "template": "chat_template",
    "params": "params.json",
    "messages": "messages.json",
    "license": "LICENSE",
}


def parts_of(manifest: Manifest) -> tuple[Part, ...]:
    """Return the parts. A layer of an unknown kind is named by that kind."""
    seen = Counter[str]()
    parts = []
    for number, layer in enumerate(manifest.layers):
        name = layer.name
        if not name:
            kind = layer.media_type.removeprefix(PREFIXES[0])
            seen[kind] += 1
            name = _numbered(_NAMES.get(kind, kind), seen[kind])
        parts.append(Part(layer=layer, number=number, shape=LayerKind.FILE, path=plain(name)))
    return tuple(parts)


def _numbered(name: str, number: int) -> str:
    """Return the name of the `number`th layer of a kind: from the second on, with a number before the suffix."""
    if number == 1:
        return name
    stem, dot, suffix = name.partition(".")
    return f"{stem}.{number}{dot}{suffix}"
