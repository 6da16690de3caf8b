"""The entries of an OCI layout's index by name (image-spec, image-layout.md, "index.json"). Pure.

Tests: tests/registry/layout/test_layout.py
"""

import json
import re
from typing import Any

from oras.defaults import oci_ref_name_annotation

from registry.manifest import Descriptor, Index
from registry.source import LayoutSource

_COMPANION = re.compile(r"sha(256|512)-[0-9a-f]{64}(\.[a-z]+)?")
_CONTAINERD_NAME = "io.containerd.image.name"


def listed(index: Index, source: LayoutSource) -> list[Descriptor]:
    """Return every entry that a source may mean, one for each artifact: the index may list it once for each tag.

    The ref.name annotation is a tag, or an image's whole name with its tag, as skopeo and podman write it; containerd
    and buildx write the whole name in an annotation of their own.
    """
    entries = index.manifests
    if source.digest:
        matches = [entry for entry in entries if entry.digest == source.digest]
    elif source.tag:
        matches = [entry for entry in entries if tag_of(entry) == source.tag]
        matches = matches or [entry for entry in entries if _name_of(entry).endswith(f":{source.tag}")]
    else:
        matches = [entry for entry in entries if _is_artifact(entry)] or list(entries)
    return list({entry.digest: entry for entry in matches}.values())


def _is_artifact(entry: Descriptor) -> bool:
    """Return whether an entry is more than a companion of another one, such as a signature."""
    return bool(_name_of(entry)) and not _COMPANION.fullmatch(tag_of(entry))


def tag_of(entry: Descriptor) -> str:
    """Return an entry's tag, or an empty text."""
    return entry.annotations.get(oci_ref_name_annotation, "")


def _name_of(entry: Descriptor) -> str:
    return entry.annotations.get(_CONTAINERD_NAME) or tag_of(entry)


def with_entry(content: bytes, index: Index, entry: Descriptor) -> dict[str, Any]:
    """Return an index's document with one more entry, in place of another artifact's with its tag.

    `index` is what `content` says. All else stays as it was: other tools keep there what we do not read. An artifact
    that the index lists so already is not listed twice.
    """
    document, tag = json.loads(content), tag_of(entry)
    kept, is_listed = list[Any](), False
    for raw, old in zip(document["manifests"] or [], index.manifests, strict=True):
        is_same = tag_of(old) == tag and (old.digest, old.size) == (entry.digest, entry.size)
        if tag_of(old) != tag or not tag or (is_same and not is_listed):
            kept.append(raw)
        is_listed = is_listed or is_same
    return {**document, "manifests": kept if is_listed else [*kept, entry.to_json()]}
