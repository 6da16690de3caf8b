"""The plan of an injection, which is kept on the pod as its record.

Tests: tests/webhook/test_inject.py
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, get_args

from registry.digest import Digest
from registry.errors import Fault
from registry.source import OciSource, Source, parse_source
from webhook.contract import STATUS, parse_model
from webhook.names import is_container_name, is_subdomain
from webhook.pod.mounts import parse_mount_path
from webhook.pod.podspec import Raw, annotations, extended_mapping
from webhook.pod.resources import Resources
from webhook.pod.tolerations import Toleration
from webhook.pod.volumes import Volume
from webhook.resolving.sizing import room
from webhook.values.annotation import Adapter, Layout, parse_adapters, parse_globs, parse_layout
from webhook.values.record import one_of, positive, text, texts

from .resolve import Origin

# The version of the record's format. The release that wrote it shows in `image`.
_VERSION = 1

_ALWAYS = ("containers", "pullSecrets", "tolerations")
_NOTHING: tuple[object, ...] = (None, "", [], {}, False)

_MOST_TOLERATIONS = 64  # more than an injection adds


@dataclass(frozen=True, slots=True)
class Target:
    """A container that gets the model: its mount path, the variables and the arguments that are added."""

    name: str
    mount_path: str
    environment: tuple[tuple[str, str], ...] = ()
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """All decisions for one pod, and all that is added to it; applying them again changes nothing.

    Law: Status.parse(status.to_json()) == status. It holds no time, so that equal pods stay equal.
    """

    model: str
    source: Source
    origin: Origin
    targets: tuple[Target, ...]
    volume: Volume
    layout: Layout = "files"
    adapters: tuple[Adapter, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    pull_secrets: tuple[str, ...] = ()
    image_secrets: tuple[str, ...] = ()
    """Secrets that are appended to the pod's imagePullSecrets."""

    token_audience: str = ""
    """The audience of the ServiceAccount's token that the source's registry gets; empty for no token."""

    overlap: str = ""
    """`on` where the model is pulled beside the engine's image, or why it is not although the pod asked; else empty."""

    require_signature: bool = False
    """Whether the pod asks for a signature, whatever the operator's policy asks for."""

    variables: tuple[tuple[str, str], ...] = ()
    """The puller's variables that other tools know, too: proxies, and the hub's address."""

    tolerations: tuple[Toleration, ...] = ()
    resources: Resources = field(default_factory=Resources)
    fs_group: int | None = None
    is_evictable: bool = False
    """Whether the cluster autoscaler is told that our volume keeps no node."""

    pin: Digest | None = None
    """The digest that the registry had for the source's tag at admission."""

    content_bytes: int | None = None
    """The bytes of the model's files, where its manifest told."""

    image: str

    @property
    def containers(self) -> tuple[str, ...]:
        """The names of the containers that get the model."""
        return tuple(target.name for target in self.targets)

    @property
    def mount_path(self) -> str:
        """The path at which the first of them sees it; empty if there is none."""
        return self.targets[0].mount_path if self.targets else ""

    @property
    def digest(self) -> Digest | None:
        """The digest that pins the source, by itself or since admission; or None."""
        return self.source.digest or self.pin

    @property
    def pinned_source(self) -> Source:
        """The source with the digest of admission, if there is one."""
        if self.pin is None or not isinstance(self.source, OciSource):
            return self.source
        return OciSource(self.source.reference.pinned(self.pin))

    @property
    def registries(self) -> tuple[str, ...]:
        """The registries of the source and of the adapters."""
        sources = (self.source, *(adapter.source for adapter in self.adapters))
        return tuple(source.reference.registry for source in sources if isinstance(source, OciSource))

    @property
    def room(self) -> str:
        """The amount of storage that an emptyDir needs; empty if it is not known, or if the volume is another."""
        if self.content_bytes is None or self.adapters or not self.volume.holds_node:
            return ""
        return room(self.content_bytes)

    @property
    def directory(self) -> str:
        """The model's directory on the volume: of its own for each source, selection and layout."""
        selection = (f"include={','.join(self.include)}", f"exclude={','.join(self.exclude)}", f"layout={self.layout}")
        stated = selection if self.include or self.exclude or self.layout != "files" else ()
        return self.volume.directory(self.model, str(self.source), *stated)

    @property
    def adapters_directory(self) -> str:
        """The directory on the volume that holds a folder for each adapter; each is made for the base model's path."""
        base = (str(self.source), *map(str, self.adapters), *(target.mount_path for target in self.targets))
        return f".adapters/{self.volume.directory(self.model, *base)}"

    def to_json(self) -> str:
        """Return the record as JSON, compact and in a fixed order."""
        record = {
            "version": _VERSION,
            "model": self.model,
            "source": str(self.source),
            "digest": str(self.pin or ""),
            "bytes": self.content_bytes,
            "origin": self.origin,
            "containers": list(self.containers),
            "mountPath": self.mount_path,
            "mountPaths": {one.name: one.mount_path for one in self.targets if one.mount_path != self.mount_path},
            "env": {target.name: dict(target.environment) for target in self.targets if target.environment},
            "args": {target.name: list(target.arguments) for target in self.targets if target.arguments},
            "volume": str(self.volume),
            "layout": self.layout if self.layout != "files" else "",
            "adapters": ",".join(map(str, self.adapters)),
            "include": list(self.include),
            "exclude": list(self.exclude),
            "pullSecrets": list(self.pull_secrets),
            "imagePullSecrets": list(self.image_secrets),
            "tokenAudience": self.token_audience,
            "requireSignature": self.require_signature,
            "overlap": self.overlap,
            "pullerEnv": dict(self.variables),
            "tolerations": [toleration.to_raw() for toleration in self.tolerations],
            "resources": self.resources.to_raw(),
            "fsGroup": self.fs_group,
            "safeToEvict": self.is_evictable,
            "image": self.image,
        }
        stated = {key: value for key, value in record.items() if key in _ALWAYS or value not in _NOTHING}
        return json.dumps(stated, separators=(",", ":"), ensure_ascii=False)

    @classmethod
    def parse(cls, text: str) -> "Status | None":
        """Parse a record; None for one that the webhook did not write. What an older release did not write is empty."""
        try:
            record = json.loads(text)
            if record["version"] != _VERSION:
                return None
            return cls._from_record(record)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError, Fault):
            return None

    @classmethod
    def _from_record(cls, record: dict[str, Any]) -> "Status":
        adapters = record.get("adapters", "")
        return cls(
            model=parse_model(record["model"]),
            source=parse_source(record["source"]),
            origin=one_of(get_args(Origin), record["origin"]),
            targets=tuple(_target(record, name) for name in record["containers"]),
            volume=Volume.parse(record["volume"]),
            layout=parse_layout(record.get("layout", "files")),
            adapters=parse_adapters(adapters) if adapters else (),
            include=_globs(record.get("include", [])),
            exclude=_globs(record.get("exclude", [])),
            pull_secrets=_names(record.get("pullSecrets", []), is_subdomain),
            image_secrets=_names(record.get("imagePullSecrets", []), is_subdomain),
            token_audience=text(record.get("tokenAudience", "")),
            overlap=text(record.get("overlap", "")),
            require_signature=one_of((True, False), record.get("requireSignature", False)),
            variables=tuple((text(key), text(value)) for key, value in record.get("pullerEnv", {}).items()),
            tolerations=_tolerations(record.get("tolerations", [])),
            resources=_resources(record.get("resources", {})),
            fs_group=positive(record.get("fsGroup")),
            is_evictable=one_of((True, False), record.get("safeToEvict", False)),
            pin=Digest.parse(record["digest"]) if "digest" in record else None,
            content_bytes=positive(record.get("bytes")),
            image=text(record.get("image", "")),
        )


