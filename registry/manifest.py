"""Manifests and indexes: JSON from anywhere in, frozen values out (image-spec, manifest.md and image-index.md).

Tests: tests/puller/test_plan.py
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from oras import defaults

from .digest import Digest
from .errors import BadDigest, BadManifest
from .printable import is_printable

MANIFEST_TYPE: str = defaults.default_manifest_media_type
INDEX_TYPE: str = defaults.default_index_media_type
ACCEPT = (MANIFEST_TYPE, INDEX_TYPE, defaults.docker_manifest_media_type, defaults.docker_manifest_list_media_type)
ARTIFACT_MANIFEST_TYPE = "application/vnd.oci.artifact.manifest.v1+json"
"""The manifest of candidates of image-spec 1.1, which some signatures still have: blobs, and no config."""

ACCEPT_ALL = (*ACCEPT, ARTIFACT_MANIFEST_TYPE)
IMAGE_CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
IMAGE_CONFIG_TYPES = (IMAGE_CONFIG_TYPE, "application/vnd.docker.container.image.v1+json")
_INDEX_TYPES = (INDEX_TYPE, defaults.docker_manifest_list_media_type)
_MANIFEST_TYPES = (MANIFEST_TYPE, defaults.docker_manifest_media_type)
_KINDS = {dict: "an object", list: "a list", str: "text", bool: "true or false"}

_PLATFORM, _FEATURES = ("os", "architecture", "variant"), "os.features"
_MOST_BYTES = 1 << 63  # int64, as the specification says (image-spec, descriptor.md)

SIZE_LIMIT = 8 << 20
"""Registries should accept 4 MiB; twice that is still read (distribution-spec, "Pushing Manifests")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """A blob as its manifest describes it (image-spec, descriptor.md). `size` in bytes.

    `platform` is `linux/amd64` and the like, in an index of images, and `os_features` what a system must have beside
    it; `artifact_type` is that of the manifest which is described; `name` is Ollama's addition.
    """

    media_type: str
    digest: Digest
    size: int
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)
    platform: str = ""
    name: str = ""
    artifact_type: str = ""
    os_features: tuple[str, ...] = ()

    def check_size(self, limit: int) -> None:
        """Raise BadManifest where the blob is larger than what is read whole."""
        if self.size > limit:
            raise BadManifest(f"{self.digest}: {self.size} bytes where at most {limit} are read")

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object; what is empty is left out."""
        entry: dict[str, Any] = {"mediaType": self.media_type, "digest": str(self.digest), "size": self.size}
        told = {"artifactType": self.artifact_type, "annotations": dict(self.annotations)}
        entry |= {key: value for key, value in told.items() if value}
        if "/" in self.platform:
            parts = dict(zip(_PLATFORM, self.platform.split("/"), strict=False))
            entry["platform"] = parts | ({_FEATURES: list(self.os_features)} if self.os_features else {})
        return entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """An artifact: its config and its layers."""

    media_type: str = MANIFEST_TYPE
    artifact_type: str = ""
    config: Descriptor
    layers: tuple[Descriptor, ...]
    subject: Descriptor | None = None
    """The manifest that this one is attached to."""

    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)

    def to_bytes(self) -> bytes:
        """Return the JSON document to push: equal values give equal bytes."""
        document: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": self.media_type,
            **({"artifactType": self.artifact_type} if self.artifact_type else {}),
            "config": self.config.to_json(),
            "layers": [layer.to_json() for layer in self.layers],
        }
        if self.subject is not None:
            document["subject"] = self.subject.to_json()
        if self.annotations:
            document["annotations"] = dict(self.annotations)
        return _encoded(document)


class ArtifactManifest(NamedTuple):
    """Blobs that say something about a manifest, as candidates of image-spec 1.1 had them (ARTIFACT_MANIFEST_TYPE)."""

    artifact_type: str
    blobs: tuple[Descriptor, ...]
    annotations: Mapping[str, str]
    media_type: str = ARTIFACT_MANIFEST_TYPE


class Index(NamedTuple):
    """A list of manifests, one for each platform or variant."""

    manifests: tuple[Descriptor, ...]

    def to_bytes(self) -> bytes:
        """Return the JSON document to push: equal values give equal bytes."""
        listed = [manifest.to_json() for manifest in self.manifests]
        return _encoded({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": listed})


def _encoded(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def parse_manifest(content: bytes) -> Manifest | Index:
    """Parse a manifest or an index; raise BadManifest that names the wrong JSON path.

    The value there is not quoted: a registry may have redirected to a service whose answers are confidential.
    """
    return _parsed(_object(content))


def parse_any(content: bytes) -> Manifest | Index | ArtifactManifest:
    """Parse a document that is copied, and may be one that nobody pulls. Raises BadManifest as above."""
    document = _object(content)
    if document.get("mediaType") != ARTIFACT_MANIFEST_TYPE or {"config", "layers", "manifests"} & document.keys():
        return _parsed(document)
    kind = _type(document, "artifactType", "artifactType", default="")
    blobs = _descriptors(document, "blobs") if "blobs" in document else ()
    return ArtifactManifest(kind, blobs, _annotations(document.get("annotations"), "annotations"))


def _object(content: bytes) -> dict[str, Any]:
    if len(content) > SIZE_LIMIT:
        raise BadManifest(f"the manifest has {len(content)} bytes; more than {SIZE_LIMIT} are not read")
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        raise BadManifest(f"the manifest is not JSON, but {len(content)} bytes of {_kind(content)}") from None
    if not isinstance(document, dict):
        raise BadManifest(f"the manifest is no JSON object, but {_named(document)}")
    return document


def _parsed(document: dict[str, Any]) -> Manifest | Index:
    if _is_index(document):
        return Index(manifests=_descriptors(document, "manifests"))
    return Manifest(
        media_type=_type(document, "mediaType", "mediaType", default=MANIFEST_TYPE),
        artifact_type=_type(document, "artifactType", "artifactType", default=""),
        config=_descriptor(document.get("config"), "config"),
        layers=_descriptors(document, "layers"),
        subject=None if document.get("subject") is None else _descriptor(document["subject"], "subject"),
        annotations=_annotations(document.get("annotations"), "annotations"),
    )


def _is_index(document: dict[str, Any]) -> bool:
    """Return whether a document is an index; raise BadManifest for one that readers could take for either.

    The tool that checks such a document could read one artifact, the tool that runs it another (CVE-2021-41190).
    """
    has_manifests = document.get("manifests") is not None
    has_layers = document.get("layers") is not None or document.get("config") is not None
    says_index = document.get("mediaType") in _INDEX_TYPES
    says_manifest = document.get("mediaType") in _MANIFEST_TYPES
    if (has_manifests and has_layers) or (says_index and has_layers) or (says_manifest and has_manifests):
        raise BadManifest("the manifest is an index as well: it has both `manifests` and what an artifact has")
    return says_index or ("manifests" in document and not has_layers)


def _kind(content: bytes) -> str:
    """Return what the bytes look like."""
    if not content:
        return "nothing"
    if content.startswith(b"\x1f\x8b"):
        return "gzip"
    try:
        start = content.decode().lstrip()[:1]
    except UnicodeDecodeError:
        return "binary"
    return {"<": "HTML or XML", "{": "broken JSON", "[": "broken JSON"}.get(start, "text")


def _named(value: object) -> str:
    """Return the JSON type of a value."""
    return "nothing" if value is None else _KINDS.get(type(value), "a number")


def _descriptors(document: dict[str, Any], key: str) -> tuple[Descriptor, ...]:
    entries = document.get(key)
    if entries is None and key in document:
        return ()  # Go writes a nil slice as null
    if not isinstance(entries, list):
        raise BadManifest(f"{key}: wanted a list, got {_named(entries)}")
    return tuple(_descriptor(entry, f"{key}[{number}]") for number, entry in enumerate(entries))


def _descriptor(entry: object, path: str) -> Descriptor:
    if not isinstance(entry, dict):
        raise BadManifest(f"{path}: wanted an object, got {_named(entry)}")
    size = entry.get("size")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size < _MOST_BYTES:
        raise BadManifest(f"{path}.size: wanted a number of bytes, got {_named(size)}")
    try:
        digest = Digest.parse(entry.get("digest", ""))
    except BadDigest:
        raise BadManifest(f"{path}.digest: wanted a digest, got {_named(entry.get('digest'))}") from None
    kind, platform = entry.get("artifactType"), entry.get("platform")
    platform = platform if isinstance(platform, dict) else {}
    return Descriptor(
        media_type=_type(entry, "mediaType", f"{path}.mediaType"),
        digest=digest,
        size=size,
        annotations=_annotations(entry.get("annotations"), f"{path}.annotations"),
        platform="/".join(_texts([platform.get(key) for key in _PLATFORM])),
        name=_text(entry, "name", f"{path}.name", default=""),
        artifact_type=kind if isinstance(kind, str) else "",
        os_features=_texts(platform.get(_FEATURES)),
    )


def _texts(values: object) -> tuple[str, ...]:
    return tuple(one for one in values if isinstance(one, str) and one) if isinstance(values, list) else ()


def _text(entry: dict[str, Any], key: str, path: str, default: str | None = None) -> str:
    value = entry.get(key, default)
    if not isinstance(value, str):
        raise BadManifest(f"{path}: wanted text, got {_named(value)}")
    return value


def _type(entry: dict[str, Any], key: str, path: str, default: str | None = None) -> str:
    """Return a media type; it must be printable, because messages quote it."""
    value = _text(entry, key, path, default)
    if not is_printable(value):
        raise BadManifest(f"{path}: text that cannot be printed is no media type")
    return value


def _annotations(entry: object, path: str) -> Mapping[str, str]:
    if entry is None:
        return {}
    if not isinstance(entry, dict):
        raise BadManifest(f"{path}: wanted an object, got {_named(entry)}")
    for number, value in enumerate(entry.values()):
        if not isinstance(value, str):
            raise BadManifest(f"{path}[{number}]: wanted text, got {_named(value)}")
    return entry
