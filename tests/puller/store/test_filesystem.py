"""What kind of file system a folder is on, read from the kernel's own table."""

import os
from pathlib import Path

import pytest

from puller.store.filesystem import discard, kind_of


def test_the_mount_of_the_folders_device_is_found(tmp_path: Path) -> None:
    """The line with the folder's device names the type behind the dash; optional fields may stand before it."""
    device = tmp_path.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    table = f"""\
21 1 0:99 / / rw,relatime - overlay overlay rw
22 21 {number} / /tmp rw,nosuid shared:7 master:1 - ext4 /dev/vda rw
"""
    assert kind_of(device, table) == "ext4"


def test_an_unknown_device_has_no_kind(tmp_path: Path) -> None:
    """A table that does not know the device says nothing."""
    assert kind_of(tmp_path.stat().st_dev, "") == ""


@pytest.mark.parametrize("kind", ["nothing", "file", "link", "link to a folder", "empty", "flat", "deep"])
def test_what_is_discarded_is_gone_and_nothing_else(tmp_path: Path, kind: str) -> None:
    """Law: a folder with all that is in it, and of a link only the link."""
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "weights").write_bytes(b"x")
    path = tmp_path / "gone"
    if kind == "file":
        path.write_bytes(b"x")
    elif kind.startswith("link"):
        path.symlink_to(kept if kind == "link to a folder" else kept / "weights")
    elif kind != "nothing":
        path.mkdir()
        if kind in {"flat", "deep"}:
            (path / "a").write_bytes(b"x")
            (path / "link").symlink_to(kept)
            (path / "hard").hardlink_to(kept / "weights")
        if kind == "deep":
            (path / "b" / "c").mkdir(parents=True)
            (path / "b" / "c" / "d").write_bytes(b"x")
    discard(path)
    assert not os.path.lexists(path)
    assert (kept / "weights").read_bytes() == b"x"
