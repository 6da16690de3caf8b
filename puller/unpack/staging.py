"""The members of an archive before their names are checked: numbered files, and a list of what they claim to be.

STAGE/HEX[-CHOICE]/0, 1, …  the contents of regular files
STAGE/HEX[-CHOICE]/list     the members, as JSON, written when the archive is whole and verified

The list refers to files by their numbers; it is ignored when a file has not the inode and the size that it records.
Only selected members are stored, so the selection is part of a folder's name. Their own names are not used for files
here, so no name in an archive can lead out of the stage.

Tests: tests/puller/transfer/test_archive_blob.py
"""

import json
import os
import stat
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from puller.artifact.part import Part
from puller.errors import BadArtifact, NoRoom, disk_errors
from puller.settings import Settings, selection_suffix
from puller.store.filesystem import discard, free_bytes, has_stable_inodes, raise_replaced, write_whole
from puller.store.trust import read_state
from puller.store.writeback import Writeback

from .member import Member, MemberType

_MOST_MEMBERS = 100_000
_MOST_TEXT = 16 << 20
"""How many characters all names and targets of one archive may have together: they are kept in memory."""

_LIST_LIMIT = 64 << 20
_FLUSH_BYTES = 16 << 20
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Staged:
    """A member on the stage: `place` is the file with its contents, or empty where it has none; `inode` is its."""

    name: str
    kind: MemberType
    size: int
    mode: int
    mtime: float
    target: str
    place: str
    inode: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object; it holds the number of the file, and the inode and size that identify it."""
        number = Path(self.place).name
        entry = {**asdict(self), "kind": self.kind.value, "place": number}
        del entry["inode"]
        if not number:
            return entry
        file = _identity(Path(self.place))
        if self.inode not in (0, file[0]):
            raise_replaced(Path(self.place))
        return {**entry, "file": file}

    @classmethod
    def from_json(cls, document: dict[str, Any], folder: Path) -> "Staged":
        """Read what `to_json` wrote of a member in `folder`. Raises ValueError, TypeError, KeyError, OSError."""
        texts = {key: document[key] for key in ("name", "target", "place")}
        numbers = {key: document[key] for key in ("size", "mode")}
        mtime, place = document["mtime"], texts["place"]
        if not all(isinstance(text, str) for text in texts.values()):
            raise TypeError
        if not all(isinstance(number, int) for number in numbers.values()) or not isinstance(mtime, int | float):
            raise TypeError
        if place and (not place.isdecimal() or document["file"] != _identity(folder / place)):
            raise ValueError
        texts["place"], numbers["inode"] = (str(folder / place), document["file"][0]) if place else ("", 0)
        return cls(kind=MemberType(document["kind"]), mtime=mtime, **texts, **numbers)


def folder_of(stage: Path, part: Part, settings: Settings) -> Path:
    """Return the folder for those members of an archive that the settings select."""
    return stage / f"{part.layer.digest.hex}{selection_suffix(settings.selection)}"


class Stage:
    """The folder of one archive's members; a MemberSink. One thread at a time."""

    def __init__(self, folder: Path, wants: Callable[[str], bool], flush: Writeback) -> None:
        """`wants` returns by a member's name whether it is stored."""
        self._folder, self._wants, self._flush = folder, wants, flush
        self._members: list[Staged] = []
        self._text = 0
        self._output: Output | None = None

    def clear(self) -> None:
        """Remove all members, and create the empty folder. Raises NoRoom, DiskFailed."""
        self.end()
        self._members.clear()
        self._text = 0
        with disk_errors():
            discard(self._folder)
            self._folder.mkdir(parents=True)

    def begin(self, member: Member) -> None:
        """Create the file for a member's contents; raise NoRoom when the volume has less room than its size."""
        if not self._wants(member.name):
            return
        if len(self._members) == _MOST_MEMBERS:
            raise BadArtifact(f"more than {_MOST_MEMBERS} members in one archive")
        self._text += len(member.name) + len(member.target)
        if self._text > _MOST_TEXT:
            raise BadArtifact(f"names of more than {_MOST_TEXT} letters in one archive")
        place, inode = "", 0
        if member.kind is MemberType.FILE:
            place = str(self._folder / str(len(self._members)))
            self._output = Output(Path(place), member.size, member.extents, self._flush)
            inode = self._output.inode
        self._members.append(
            Staged(member.name, member.kind, member.size, member.mode, member.mtime, member.target, place, inode)
        )

    def take(self, content: memoryview) -> None:
        """Write a member's next bytes."""
        if self._output is not None:
            self._output.write(content)

    def end(self, size: int | None = None) -> None:
        """Close the member's file; `size` is its actual size, where its header does not tell one."""
        if self._output is not None:
            self._output.close()
            self._output = None
        if size is not None:
            self._members[-1] = replace(self._members[-1], size=size)

    def seal(self) -> tuple[Staged, ...]:
        """Write the list of members, and return them: the archive is whole and verified."""
        with disk_errors():
            content = json.dumps([member.to_json() for member in self._members]).encode()
            write_whole(self._folder / "list", content, self._folder / "list.new")
        return tuple(self._members)


def read_index(folder: Path) -> tuple[Staged, ...] | None:
    """Return the members of an archive that an earlier pull staged whole, if all files are still there; else None."""
    found = read_state(folder / "list", _LIST_LIMIT)
    try:
        return None if found is None else tuple(Staged.from_json(entry, folder) for entry in json.loads(found[0]))
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def _identity(file: Path) -> list[int]:
    """Return the inode and the size of a file; its mode and time change when it is placed in a model."""
    status = file.lstat()
    if not stat.S_ISREG(status.st_mode):
        raise ValueError
    return [status.st_ino, status.st_size]


class Output:
    """A file that is written from front to back, with holes between its extents."""

    def __init__(self, path: Path, size: int, extents: tuple[tuple[int, int], ...], flush: Writeback) -> None:
        """Create the file; raise NoRoom when the volume has less than `size` bytes left."""
        free = free_bytes(path.parent)
        if free is not None and size > free:
            raise NoRoom(f"{path.parent}: a file of {size} bytes is promised, the volume has {free} left")
        self._extents = list(reversed(extents))
        self._flush = flush
        self._flushed = self._position = self._stop = 0
        with disk_errors():
            self._handle = os.open(path, _FLAGS, 0o644)
            self.inode = os.fstat(self._handle).st_ino if has_stable_inodes(path.parent) else 0
            os.ftruncate(self._handle, size)

    def write(self, content: memoryview) -> None:
        """Write the next bytes into the extents; raise BadArtifact when there are more than the extents hold."""
        while content:
            if self._position == self._stop:
                self._next_extent()
            part = content[: self._stop - self._position]
            with disk_errors():
                written = os.pwrite(self._handle, part, self._position)
            self._position += written
            content = content[written:]
            if self._position - self._flushed >= _FLUSH_BYTES:
                self._flush_up_to(self._position)

    def close(self) -> None:
        """Close the file."""
        with disk_errors():
            try:
                self._flush_up_to(self._position)
            finally:
                os.close(self._handle)

    def _next_extent(self) -> None:
        if not self._extents:
            raise BadArtifact(f"more bytes than the {self._stop} that were promised")
        offset, length = self._extents.pop()
        self._position, self._stop = offset, offset + length

    def _flush_up_to(self, position: int) -> None:
        if position > self._flushed:
            self._flush.landed(self._flushed, position, self._handle)
        self._flushed = position
