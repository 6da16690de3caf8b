"""How much of a model is in the page cache when its server starts, behind a container's memory limit."""

import ctypes
import mmap
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from bench.memory import NoLimit, limit
from bench.run import Command
from puller.settings import Settings
from puller.store.writeback import has_overlay_root, left_dirty
from tests.fakes.registry import fake_registry
from tests.puller.models import noise, offer

MIB = 1 << 20
MODEL = noise(MIB) * 160


@pytest.fixture
def disk() -> Iterator[Path]:
    """Return a folder on a disk: what is in memory anyway has no page cache."""
    with TemporaryDirectory(dir="/var/tmp", prefix="weighbridge-") as folder:
        yield Path(folder)


def resident(path: Path) -> float:
    """Return the share of a file's pages that are in memory (mincore(2))."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY) as mapped:
        pages = (ctypes.c_ubyte * -(-len(mapped) // mmap.PAGESIZE))()
        start = ctypes.c_char.from_buffer(mapped)
        ctypes.CDLL(None).mincore(ctypes.c_void_p(ctypes.addressof(start)), ctypes.c_size_t(len(mapped)), pages)
        del start
    return sum(page & 1 for page in pages) / len(pages)


@pytest.mark.parametrize(
    ("limit_bytes", "least"),
    [(288 * MIB, 0.95), (200 * MIB, 0.5), (64 * MIB, 0.0)],
    ids=["fits", "does not fit", "less than the puller needs"],
)
def test_a_model_that_fits_stays_whole_and_of_another_the_last_window(
    limit_bytes: int, least: float, disk: Path
) -> None:
    """A limit of less than twice the model used to drop every page of it; and no limit is too small for a pull."""
    with fake_registry() as fake:
        offer(fake, {"model.bin": MODEL}, chunk=16 * MIB)
        settings = Settings(source=fake.reference(), destination=str(disk / "model"))
        try:
            with limit(limit_bytes) as group:
                command = group.within(Command((sys.executable, "-m", "puller"), {}))
                environ = {**os.environ, **settings.to_env()}
                done = subprocess.run(command.argv, env=environ, capture_output=True, text=True, check=False)
                share = resident(disk / "model" / "model.bin") if done.returncode == 0 else 0.0
        except NoLimit as error:
            pytest.skip(str(error))  # a user who is not root, or a container, may make no control group
    assert done.returncode == 0, done.stderr
    assert share >= least


@pytest.mark.parametrize(
    ("memory", "background", "limit", "expected"),
    [
        ("MemAvailable: 1000 kB", (0, 10), None, 51_200),
        ("MemAvailable: 1000 kB", (0, 10), 500 << 10, 25_600),
        ("MemAvailable: 1000 kB", (0, 10), 2000 << 10, 51_200),
        ("MemAvailable: 1000 kB", (4096, 0), None, 2048),
        ("MemFree: 1000 kB", (0, 10), None, 0),
        ("", (0, 10), None, 0),
    ],
)
def test_the_kernel_leaves_so_much_in_memory_as_its_settings_say(
    memory: str, background: tuple[int, int], limit: int | None, expected: int, tmp_path: Path
) -> None:
    """Half of it is others'; where it is unknown, writing begins at once."""
    (tmp_path / "meminfo").write_text(f"MemTotal: 9000 kB\n{memory}\n")
    for name, value in zip(("dirty_bytes", "dirty_ratio"), background, strict=True):
        (tmp_path / name).write_text(f"{value}\n")
    assert left_dirty(tmp_path / "meminfo", tmp_path / "dirty", limit) == expected
    assert left_dirty(tmp_path / "meminfo", tmp_path / "none", limit) == 0


OVERLAY = "1000 900 0:50 / / rw,relatime master:1 - overlay overlay rw,lowerdir=/l,upperdir=/u,workdir=/w"
DISK = "26 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw"
VOLUME = "1001 1000 254:0 /volumes/models /models rw - ext4 /dev/vda rw"
ELSEWHERE = "30 26 0:51 / /run/containerd/rootfs rw shared:2 - overlay overlay rw"


@pytest.mark.parametrize(
    ("mounts", "expected"),
    [
        ([OVERLAY, VOLUME], True),
        ([DISK, OVERLAY], True),
        ([DISK, ELSEWHERE], False),
        ([OVERLAY, DISK], False),
        (["1000 900 0:50 / / rw - overlay overlay rw"], True),
        ([VOLUME], False),
        (["1000 900 0:50 / / rw"], False),
        (["cut off"], False),
        ([], False),
    ],
)
def test_a_container_is_known_by_the_overlay_that_is_its_root(
    mounts: list[str], *, expected: bool, tmp_path: Path
) -> None:
    """Its end waits for what is dirty. Other overlays, and roots that others lie over, say nothing."""
    (tmp_path / "mountinfo").write_text("".join(f"{line}\n" for line in mounts))
    assert has_overlay_root(tmp_path / "mountinfo") is expected
    assert not has_overlay_root(tmp_path / "none")
