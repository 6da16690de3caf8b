"""What a header of an archive says of one member.

Tests: tests/puller/unpack/test_untar.py
"""

from enum import Enum
from typing import NamedTuple


class MemberType(Enum):
    """The type of an archive's member; devices and pipes are OTHER."""

    FILE = "file"
    FOLDER = "folder"
    SYMLINK = "symlink"
    HARDLINK = "hardlink"
    OTHER = "other"


class Member(NamedTuple):
    """A member as its header describes it: `extents` are where its bytes go in the file, as (offset, size)."""

    name: str
    kind: MemberType
    size: int
    mode: int
    mtime: float
    """In seconds since 1970; 0 where the header has no time that a file could have."""

    target: str
    extents: tuple[tuple[int, int], ...]
