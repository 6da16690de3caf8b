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
    def is_executable(self) -> bool:
        """Whether any execute bit is set."""
        return bool(self.status.st_mode & 0o111)
