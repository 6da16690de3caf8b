"""What a kubelet does with an init container, as far as it matters here: volumes are folders, mounts are paths.

A process without a mount namespace of its own cannot have a folder at `/weighbridge/volume`, so each mount's
path is replaced by its folder wherever the command and the environment speak of it. All else is as written.
"""

import base64
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.parts.objects import Object

_TIMEOUT_SECONDS = 120


@dataclass(frozen=True)
class Node:
    """A folder that stands for a node, with the claims and secrets that its pods may mount."""

    folder: Path
    secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Secrets' `data`, in base64 as the API server gives it."""

    config_maps: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """ConfigMaps' `data`."""

    def run(self, pod: Object, name: str) -> "subprocess.CompletedProcess[str]":
        """Run the init container `name` of a pod to its end."""
        (container,) = [one for one in pod["spec"]["initContainers"] if one["name"] == name]
        places = {mount["mountPath"]: self.mounted(pod, mount) for mount in container["volumeMounts"]}
        environ = {one["name"]: _mapped(_literal(one["value"]), places) for one in container["env"]}
        command = [_mapped(word, places) for word in [*container["command"], *container.get("args", [])]]
        self.folder.mkdir(parents=True, exist_ok=True)
        with_python = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        return subprocess.run(
            command,
            env=environ | with_python,
            cwd=self.folder,
            check=False,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
        )

    def mounted(self, pod: Object, mount: Object) -> Path:
        """Return the folder that a mount shows, made when the volume is used for the first time."""
        (volume,) = [one for one in pod["spec"]["volumes"] if one["name"] == mount["name"]]
        root = self._volume(pod["metadata"]["uid"], volume)
        place: Path = root / mount.get("subPath", "")
        place.mkdir(parents=True, exist_ok=True)
        return place

    def _volume(self, uid: str, volume: Object) -> Path:
        if "persistentVolumeClaim" in volume:
            claim: str = volume["persistentVolumeClaim"]["claimName"]
            return self.folder / "claims" / claim
        root: Path = self.folder / "pods" / uid / volume["name"]
        if "configMap" in volume:
            self._show(volume["configMap"], root)
        for source in volume.get("projected", {}).get("sources", []):
            self._project(source["secret"], root)
        return root

    def _show(self, config_map: Object, root: Path) -> None:
        content = self.config_maps.get(config_map["name"])
        assert content is not None or config_map["optional"], "a pod with no such ConfigMap would not start"
        for item in config_map["items"] if content is not None else ():
            root.mkdir(parents=True, exist_ok=True)
            (root / item["path"]).write_text((content or {})[item["key"]])

    def _project(self, secret: Object, root: Path) -> None:
        content = self.secrets.get(secret["name"])
        if content is None:
            assert secret["optional"], f"a pod with no secret {secret['name']} would not start"
            return
        for item in secret["items"]:
            target = root / item["path"]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(base64.b64decode(content[item["key"]]))


def _literal(value: str) -> str:
    """Read a value as the kubelet does where it refers to nothing: `$$` is one `$`."""
    assert not re.search(r"(?<!\$)(?:\$\$)*\$\(", value), f"{value!r} refers to another variable"
    return value.replace("$$", "$")


def _mapped(text: str, places: Mapping[str, Path]) -> str:
    for path, folder in places.items():
        text = re.sub(rf"(?<![\w/]){re.escape(path)}(?=/|,|$)", str(folder), text)
    return text
