"""The record of an injection: its plan as JSON, in an annotation of the pod.

Tests: tests/webhook/test_inject.py
"""

import json
from collections.abc import Callable
from typing import Any, get_args

from registry.digest import Digest
from registry.errors import Fault
from registry.signatures.rule import Mode
from registry.source import parse_source
from webhook.contract import STATUS, parse_model
from webhook.names import VOLUMES, is_container_name, is_subdomain
from webhook.pod.mounts import parse_mount_path
from webhook.pod.podspec import Raw, annotations, extended_mapping
from webhook.pod.resources import Resources
from webhook.pod.scheduling.affinity import KINDS
from webhook.pod.scheduling.tolerations import Toleration
from webhook.pod.volumes import Volume
from webhook.values.annotation import parse_adapters, parse_globs, parse_layout
from webhook.values.record import one_of, positive, text, texts

from .resolve import Origin
from .status import Status, Target

# The version of the record's format. The release that wrote it shows in `image`.
_VERSION = 1

_ALWAYS = ("containers", "pullSecrets", "tolerations")
_NOTHING: tuple[object, ...] = (None, "", [], {}, False)

_MOST_TOLERATIONS = 64  # more than an injection adds


def record_of(status: Status) -> str:
    """Return the record as JSON, compact and in a fixed order."""
    record = {
        "version": _VERSION,
        "model": status.model,
        "source": str(status.source),
        "digest": str(status.pin or ""),
        "bytes": status.content_bytes,
        "origin": status.origin,
        "containers": list(status.containers),
        "mountPath": status.mount_path,
        "mountPaths": {one.name: one.mount_path for one in status.targets if one.mount_path != status.mount_path},
        "env": {target.name: dict(target.environment) for target in status.targets if target.environment},
        "args": {target.name: list(target.arguments) for target in status.targets if target.arguments},
        "volume": str(status.volume),
        "layout": status.layout if status.layout != "files" else "",
        "adapters": ",".join(map(str, status.adapters)),
        "adapterDigests": [str(pin or "") for pin in status.adapter_pins],
        "include": list(status.include),
        "exclude": list(status.exclude),
        "pullSecrets": list(status.pull_secrets),
        "imagePullSecrets": list(status.image_secrets),
        "tokenAudience": status.token_audience,
        "requireSignature": status.require_signature,
        "signatures": status.signatures if status.signatures != "off" else "",
        "overlap": status.overlap,
        "pullerEnv": dict(status.variables),
        "tolerations": [toleration.to_raw() for toleration in status.tolerations],
        "resources": status.resources.to_raw(),
        "fsGroup": status.fs_group,
        "safeToEvict": list(status.evictable),
        "preferredAffinity": list(status.preferences),
        "image": status.image,
    }
    stated = {key: value for key, value in record.items() if key in _ALWAYS or value not in _NOTHING}
    return json.dumps(stated, separators=(",", ":"), ensure_ascii=False)


def parse_record(content: str) -> Status | None:
    """Parse a record; None for one that the webhook did not write. What an older release did not write is empty."""
    try:
        record = json.loads(content)
        if record["version"] != _VERSION:
            return None
        return _status_of(record)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, Fault):
        return None


def _status_of(record: dict[str, Any]) -> Status:
    adapters = record.get("adapters", "")
    return Status(
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
        signatures=one_of(get_args(Mode), record.get("signatures", "off")),
        variables=tuple((text(key), text(value)) for key, value in record.get("pullerEnv", {}).items()),
        tolerations=_tolerations(record.get("tolerations", [])),
        resources=_resources(record.get("resources", {})),
        fs_group=positive(record.get("fsGroup")),
        evictable=_names(record.get("safeToEvict", []), VOLUMES.__contains__),
        preferences=_names(record.get("preferredAffinity", []), KINDS.__contains__),
        pin=Digest.parse(record["digest"]) if "digest" in record else None,
        adapter_pins=_pins(record.get("adapterDigests", []), len(adapters.split(",")) if adapters else 0),
        content_bytes=positive(record.get("bytes")),
        image=text(record.get("image", "")),
    )


def read_status(pod: Raw) -> Status | None:
    """Return the pod's record, if it has one that the webhook wrote."""
    text = annotations(pod).get(STATUS.name)
    return parse_record(text) if isinstance(text, str) else None


def write_status(pod: Raw, status: Status) -> None:
    """Write the record to the pod's annotations, unless the same is there already."""
    if read_status(pod) != status:
        metadata = extended_mapping(pod, "metadata")
        extended_mapping(metadata, "annotations")[STATUS.name] = record_of(status)


def _target(record: dict[str, Any], name: object) -> Target:
    (container,) = _names([name], is_container_name)
    variables = record.get("env", {}).get(container, {})
    return Target(
        container,
        parse_mount_path(record.get("mountPaths", {}).get(container, record["mountPath"])),
        tuple((text(key), text(value)) for key, value in variables.items()),
        texts(record.get("args", {}).get(container, [])),
    )


def _pins(found: object, count: int) -> tuple[Digest | None, ...]:
    pins = tuple(Digest.parse(one) if one else None for one in texts(found))
    if pins and len(pins) != count:
        raise ValueError
    return pins


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
