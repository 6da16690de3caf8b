"""OCI and Docker images: a model in a folder of an image's file system (KServe modelcar, KAITO, RamaLama).

A layer may also remove files of earlier layers (image-spec, layer.md, "Whiteouts").

Tests: tests/puller/artifact/test_writers.py
"""

import json
from collections.abc import Iterable

from registry.digest import Digest
from registry.errors import BadDigest
from registry.manifest import IMAGE_CONFIG_TYPES, Manifest

from .part import LayerKind, Part

_LAYERS = ("application/vnd.oci.image.layer.", "application/vnd.docker.image.rootfs.")

ROOTS = ("models", "model", "data")
"""The folders where packers put a model, the likeliest first: modelcars, others, KAITO's adapters."""

ESTARGZ_FILES = ("stargz.index.json", ".prefetch.landmark", ".no.prefetch.landmark")
"""The files that eStargz adds at an image's root for lazy pulling; they are not the image's own."""

_WHITEOUT, _OPAQUE = ".wh.", ".wh..wh..opq"


def is_image(manifest: Manifest) -> bool:
    """Return whether an artifact is an image: its config says so, and its layers are a file system's."""
    is_configured = manifest.config.media_type in IMAGE_CONFIG_TYPES
    return is_configured and all(layer.media_type.startswith(_LAYERS) for layer in manifest.layers)


def has_file_system(manifest: Manifest, config: bytes) -> bool:
    """Return whether a config describes a file system of just these layers (image-spec, config.md, "rootfs").

    This tells an image whose layers have titles (KAITO pushes its adapters by oras, olot titles every layer) from files
    that are pushed with a config of the same type.
    """
    try:
        found = json.loads(config)["rootfs"]["diff_ids"]
        return isinstance(found, list) and len(manifest.layers) == len([Digest.parse(digest) for digest in found])
    except (ValueError, TypeError, KeyError, RecursionError, BadDigest):
        return False


def parts_of(manifest: Manifest) -> tuple[Part, ...]:
    """Return the parts in the order of the layers: later ones replace files of earlier ones."""
    return tuple(
        Part(layer=layer, number=number, shape=LayerKind.ARCHIVE) for number, layer in enumerate(manifest.layers)
    )


def is_whiteout(path: str) -> bool:
    """Return whether a member is a whiteout: a mark for something that its layer removes."""
    return path.rpartition("/")[2].startswith(_WHITEOUT)


def is_opaque(path: str) -> bool:
    """Return whether a whiteout removes all that is in its folder, and not only one name."""
    return path.rpartition("/")[2] == _OPAQUE


def removed_by(path: str) -> str:
    """Return what a whiteout removes: a path, or the folder whose contents are removed."""
    folder, _, name = path.rpartition("/")
    return folder if is_opaque(path) else "/".join(filter(None, (folder, name.removeprefix(_WHITEOUT))))


def affects(path: str, roots: Iterable[str]) -> bool:
    """Return whether a member can affect a file below one of `roots`; all other members can be skipped.

    It can if it is inside, is the folder itself, or is (a whiteout of) a folder above.
    """
    subject = removed_by(path) if is_whiteout(path) else path
    inner = f"{subject}/" if subject else ""
    return any(
        inner.startswith(outer) or outer.startswith(inner) for outer in (f"{root}/" if root else "" for root in roots)
    )
