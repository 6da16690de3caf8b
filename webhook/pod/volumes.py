"""The volume that puller and application share, and the one of the puller's credentials."""

import hashlib
from dataclasses import dataclass
from pathlib import PurePosixPath

from webhook.names import CREDENTIALS_DIRECTORY, CREDENTIALS_VOLUME, MODEL_VOLUME, VOLUME_DIRECTORY, is_subdomain
from webhook.refusals import BadClaim, BadVolume

from .podspec import Raw, entries, extended_list, extended_mapping, mapping, name_of


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume for models: an emptyDir, or a path in a claim when `claim` is set."""

    claim: str = ""
    subpath: str = ""

    @classmethod
    def parse(cls, text: str) -> "Volume":
        """Parse `emptydir` or `pvc:CLAIM[/SUBPATH]`; raise BadVolume or BadClaim."""
        if text == "emptydir":
            return cls()
        kind, colon, place = text.partition(":")
        if kind != "pvc" or not colon:
            raise BadVolume(f"{text!r} is no volume")
        claim, slash, subpath = place.partition("/")
        if not is_subdomain(claim):
            raise BadClaim(f"{claim!r} is no name of a claim")
        if slash and not _is_inside(subpath):
            raise BadClaim(f"{subpath!r} is no path inside the claim {claim}")
        return cls(claim, subpath)

    def __str__(self) -> str:
        if not self.claim:
            return "emptydir"
        return f"pvc:{self.claim}/{self.subpath}" if self.subpath else f"pvc:{self.claim}"

    @property
    def outlives_the_pod(self) -> bool:
        """Whether another pod may use the same data after a power cut."""
        return bool(self.claim)

    def directory(self, model: str, source: str) -> str:
        """Return the model's directory on the volume.

        A claim outlives pods and is shared: there, two sources of one name must have different directories.
        """
        if not self.claim:
            return model
        return f"{model}-{hashlib.sha256(source.encode()).hexdigest()[:8]}"

    def puller_mount(self) -> Raw:
        """Return the puller's mount: the directory of all models, so that it can stage beside them and rename."""
        mount = {"name": MODEL_VOLUME, "mountPath": VOLUME_DIRECTORY}
        return mount | ({"subPath": self.subpath} if self.subpath else {})

    def app_mount(self, directory: str, mount_path: str) -> Raw:
        """Return the application's mount: the finished model alone, read-only."""
        subpath = f"{self.subpath}/{directory}" if self.subpath else directory
        return {"name": MODEL_VOLUME, "mountPath": mount_path, "readOnly": True, "subPath": subpath}

    def definition(self) -> Raw:
        """Return the entry for the pod's `volumes`."""
        if not self.claim:
            return {"name": MODEL_VOLUME, "emptyDir": {}}
        return {"name": MODEL_VOLUME, "persistentVolumeClaim": {"claimName": self.claim}}


def add_volumes(pod: Raw, volume: Volume, pull_secrets: tuple[str, ...]) -> None:
    """Add the model's volume, and one for the credentials when there are any."""
    wanted = [volume.definition()]
    if pull_secrets:
        wanted.append(_credentials(pull_secrets))
    present = {name_of(item) for item in entries(mapping(pod, "spec"), "volumes")}
    missing = [item for item in wanted if item["name"] not in present]
    if missing:
        extended_list(extended_mapping(pod, "spec"), "volumes").extend(missing)


def config_paths(pull_secrets: tuple[str, ...]) -> tuple[str, ...]:
    """Return the path of each secret's docker config in the puller."""
    return tuple(f"{CREDENTIALS_DIRECTORY}/{name}/config.json" for name in pull_secrets)


def _credentials(pull_secrets: tuple[str, ...]) -> Raw:
    # optional: an absent secret must not keep the pod from starting, because the kubelet's own
    # imagePullSecrets do not either; the puller says what the registry refused.
    sources = [
        {
            "secret": {
                "name": name,
                "optional": True,
                "items": [{"key": ".dockerconfigjson", "path": f"{name}/config.json"}],
            }
        }
        for name in pull_secrets
    ]
    return {"name": CREDENTIALS_VOLUME, "projected": {"sources": sources}}


def _is_inside(subpath: str) -> bool:
    # container runtimes split mounts at ":"
    normal = str(PurePosixPath(subpath)) == subpath and subpath != "."
    return normal and not subpath.startswith("/") and ".." not in subpath.split("/") and ":" not in subpath
