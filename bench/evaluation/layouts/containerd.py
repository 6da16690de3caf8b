"""A containerd of a run's own: its images and snapshots in a folder, its mounts seen by nobody else.

What is measured of it is what it used since it was ready: a node's containerd runs before the pod comes.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.parts.build import binary
from tests.parts.process import Process

_READY_SECONDS = 30
_CONFIGURATION = """
version = 3
root = "{root}"
state = "{state}"
disabled_plugins = [
  "io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime",
  "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.snapshotter.v1.blockfile", "io.containerd.snapshotter.v1.erofs", "io.containerd.differ.v1.erofs",
  "io.containerd.internal.v1.opt", "io.containerd.nri.v1.nri",
]
[grpc]
  address = "{socket}"
[plugins.'io.containerd.transfer.v1.local']
{transfer}
"""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a containerd pulls and unpacks."""

    transfer: Mapping[str, int]
    """Settings of its transfer service; none are its defaults."""

    decompressor: str = "Go"
    """What unpacks gzip: `Go` is built in; `igzip`, which a containerd takes that finds it on PATH."""

    @property
    def said(self) -> str:
        """Return them in words."""
        chosen = ", ".join(f"{name} = {value}" for name, value in self.transfer.items())
        return f"containerd's transfer service, {chosen or 'defaults'}; gzip by {self.decompressor}"


DEFAULTS = Settings({})
PARALLEL = Settings(
    {"concurrent_layer_fetch_buffer": 8 << 20, "max_concurrent_downloads": 8, "max_concurrent_unpacks": 4}, "igzip"
)
"""What containerd 2.2 has for large images: ranges of a layer and unpacking of layers in parallel, and igzip."""


@dataclass(frozen=True, slots=True)
class Containerd:
    """A containerd that is ready."""

    pid: int
    address: Path
    snapshots: Path
    """Below it are the unpacked files."""

    def pull(self, reference: str, hosts: Path) -> tuple[str, ...]:
        """Return the command that pulls and unpacks an image."""
        return (
            str(binary("ctr")),
            "--address",
            str(self.address),
            "images",
            "pull",
            "--hosts-dir",
            str(hosts),
            reference,
        )


@contextmanager
def running_containerd(folder: Path, settings: Settings) -> Iterator[Containerd]:
    """Run a containerd with its data in `folder` until the block ends; raise NotReadyError, PartError."""
    program = binary("containerd")
    with tempfile.TemporaryDirectory(prefix="weighbridge-containerd-") as name:
        home = Path(name)
        socket = home / "containerd.sock"  # a socket's path has 108 bytes at most
        transfer = "\n".join(f"  {key} = {value}" for key, value in settings.transfer.items())
        text = _CONFIGURATION.format(root=folder / "root", state=home / "state", socket=socket, transfer=transfer)
        (home / "config.toml").write_text(text)
        (folder / "root").mkdir(parents=True)
        command: list[str | Path] = [
            "unshare",
            "--mount",
            "--propagation",
            "private",
            program,
            "--config",
            home / "config.toml",
        ]
        with Process(command, home / "log", _environ(settings)) as process:
            process.wait_until(lambda: "successfully booted" in process.said(), _READY_SECONDS)
            yield Containerd(process.pid, socket, folder / "root" / "io.containerd.snapshotter.v1.overlayfs")


def _environ(settings: Settings) -> dict[str, str]:
    """Return its environment; both of the faster programs are switched off unless one of them is what is measured."""
    off = {"CONTAINERD_DISABLE_PIGZ": "1"}
    if settings.decompressor == "Go":
        off["CONTAINERD_DISABLE_IGZIP"] = "1"
    return {"PATH": os.environ["PATH"], "OTEL_SDK_DISABLED": "true", **off}
