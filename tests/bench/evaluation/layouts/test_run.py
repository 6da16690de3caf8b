"""Laws of a run: whose bytes are wrong has failed."""

import hashlib
from pathlib import Path

import pytest

from bench.evaluation.layouts.run import check
from bench.run import RunFailed

_WANTED = {"config.json": hashlib.sha256(b"{}").hexdigest(), "weights": hashlib.sha256(b"numbers").hexdigest()}


def test_files_anywhere_below_the_tree_are_found_under_their_names_or_as_blobs(tmp_path: Path) -> None:
    """Tools that leave blobs are held to the same digests."""
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "config.json").write_bytes(b"{}")
    (tmp_path / _WANTED["weights"]).write_bytes(b"numbers")
    check(tmp_path, _WANTED)


def test_a_file_with_other_bytes_fails_even_beside_the_right_blob(tmp_path: Path) -> None:
    """What an engine opens counts, not what lies beside it."""
    (tmp_path / "config.json").write_bytes(b"{}")
    (tmp_path / "weights").write_bytes(b"other")
    (tmp_path / "blob").write_bytes(b"numbers")
    with pytest.raises(RunFailed, match="weights has other bytes"):
        check(tmp_path, _WANTED)


def test_a_file_that_is_missing_fails(tmp_path: Path) -> None:
    """A tool that left half of the model did not bring it."""
    (tmp_path / "config.json").write_bytes(b"{}")
    with pytest.raises(RunFailed, match="not found afterwards: weights"):
        check(tmp_path, _WANTED)
