"""The chart as the real Helm renders, packs and installs it."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML

from .rendered import DEPLOY, Object

CHART = DEPLOY / "chart"
NAMESPACE = "weighbridge-system"


@dataclass(frozen=True)
class Helm:
    """The real Helm, with a home of its own and the cluster of a kubeconfig, where there is one."""

    program: Path
    home: Path
    kubeconfig: str | Path = os.devnull

    def __call__(self, *arguments: str | Path) -> str:
        """Run it and return its output; what it says on stderr is in the assertion when it fails."""
        answer = self.tried(*arguments)
        assert answer.returncode == 0, answer.stderr + answer.stdout
        return answer.stdout

    def tried(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run it, however it ends."""
        homes = {f"HELM_{name}_HOME": str(self.home / name.lower()) for name in ("CACHE", "CONFIG", "DATA")}
        environ = os.environ | homes | {"KUBECONFIG": str(self.kubeconfig)}
        return subprocess.run([self.program, *arguments], check=False, capture_output=True, text=True, env=environ)

    def template(self, *values: str) -> list[Object]:
        """Return the chart's objects for some values, each `NAME=VALUE`."""
        sets = [argument for value in values for argument in ("--set", value)]
        said = self("template", "weighbridge", CHART, "--namespace", NAMESPACE, *sets)
        return [one for one in YAML(typ="safe", pure=True).load_all(said) if one]
