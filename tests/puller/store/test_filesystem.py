"""What kind of file system a folder is on, read from the kernel's own table."""

import os
from pathlib import Path

from puller.store.filesystem import kind_of


def test_the_mount_of_the_folders_device_is_found(tmp_path: Path) -> None:
    """The line with the folder's device names the type behind the dash; optional fields may stand before it."""
    device = tmp_path.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    table = f"""\
21 1 0:99 / / rw,relatime - overlay overlay rw
22 21 {number} / /tmp rw,nosuid shared:7 master:1 - ext4 /dev/vda rw
"""
    assert kind_of(tmp_path, table) == "ext4"


def test_an_unknown_device_has_no_kind(tmp_path: Path) -> None:
    """A table that does not know the device says nothing."""
    assert kind_of(tmp_path, "") == ""
