"""What an unfinished pull has on disk already, so that the next one need not fetch it again.

One line a piece, appended when its bytes are written and, where it has a digest, verified. Appends survive the end of
a process, be it `kill -9`; so does the data, in the page cache. Neither survives the end of the kernel unless it was
synced, so lines are believed only under the boot id of the one that wrote them.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from registry.digest import Digest

from .errors import disk_errors

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def boot_id() -> str:
    """Give the running kernel's boot id; empty where there is none to be had."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


class Journal:
    """The pieces of one artifact that have landed. `record` may be called from any thread."""

    def __init__(self, path: Path, manifest: Digest, boot: str) -> None:
        self._path = path
        self._head = {"manifest": str(manifest), "boot": boot}
        self._handle = -1

    def read(self) -> set[tuple[str, int, int]]:
        """Give the landed pieces as (blob's hex, start, stop); none if another artifact or another boot wrote them."""
        head, pieces = _parse(self._path)
        is_ours = self._head["boot"] and {key: head.get(key) for key in self._head} == self._head
        return set(pieces) if is_ours else set()

    def open(self, landed: Iterable[tuple[str, int, int]], total: int) -> Self:
        """Begin to write, with what is known to have landed of `total` bytes; as a context manager, until it ends."""
        fresh = self._path.with_suffix(".new")
        lines = [
            json.dumps({**self._head, "bytes": total}),
            *(f"{blob} {start} {stop}" for blob, start, stop in landed),
        ]
        with disk_errors():
            fresh.write_text("".join(f"{line}\n" for line in lines))
            fresh.rename(self._path)
            self._handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        return self

    def record(self, blob: Digest, start: int, stop: int) -> None:
        """Note that bytes of a blob have landed."""
        with disk_errors():
            os.write(self._handle, f"{blob.hex} {start} {stop}\n".encode())

    def discard(self) -> None:
        """Forget everything: the artifact is published, or proved wrong."""
        self._path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._handle)


class Follower:
    """How far another process is, by its journal; a Gauge."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def total(self) -> int:
        """All bytes, or 0 while nobody knows."""
        total = _parse(self._path)[0].get("bytes", 0)
        return total if isinstance(total, int) else 0

    @property
    def done(self) -> int:
        """The bytes that have landed."""
        return sum(stop - start for _, start, stop in _parse(self._path)[1])


def _parse(path: Path) -> tuple[dict[str, object], list[tuple[str, int, int]]]:
    """Read a journal, as far as it is one: half a line may stand at its end."""
    try:
        head, *lines = path.read_text().split("\n")
        document = json.loads(head)
        fields = [line.split() for line in lines[:-1]]
        pieces = [(blob, int(start), int(stop)) for blob, start, stop in fields]
    except (OSError, ValueError):
        return {}, []
    return (document, pieces) if isinstance(document, dict) else ({}, [])
