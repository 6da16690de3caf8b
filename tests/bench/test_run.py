"""What a run's measurement counts as disk."""

import os
from pathlib import Path

from bench.run import disk_usage


def test_every_file_below_a_folder_counts_hidden_ones_too(tmp_path: Path) -> None:
    """As the puller's work is in a hidden folder."""
    (tmp_path / ".work").mkdir()
    taken = _written(tmp_path / ".work" / "part") + _written(tmp_path / "model")
    assert disk_usage(tmp_path) == taken


def test_a_file_with_two_names_counts_once(tmp_path: Path) -> None:
    """So does one that a scan meets before and after it is renamed into another folder."""
    (tmp_path / "model").mkdir()
    taken = _written(tmp_path / "part")
    os.link(tmp_path / "part", tmp_path / "model" / "weights")
    assert disk_usage(tmp_path) == taken


def test_a_folder_that_is_not_there_takes_nothing(tmp_path: Path) -> None:
    """A run's folder may be made by its command."""
    assert disk_usage(tmp_path / "absent") == 0


def _written(file: Path) -> int:
    """Write a file; return the bytes that it takes up."""
    with file.open("wb") as opened:
        opened.write(os.urandom(1 << 20))
        os.fsync(opened.fileno())
    return file.stat().st_blocks * 512
