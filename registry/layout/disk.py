"""What a layout's files and names survive: they are on the disk before anything leads to them.

A stick that is pulled out, or a machine that loses its power, otherwise leaves a name whose file is empty.

Tests: tests/packer/test_layouts.py
"""

import errno
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from registry.errors import LayoutFailed

INCOMING = ".incoming-"
"""How the names of files begin that are not complete."""

_UNSUPPORTED = frozenset(
    (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL, errno.EPERM, errno.EACCES, errno.EBADF, errno.EROFS)
)
"""The errors of a file system that cannot sync, or lets this user not open a folder: it is written all the same."""


@contextmanager
def writing(directory: Path) -> Iterator[None]:
    """Raise LayoutFailed for an error of the disk inside the block."""
    try:
        yield
    except OSError as error:
        raise LayoutFailed(f"{directory}: {error.strerror}") from error


def sync(handle: int) -> None:
    """Wait until a file's bytes, or a folder's names, are on the disk, where the file system can tell."""
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise


def sync_folder(folder: Path) -> None:
    """Wait until a folder's names are on the disk, where the file system can tell."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
        return
    try:
        sync(handle)
    finally:
        os.close(handle)


def replace(path: Path, document: dict[str, Any]) -> None:
    """Write a JSON document in place of the one at a path, so that at every instant one of the two stands there."""
    handle, name = tempfile.mkstemp(prefix=INCOMING, dir=path.parent)
    with os.fdopen(handle, "w") as file:
        json.dump(document, file, separators=(",", ":"))
        os.fchmod(file.fileno(), 0o644)
        file.flush()
        sync(file.fileno())
    Path(name).rename(path)
    sync_folder(path.parent)
