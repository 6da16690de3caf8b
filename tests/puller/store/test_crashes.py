"""Replacement under fire: a pull may end at any call, and one whole version stands, untouched, before and after."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

LAWS = int(os.environ.get("WEIGHBRIDGE_LAWS", "5"))
SCHEDULES = LAWS * 20
BATCH = 50


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Path]:
    """Return a folder in memory where there is some: thousands of pulls follow."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of our own in it, made by tempfile
    if not memory.is_dir() or shutil.disk_usage(memory).free < 1 << 30:
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="weighbridge-crashes-", dir=memory) as folder:
        yield Path(folder)


def run(*arguments: str) -> str:
    """Run tests.puller.store.crashes; its pulls are forked, which a process of one thread does best."""
    command = [sys.executable, "-m", "tests.puller.store.crashes", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_pull_may_end_at_any_call_to_the_file_system(volume: Path) -> None:
    """Law: at each call in turn the old version or the new one stands whole, and the next pull needs no hands."""
    assert int(run("every", str(volume / "every")).split()[0]) > 300


@pytest.mark.parametrize("batch", range(max(SCHEDULES // BATCH, 1)))
def test_any_sequence_of_versions_survives_any_kills(batch: int, volume: Path) -> None:
    """Law: no published file changes, no receipt speaks for other bytes, and every version can be pulled in the end."""
    run("schedules", str(batch * BATCH), str(BATCH), str(volume))
