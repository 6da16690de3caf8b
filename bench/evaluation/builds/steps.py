"""What a pipeline and a node do with an engine's image and its model: build, push, pull."""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.evaluation.layouts.origin import certificate_folder
from bench.evaluation.layouts.run import read_loopback
from bench.evaluation.model import Phi
from bench.origin import TlsRegistry
from bench.run import Command, RunFailed, start

_LAST_WORDS = 2000


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds, and bytes on the wire."""

    seconds: float
    wire: int

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(self.seconds + other.seconds, self.wire + other.wire)


NOTHING = Spent(0.0, 0)


def spend(command: Command, log: Path) -> Spent:
    """Run a command and return what it took; raise RunFailed with the end of what it said."""
    began, before = read_loopback()
    with log.open("wb") as output:
        code = start(command, output.fileno()).wait()
    ended, after = read_loopback()
    if code:
        said = log.read_text(errors="replace")[-_LAST_WORDS:].strip()
        raise RunFailed(f"{shlex.join(command.argv)[:200]} ended with {code}: {said}")
    return Spent(ended - began, after - before)


@dataclass(frozen=True, slots=True)
class Buildah:
    """A pipeline that builds images with weights in them, by buildah with a storage of its own."""

    registry: TlsRegistry
    storage: Path
    compression: str
    """What layers are compressed by when they are pushed: gzip, which is its default, or zstd."""

    def build_and_push(self, base: str, phi: Phi, copies: Sequence[str], target: str) -> Command:
        """Return the command that builds an image of `base` with the weights, a layer for each of `copies`."""
        self.storage.mkdir(parents=True, exist_ok=True)
        recipe = self.storage / "Containerfile"
        recipe.write_text("\n".join([f"FROM {base}", *(f"COPY {what} /models/phi-4/" for what in copies)]) + "\n")
        trust = f"--cert-dir={certificate_folder(self.registry.certificate)}"
        program = ("buildah", "--root", str(self.storage / "root"), "--runroot", str(self.storage / "run"))
        build = (*program, "build", "--quiet", "--layers", "--isolation", "chroot", trust, "--file", str(recipe))
        built = (*build, "--tag", "localhost/engine", str(phi.folder))
        push = (*program, "push", "--quiet", trust, "--compression-format", self.compression)
        pushed = (*push, "localhost/engine", f"docker://{target}")
        temporary = self.storage / "tmp"
        temporary.mkdir(exist_ok=True)
        alone = ("unshare", "--mount", "--propagation", "private")  # its mounts end with it, however it ends
        script = f"{shlex.join(built)}; {shlex.join(pushed)}"
        return Command((*alone, "sh", "-ec", script), {"TMPDIR": str(temporary)})


def one_layer(_: Phi) -> list[str]:
    """Return what a recipe copies that puts all files in one layer."""
    return ["."]


def a_layer_a_file(phi: Phi) -> list[str]:
    """Return what a recipe copies that gives each file a layer."""
    return sorted(phi.digests)


def copy(source: str, target: str) -> Command:
    """Return the command that pushes an image's layout; blobs that the registry has are not sent."""
    return Command((sys.executable, "-m", "weighbridge", "copy", source, target, "--quiet"))
