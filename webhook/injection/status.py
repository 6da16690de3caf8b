"""The plan of an injection, which is kept on the pod as its record."""

import json
from dataclasses import dataclass
from typing import Any, Literal

from registry.digest import Digest
from registry.errors import Fault
from registry.source import parse_source
from webhook.contract import STATUS, parse_model
from webhook.pod.mounts import parse_mount_path
from webhook.pod.podspec import Raw, annotations, extended_mapping
from webhook.pod.tolerations import Toleration
from webhook.pod.volumes import Volume

from .resolve import Origin

# The version of the record's format. The release that wrote it shows in `image`.
_VERSION = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """All decisions for one pod; applying them again changes nothing.

    Law: Status.parse(status.to_json()) == status. It holds no time, so that equal pods stay equal.
    """

    model: str
    source: str
    origin: Origin
    containers: tuple[str, ...]
    volume: Volume
    mount_path: str
    pull_secrets: tuple[str, ...]
    tolerations: tuple[Toleration, ...]
    image: str

    @property
    def directory(self) -> str:
        """The model's directory on the volume."""
        return self.volume.directory(self.model, self.source)

    @property
    def digest(self) -> Digest | None:
        """The digest that pins the source, or None."""
        return parse_source(self.source).digest

    def to_json(self) -> str:
        """Return the record as JSON, compact and in a fixed order."""
        record = {
            "version": _VERSION,
            "model": self.model,
            "source": self.source,
            "origin": self.origin,
            "containers": list(self.containers),
            "volume": str(self.volume),
            "mountPath": self.mount_path,
            "pullSecrets": list(self.pull_secrets),
            "tolerations": [toleration.to_raw() for toleration in self.tolerations],
            "image": self.image,
        }
        return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @classmethod
    def parse(cls, text: str) -> "Status | None":
        """Parse a record; None for one that the webhook did not write."""
        try:
            record = json.loads(text)
            if record["version"] != _VERSION:
                return None
            return cls._from_record(record)
        except (ValueError, LookupError, TypeError, AttributeError, Fault):
            return None

    @classmethod
    def _from_record(cls, record: dict[str, Any]) -> "Status":
        return cls(
            model=parse_model(record["model"]),
            source=str(parse_source(record["source"])),
            origin=_parse_origin(record["origin"]),
            containers=tuple(record["containers"]),
            volume=Volume.parse(record["volume"]),
            mount_path=parse_mount_path(record["mountPath"]),
            pull_secrets=tuple(record["pullSecrets"]),
            tolerations=tuple(Toleration.from_raw(raw) for raw in record["tolerations"]),
            image=str(record["image"]),
        )


def read_status(pod: Raw) -> Status | None:
    """Return the pod's record, if it has one that the webhook wrote."""
    text = annotations(pod).get(STATUS.name)
    return Status.parse(text) if isinstance(text, str) else None


def write_status(pod: Raw, status: Status) -> None:
    """Write the record to the pod's annotations."""
    metadata = extended_mapping(pod, "metadata")
    extended_mapping(metadata, "annotations")[STATUS.name] = status.to_json()


def _parse_origin(text: str) -> Origin:
    known: dict[str, Literal["annotation", "catalog", "prefix"]] = {
        "annotation": "annotation",
        "catalog": "catalog",
        "prefix": "prefix",
    }
    return known[text]