def read_status(pod: Raw) -> Status | None:
    """Return the pod's record, if it has one that the webhook wrote."""
    text = annotations(pod).get(STATUS.name)
    return Status.parse(text) if isinstance(text, str) else None


def write_status(pod: Raw, status: Status) -> None:
    """Write the record to the pod's annotations, unless the same is there already."""
    if read_status(pod) != status:
        metadata = extended_mapping(pod, "metadata")
        extended_mapping(metadata, "annotations")[STATUS.name] = status.to_json()


def _target(record: dict[str, Any], name: object) -> Target:
    (container,) = _names([name], is_container_name)
    variables = record.get("env", {}).get(container, {})
    return Target(
        container,
        parse_mount_path(record.get("mountPaths", {}).get(container, record["mountPath"])),
        tuple((text(key), text(value)) for key, value in variables.items()),
        texts(record.get("args", {}).get(container, [])),
    )


def _resources(raw: object) -> Resources:
    found = Resources.of({"resources": raw})
    if found.to_raw() != raw:
        raise ValueError
    return found


def _tolerations(raws: list[Raw]) -> tuple[Toleration, ...]:
    if len(raws) > _MOST_TOLERATIONS:
        raise ValueError
    return tuple(map(Toleration.from_raw, raws))


def _globs(values: object) -> tuple[str, ...]:
    found = texts(values)
    return parse_globs(",".join(found)) if found else ()


def _names(values: object, is_valid: Callable[[str], bool]) -> tuple[str, ...]:
    found = texts(values)
    if not all(map(is_valid, found)):
        raise ValueError
    return found
