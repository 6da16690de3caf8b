"""What is believed for who can have written it: owner, group and mode, each alone and together."""

import os
import stat
from pathlib import Path

import pytest

from puller.store.trust import Trust, file_status, read_state

ME, OTHER, TEAM, CROWD = 1001, 1002, 2000, 3000


def status(uid: int, gid: int, mode: int) -> os.stat_result:
    """Return the status of a file."""
    return os.stat_result((mode, 1, 1, 1, uid, gid, 0, 0, 0, 0))


FILE, LINK = stat.S_IFREG, stat.S_IFLNK


@pytest.mark.parametrize(
    ("found", "alone", "with_team"),
    [
        (status(ME, CROWD, FILE | 0o644), True, True),
        (status(0, 0, FILE | 0o755), True, True),
        (status(ME, TEAM, FILE | 0o664), False, True),
        (status(ME, CROWD, FILE | 0o664), False, False),
        (status(ME, TEAM, FILE | 0o646), False, False),
        (status(OTHER, CROWD, FILE | 0o644), False, False),
        (status(OTHER, TEAM, FILE | 0o644), False, True),
        (status(OTHER, TEAM, FILE | 0o666), False, False),
        (status(ME, CROWD, LINK | 0o777), True, True),
        (status(OTHER, CROWD, LINK | 0o777), False, False),
    ],
)
def test_who_can_have_written_a_file(found: os.stat_result, alone: bool, with_team: bool) -> None:  # noqa: FBT001 - a table
    """Law: its owner, its group where that may write, and all where they may."""
    assert Trust(ME).is_exclusive(found) is alone
    assert Trust(ME, frozenset((TEAM,))).is_exclusive(found) is with_team


def test_state_is_a_file_with_one_name_and_a_size_to_be_read(tmp_path: Path) -> None:
    """All else counts as absent, and none of it is waited for."""
    (tmp_path / "state").write_bytes(b"1234")
    (tmp_path / "link").symlink_to("state")
    (tmp_path / "twice").write_bytes(b"1")
    (tmp_path / "again").hardlink_to(tmp_path / "twice")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "huge").touch()
    os.truncate(tmp_path / "huge", 3 << 30)
    found = read_state(tmp_path / "state", 4)
    assert found is not None
    assert found[0] == b"1234"
    for name in ("link", "again", "pipe", "folder", "huge", "absent"):
        assert read_state(tmp_path / name, 1 << 20) is None
    assert read_state(tmp_path / "state", 3) is None


def test_no_link_is_followed_on_the_way_to_a_file(tmp_path: Path) -> None:
    """What leads out of a model is not a part of it."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/file").write_bytes(b"x")
    (tmp_path / "model").mkdir()
    (tmp_path / "model/deep").symlink_to(tmp_path / "outside")
    (tmp_path / "model/file").symlink_to(tmp_path / "outside/file")
    assert file_status(tmp_path / "outside", "file") is not None
    assert file_status(tmp_path / "model", "deep/file") is None
    assert file_status(tmp_path / "model", "file") is None
