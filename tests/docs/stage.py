"""What the pages suppose: a cluster with Weighbridge in it, registries, a folder with a model, and the programs."""

import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from .page import ROOT, Command

_PLAIN_HTTP = """#!/bin/sh
# Helm asks for a flag where a registry speaks HTTP; `weighbridge` knows loopback by itself.
case "$*" in *oci://127.0.0.1*) set -- "$@" --plain-http;; esac
exec {helm} "$@"
"""


@dataclass(frozen=True)
class Stage:
    """A folder in which a page's commands run, and what its names stand for here."""

    folder: Path
    names: dict[str, str]
    """What pages say, and what it is here."""

    programs: dict[str, Path]
    kubeconfig: Path

    def prepare(self) -> None:
        """Make the folder: our own files, a model, a home that is empty, and the programs."""
        for name in ("home", "bin", "tmp"):
            (self.folder / name).mkdir(parents=True)
        for name in ("deploy", "Makefile"):
            (self.folder / name).symlink_to(ROOT / name)
        write_model(self.folder / "phi-4")
        for name, program in self.programs.items():
            wrapper = _PLAIN_HTTP.format(helm=program) if name == "helm" else f'#!/bin/sh\nexec {program} "$@"\n'
            path = self.folder / "bin" / name
            path.write_text(wrapper)
            path.chmod(0o755)

    def here(self, text: str) -> str:
        """Return a command with the names of this place."""
        for name, stands_for in self.names.items():
            text = text.replace(name, stands_for)
        return text

    def run(self, before: str, commands: list[Command]) -> None:
        """Run what a page supposes, then its commands, in one shell; an AssertionError names the line that failed."""
        script = [f"set -euo pipefail; cd {shlex.quote(str(self.folder))}", self.here(before)]
        for command in commands:
            place = shlex.quote(f"{command.page}:{command.line}")
            script.append(f'at={place}; echo "== $at" >&2\n{_forgiving(self.here(command.text))}')
        environ = {
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "tmp"),
            "PATH": f"{self.folder / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "KUBECONFIG": str(self.kubeconfig),
            "PYTHONDONTWRITEBYTECODE": "1",
            "COSIGN_PASSWORD": "",
        }
        answer = subprocess.run(
            ["/bin/bash", "-c", "\n".join(script)], check=False, capture_output=True, text=True, env=environ
        )
        assert answer.returncode == 0, answer.stdout[-3000:] + answer.stderr[-3000:]


def _forgiving(command: str) -> str:
    """A difference is what `diff` is asked for, and no failure."""
    return f'{command} || [ "${{PIPESTATUS[*]}}" = "0 1" ]' if re.search(r"\|\s+diff ", command) else command


def write_model(folder: Path) -> None:
    """Write a model of a few files, as large as a page's reader would not wait for."""
    folder.mkdir()
    header = json.dumps({"w": {"dtype": "U8", "shape": [4096], "data_offsets": [0, 4096]}}).encode()
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4096))
    (folder / "config.json").write_text('{"architectures": ["Phi3ForCausalLM"]}\n')
    (folder / "tokenizer.json").write_text("{}\n")
