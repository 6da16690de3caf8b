"""How long a puller in the built image takes, from its start to the end of the pull of a tiny model.

    python -m tests.cluster.scenarios.installs.start_time     as root, after `make image`

It runs below a root directory, without a container runtime, whose own part the kubelet tells; the source is on disk, so
that no network takes part.
"""

import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

from tests.cluster.oci_image import read_image

_ARCHIVE = Path(__file__).parents[4] / "build" / "weighbridge.tar"
_PROGRAM = ["/opt/weighbridge/bin/python", "-m"]
_ROUNDS = 15


def main() -> None:
    """Print the median of several starts, after one that warms the page cache."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        _unpack(root)
        (root / "model").mkdir()
        (root / "model/config.json").write_text("{}")
        _run(root, {}, "weighbridge", "push", "/model", "layout:///artifact:v1", "--quiet")
        seconds = [_pull(root, number) for number in range(_ROUNDS + 1)][1:]
    sys.stdout.write(f"{statistics.median(seconds):.3f} s, median of {_ROUNDS}; at most {max(seconds):.3f} s\n")


def _unpack(root: Path) -> None:
    image = read_image(_ARCHIVE)
    for layer in image.layers:
        with tarfile.open(fileobj=image.open(layer["digest"])) as files:
            files.extractall(root, filter="fully_trusted")  # noqa: S202 - we built it


def _pull(root: Path, number: int) -> float:
    settings = {"SOURCE": "layout:///artifact:v1", "DESTINATION": f"/pulled-{number}"}
    began = time.monotonic()
    _run(root, {f"WEIGHBRIDGE_PULL_{name}": value for name, value in settings.items()}, "puller")
    return time.monotonic() - began


def _run(root: Path, environ: dict[str, str], *arguments: str) -> None:
    command: list[str | Path] = ["/usr/sbin/chroot", root, *_PROGRAM, *arguments]
    subprocess.run(command, env=environ, check=True, capture_output=True)


if __name__ == "__main__":
    main()
