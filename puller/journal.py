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
from registry.manifest import Descriptor

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
        self._head = json.dumps({"manifest": str(manifest), "boot": boot}, sort_keys=True)
        self._boot = boot
        self._handle = -1

    def read(self) -> set[tuple[str, int, int]]:
        """Give the landed pieces as (blob's hex, start, stop); none if another artifact or another boot wrote them."""
        try:
            head, *lines = self._path.read_text().split("\n")
        except (OSError, ValueError):
            return set()
        if head != self._head or not self._boot:
            return set()
        found = set()
        for line in lines[:-1]:  # behind the last newline stands nothing, or half a line
            blob, start, stop = line.split()
            found.add((blob, int(start), int(stop)))
        return found

    def open(self, landed: Iterable[tuple[str, int, int]]) -> Self:
        """Begin to write, with what is known to have landed; as a context manager, until the block ends."""
        fresh = self._path.with_suffix(".new")
        lines = [self._head, *(f"{blob} {start} {stop}" for blob, start, stop in landed)]
        with disk_errors():
            fresh.write_text("".join(f"{line}\n" for line in lines))
            fresh.rename(self._path)
            self._handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        return self

    def record(self, layer: Descriptor, start: int, stop: int) -> None:
        """Note that bytes of a blob have landed."""
        with disk_errors():
            os.write(self._handle, f"{layer.digest.hex} {start} {stop}\n".encode())

    def discard(self) -> None:
        """Forget everything: the artifact is published, or proved wrong."""
        self._path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._handle)
