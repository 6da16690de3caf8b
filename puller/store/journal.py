"""The pieces that an unfinished pull has on disk already, so that the next pull need not fetch them again.

One line per piece, appended when its bytes are written and, where it has a digest, verified: the blob's hexadecimal
digest, the piece's start and stop, and the inode of the file that has it. Appended lines survive the end of a process,
even by `kill -9`; so does the data, in the page cache. Neither survives the end of the kernel unless it was synced, so
lines are trusted only under the boot id that they were written with, and if no other user can have written them.
"""

import io
import json
import os
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Self

from puller.errors import disk_errors
from registry.digest import Digest

from .filesystem import write_whole
from .trust import Trust, read_state

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_LIMIT_BYTES = 64 << 20
_MOST_PIECES = 500_000
_LONGEST_LINE = 1 << 10

JournaledPieces = Mapping[tuple[str, int, int], int]
"""The inode of the file that has a piece, by the piece: the blob's hexadecimal digest, its start and its stop."""


def boot_id() -> str:
    """Return the running kernel's boot id; empty where it cannot be read."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


class Journal:
    """The pieces of one artifact that are on disk. `record` may be called from any thread."""

    def __init__(self, path: Path, manifest: Digest, boot: str) -> None:
        self._path = path
        self._head = {"manifest": str(manifest), "boot": boot}
        self._handle = -1

    def read(self, trust: Trust, blobs: Container[str] | None = None) -> JournaledPieces:
        """Return the recorded pieces of blobs; none if the journal is another artifact's, boot's or user's."""
        found = read_state(self._path, _LIMIT_BYTES)
        if found is None or not self._head["boot"] or not trust.is_exclusive(found[1]):
            return {}
        head, pieces = _parse(found[0], blobs)
        return pieces if {key: head.get(key) for key in self._head} == self._head else {}

    def open(self, landed: JournaledPieces, total: int) -> Self:
        """Start a new journal with the pieces on disk, for `total` bytes; the context manager closes it."""
        fresh = self._path.with_suffix(".new")
        lines = [json.dumps({**self._head, "bytes": total}), *(_line(*piece, inode) for piece, inode in landed.items())]
        with disk_errors():
            write_whole(self._path, "".join(f"{line}\n" for line in lines).encode(), fresh)
            self._handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC)
        return self

    def record(self, blob: Digest, start: int, stop: int, inode: int) -> None:
        """Record that bytes of a blob are written to a file."""
        with disk_errors():
            os.write(self._handle, f"{_line(blob.hex, start, stop, inode)}\n".encode())

    def discard(self) -> None:
        """Remove the journal: a blob proved wrong, so its lines may be wrong, too."""
        self._path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._handle)


class Follower:
    """The progress of another process, by its journal; a Progress. `paths` are those where its journal may be."""

    def __init__(self, paths: tuple[Path, ...]) -> None:
        self._paths = paths

    @property
    def total(self) -> int:
        """All bytes, or 0 while that is unknown."""
        return self._read()[0]

    @property
    def done(self) -> int:
        """The bytes that are on disk."""
        return self._read()[1]

    def _read(self) -> tuple[int, int]:
        """Return all bytes and those on disk, by the journal that was written last."""
        states = [found for path in self._paths if (found := read_state(path, _LIMIT_BYTES)) is not None]
        if not states:
            return 0, 0
        content, _ = max(states, key=lambda state: state[1].st_mtime_ns)
        head, pieces = _parse(content, None)
        total = head.get("bytes")
        return (total if isinstance(total, int) else 0), sum(stop - start for _, start, stop in pieces)


def _line(blob: str, start: int, stop: int, inode: int) -> str:
    return f"{blob} {start} {stop} {inode}"


def _parse(content: bytes, blobs: Container[str] | None) -> tuple[dict[str, object], dict[tuple[str, int, int], int]]:
    """Return a journal's head and pieces, as far as its lines are valid: the last one may be cut."""
    lines = io.BytesIO(content)
    pieces: dict[tuple[str, int, int], int] = {}
    try:
        document = json.loads(lines.readline(_LONGEST_LINE))
        while (line := lines.readline(_LONGEST_LINE)).endswith(b"\n") and len(pieces) < _MOST_PIECES:
            blob, start, stop, inode = line.decode("ascii").split()
            if blobs is None or blob in blobs:
                pieces[blob, int(start), int(stop)] = int(inode)
    except (ValueError, RecursionError):
        return {}, {}
    return (document, pieces) if isinstance(document, dict) else ({}, {})
