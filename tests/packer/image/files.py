"""Files that are found, but stand nowhere."""

import os
from pathlib import Path

from packer.source.source_file import SourceFile


def file_of(path: str, size: int, mode: int = 0o644) -> SourceFile:
    """Return a file of so many bytes."""
    return SourceFile(path, Path("/nowhere") / path, os.stat_result((0o100000 | mode, 1, 1, 1, 0, 0, size, 0, 0, 0)))
