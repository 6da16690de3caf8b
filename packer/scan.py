"""A model folder, looked through: which files will be layers, under which names."""

import os
from dataclasses import dataclass
from pathlib import Path

from registry.paths import fault_of

from .errors import BadFolder, BadName, EmptyFolder


@dataclass(frozen=True, slots=True)
class Found:
    """A file to pack: its name in the artifact, where it is, and its size in bytes."""

    path: str
    location: Path
    size: int
    is_executable: bool


def scan(folder: Path) -> tuple[Found, ...]:
    """Give every file below `folder`, sorted by the bytes of its name.

    Links to files are followed, as a Hugging Face cache needs; links to folders are not, for they may make a ring.
    Raises BadFolder, EmptyFolder, BadName.
    """
    if not folder.is_dir():
        raise BadFolder(f"{folder}: is no folder")
    found = sorted(_walk(folder, folder), key=lambda file: os.fsencode(file.path))
    if not found:
        raise EmptyFolder(f"{folder}: holds no file")
    return tuple(found)


def _walk(root: Path, folder: Path) -> list[Found]:
    found: list[Found] = []
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        raise BadFolder(f"{folder}: {error.strerror}", remedy="make it readable") from None
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            found += _walk(root, Path(entry.path))
        else:
            found.append(_file(root, entry))
    return found


def _file(root: Path, entry: "os.DirEntry[str]") -> Found:
    location = Path(entry.path)
    path = location.relative_to(root).as_posix()
    reason = fault_of(path)
    if reason:
        raise BadName(f"{os.fsencode(location)!r}: the name {reason}")
    if not entry.is_file():
        what = "a broken link, or a link to a folder" if entry.is_symlink() else "no regular file"
        raise BadFolder(f"{location}: is {what}", remedy="remove it, or put the files that it stands for in its place")
    status = entry.stat()
    return Found(path, location, status.st_size, bool(status.st_mode & 0o111))
