"""Who wrote an artifact, in its own words: annotations of the manifest, and what its config says of the model.

Tests: tests/puller/test_verify.py
"""

import json
from collections.abc import Iterator
from typing import Any

from registry.errors import Fault
from registry.manifest import Manifest
from registry.printable import printable
from registry.repository import CONFIG_LIMIT, Repository

_ANNOTATION = "org.opencontainers.image."
_ANNOTATED = ("authors", "vendor", "created", "source", "revision", "licenses")
_TABLES = ("descriptor", "package")
"""Of ModelPack's config, and of a Kitfile."""

_NAMED = ("name", "authors", "author", "vendor", "createdAt", "sourceURL", "revision", "licenses", "license")


def about(repository: Repository, manifest: Manifest) -> dict[str, str]:
    """Return what an artifact says of its origin, by the names that it uses; nothing of it is proved by a signature."""
    annotated = ((key, manifest.annotations.get(f"{_ANNOTATION}{key}", "")) for key in _ANNOTATED)
    told = dict(filter(all, (*annotated, *_of_config(repository, manifest))))
    return {key: printable(value) for key, value in told.items()}


def _of_config(repository: Repository, manifest: Manifest) -> Iterator[tuple[str, str]]:
    try:
        document = json.loads(repository.read(manifest.config, CONFIG_LIMIT))
    except (Fault, ValueError, RecursionError):
        return
    for name in _TABLES if isinstance(document, dict) else ():
        table = document.get(name)
        if isinstance(table, dict):
            for key in _NAMED:
                yield from _text(key, table.get(key))


def _text(key: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        value = ", ".join(one for one in value if isinstance(one, str))
    if isinstance(value, str) and value:
        yield key, value
