"""A file to pack, as a value.

Tests: tests/packer/source/test_scan.py
"""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to pack: its name in the artifact, its path, and its status when it was found; of a link, the target's."""

    path: str
    location: Path
    status: os.stat_result
    is_link: bool = False

    @property
    def size(self) -> int:
        """Bytes."""
        return self.status.st_size

    @property
    def mode(self) -> int:
        """The mode in the artifact: that of a program if any execute bit is set, else that of a file."""
        return 0o755 if self.status.st_mode & 0o111 else 0o644

    @property
    def identity(self) -> str:
        """A text that stays as long as the file does, unchanged."""
        status = self.status
        parts = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        return " ".join(map(str, parts))

    @property
    def changed(self) -> float:
        """When its bytes, its name or its mode changed last, in seconds since 1970."""
        return max(self.status.st_mtime, self.status.st_ctime)


def unread(path: str, size: int) -> SourceFile:
    """Return a file of which only name and size are known, for what is judged by these."""
    return SourceFile(path, Path(path), os.stat_result((0o100644, 0, 0, 1, 0, 0, size, 0, 0, 0)))
