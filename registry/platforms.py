"""The choice among an index's manifests: the image for this machine, or the only one.

Tests: tests/puller/artifact/test_writers.py
"""

import os
from collections.abc import Callable, Sequence

from .digest import Digest
from .errors import BadManifest, BadReference
from .manifest import Descriptor, Index, Manifest, parse_manifest
from .repository import Resolved

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "ppc64le": "ppc64le", "s390x": "s390x", "riscv64": "riscv64"}
_BASELINES = {"linux/amd64": "linux/amd64/v1", "linux/arm64": "linux/arm64/v8"}
_MOST_INDEXES = 4
_UNKNOWN = "unknown/unknown"  # the platform of builders' attestations
_ATTESTATION = "vnd.docker.reference.type"
_SOCI, _SOCI_TYPES = "com.amazon.soci.image-manifest-digest", "application/vnd.amazon.soci."
"""What marks SOCI's table of an image, which stands beside the image in its index (soci-snapshotter, SOCI index v2)."""


def choose(document: Manifest | Index, where: str) -> Manifest | Descriptor:
    """Return the manifest, or the one that an index leads to: of several, the image for this machine.

    Tables for lazy loaders, and images that only such a loader can mount, are passed over where the image itself is
    listed, too. Raises BadManifest when the index has none, and BadReference when several match.
    """
    if isinstance(document, Manifest):
        return document
    entries = [entry for entry in document.manifests if not (_is_attestation(entry) or _is_table(entry))]
    if not entries:
        raise BadManifest(f"{where}: the index is empty")
    if len(entries) == 1:
        return entries[0]
    ours = [entry for entry in entries if _is_for(entry, f"linux/{_architecture()}")]
    ours = [entry for entry in ours if not (entry.artifact_type or entry.os_features)] or ours
    ours = [entry for entry in ours if entry.platform in _plain(f"linux/{_architecture()}")] or ours
    if len(ours) == 1:
        return ours[0]
    raise BadReference(
        f"{where}: is an index of {len(entries)} manifests",
        hint="name one of them by digest: " + _some(ours or entries),
    )


def descend(digest: Digest, content: bytes, where: str, read: Callable[[Descriptor], bytes]) -> Resolved:
    """Return the manifest that a document leads to, through at most a few nested indexes.

    `read` returns the bytes of a manifest or an index, verified. Raises what `choose` does, and BadManifest.
    """
    documents = [(digest, content)]
    for _ in range(_MOST_INDEXES + 1):
        found = choose(parse_manifest(documents[-1][1]), where)
        if isinstance(found, Manifest):
            return Resolved(digest=digest, manifest=found, documents=tuple(documents))
        documents.append((found.digest, read(found)))
    raise BadManifest(f"{where}: more than {_MOST_INDEXES} indexes within each other")


def _architecture() -> str:
    machine = os.uname().machine
    return _ARCHITECTURES.get(machine, machine)


def _is_attestation(entry: Descriptor) -> bool:
    return entry.platform == _UNKNOWN or _ATTESTATION in entry.annotations


def _is_table(entry: Descriptor) -> bool:
    return _SOCI in entry.annotations or entry.artifact_type.startswith(_SOCI_TYPES)


def _is_for(entry: Descriptor, wanted: str) -> bool:
    return f"{entry.platform}/".startswith(f"{wanted}/")


def _plain(wanted: str) -> tuple[str, str]:
    """Return the names of a platform's baseline, which every machine of its kind can run."""
    return wanted, _BASELINES.get(wanted, wanted)


def _some(manifests: Sequence[Descriptor]) -> str:
    shown = ", ".join(" ".join(filter(None, (str(entry.digest), entry.platform))) for entry in manifests[:3])
    return shown + (", …" if len(manifests) > 3 else "")
