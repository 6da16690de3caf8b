"""The volume of models: its kinds, and its definition and mounts in a pod.

Tests: tests/webhook/test_cases.py
"""

import hashlib
from dataclasses import dataclass
from typing import Literal

from registry.source import ClaimSource
from webhook.names import MODEL_VOLUME, VOLUME_DIRECTORY, is_subdomain
from webhook.quotes import quoted
from webhook.refusals import BadClaim, BadVolume

from .podspec import Raw
from .quantities import quantity

Kind = Literal["emptydir", "memory", "ephemeral", "pvc", "hostpath", "image"]

_LONGEST_PATH = 4096
_IMAGE_FOLDER = "models"
"""Where images hold models, by the convention of KServe's modelcars."""


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume for models. `name` is a claim's, a storage class's or a host's path, as the kind has it."""

    kind: Kind = "emptydir"
    name: str = ""
    subpath: str = ""

    @classmethod
    def parse(cls, text: str) -> "Volume":
        """Parse the annotation's value; raise BadVolume or BadClaim."""
        kind, colon, place = text.partition(":")
        if kind in ("emptydir", "memory", "image", "ephemeral") and not colon:
            return cls(kind)  # type: ignore[arg-type] # one of the kinds
        if kind == "ephemeral" and is_subdomain(place):
            return cls("ephemeral", place)
        if kind == "hostpath" and is_host_path(place):
            return cls("hostpath", place)
        if kind == "pvc" and colon:
            return cls._claim(place)
        raise BadVolume("")

    @classmethod
    def _claim(cls, place: str) -> "Volume":
        claim, slash, subpath = place.partition("/")
        if not is_subdomain(claim):
            raise BadClaim(f"{quoted(claim)} is not a valid PersistentVolumeClaim name")
        if slash and not is_subpath(subpath):
            raise BadClaim(f"{quoted(subpath)} is not a path inside the claim {quoted(claim)}")
        return cls("pvc", claim, subpath)

    def __str__(self) -> str:
        name = f"{self.kind}:{self.name}" if self.name else self.kind
        return f"{name}/{self.subpath}" if self.subpath else name

    @property
    def is_shared(self) -> bool:
        """Whether other pods use the same folder, and may do so after a power cut."""
        return self.kind in ("pvc", "hostpath")

    @property
    def is_claim(self) -> bool:
        """Whether a claim is behind it, whose root may belong to another user."""
        return self.kind in ("pvc", "ephemeral")

    @property
    def is_the_pods_own(self) -> bool:
        """Whether it comes and goes with the pod, and is made as large as the model needs."""
        return self.kind in ("emptydir", "memory", "ephemeral")

    @property
    def is_pulled_to(self) -> bool:
        """Whether a puller writes the files, and not the kubelet."""
        return self.kind != "image"

    @property
    def holds_node(self) -> bool:
        """Whether the cluster autoscaler takes it for local data, for which it keeps the node."""
        return self.kind in ("emptydir", "memory")

    def directory(self, model: str, *identity: str) -> str:
        """Return the model's directory on the volume.

        A shared volume outlives pods: there, two models that differ in their identity must not share a directory.
        """
        if not self.is_shared:
            return model
        return f"{model}-{hashlib.sha256(chr(10).join(identity).encode()).hexdigest()[:16]}"

    def puller_mount(self) -> Raw:
        """Return the puller's mount: the directory of all models, so that it can stage beside them and rename."""
        mount = {"name": MODEL_VOLUME, "mountPath": VOLUME_DIRECTORY}
        return mount | ({"subPath": self.subpath} if self.subpath else {})

    def app_mount(self, directory: str, mount_path: str) -> Raw:
        """Return the application's mount: the finished model alone, read-only."""
        subpath = "/".join(filter(None, (self.subpath, directory)))
        return {"name": MODEL_VOLUME, "mountPath": mount_path, "readOnly": True, "subPath": subpath}

    def image_mount(self, mount_path: str) -> Raw:
        """Return the application's mount of an image volume."""
        return {"name": MODEL_VOLUME, "mountPath": mount_path, "readOnly": True, "subPath": _IMAGE_FOLDER}

    def definition(self, reference: str, size: str, room: str = "") -> Raw:
        """Return the entry for the pod's `volumes`.

        `reference` is an image volume's, `size` the least that an ephemeral claim asks for, and `room` what the files
        need; empty means that it is not known.
        """
        bound = {"sizeLimit": room} if room else {}
        kinds: dict[Kind, Raw] = {
            "emptydir": {"emptyDir": bound},
            "memory": {"emptyDir": {"medium": "Memory", **bound}},
            "pvc": {"persistentVolumeClaim": {"claimName": self.name}},
            "hostpath": {"hostPath": {"path": self.name, "type": "Directory"}},
            "image": {"image": {"reference": reference, "pullPolicy": "IfNotPresent"}},
            "ephemeral": {"ephemeral": {"volumeClaimTemplate": {"spec": self._claim_spec(_larger(size, room))}}},
        }
        return {"name": MODEL_VOLUME, **kinds[self.kind]}

    def _claim_spec(self, size: str) -> Raw:
        spec: Raw = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
        return spec | ({"storageClassName": self.name} if self.name else {})


def claim_volume(source: ClaimSource) -> Raw:
    """Return the entry for the pod's `volumes` of a claim that holds the model already."""
    return {"name": MODEL_VOLUME, "persistentVolumeClaim": {"claimName": source.claim, "readOnly": True}}


def claim_mount(source: ClaimSource, mount_path: str) -> Raw:
    """Return the application's mount of a claim that holds the model already."""
    mount = {"name": MODEL_VOLUME, "mountPath": mount_path, "readOnly": True}
    return mount | ({"subPath": source.path} if source.path else {})


def _larger(one: str, other: str) -> str:
    return max(one, other, key=lambda amount: quantity(amount) or 0)


def is_subpath(text: str) -> bool:
    """Return whether a text names a folder inside a claim, and none of the puller's own, whose names begin with a dot.

    Container runtimes split mounts at `:`; blanks at an end are mistakes.
    """
    if not text or len(text) > _LONGEST_PATH or not text.isprintable() or set(":\\") & set(text):
        return False
    return all(part and part == part.strip() and not part.startswith(".") for part in text.split("/"))


def is_host_path(text: str) -> bool:
    """Return whether a text is an absolute path of a node, other than its root, in its normal form."""
    return text.startswith("/") and is_subpath(text[1:])
