"""Reading files unchanged: a file that changed between the scan and its last byte is an error.

Tests: tests/packer/source/test_scan.py
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO

from packer.errors import BadFolder, Changed

from .source_file import SourceFile

_GONE = (errno.ELOOP, errno.ENOENT, errno.ENOTDIR, errno.ENXIO)


@contextmanager
def opened(file: SourceFile) -> Iterator[FileIO]:
    """Open a file if it is still the one that was found. Raises Changed, BadFolder.

    A link is followed only if one was found; opening does not block on a pipe that replaced the file.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if file.is_link else os.O_NOFOLLOW)
    try:
        handle = os.open(file.location, flags)
    except OSError as error:
        if error.errno in _GONE:
            raise Changed(
                f"{file.location}: went away, or gave way to another, after the folder was looked through"
            ) from None
        raise BadFolder(f"{file.location}: {error.strerror}", hint="make it readable") from None
    with FileIO(handle) as content:
        check(content, file)
        try:
            yield content
        except OSError as error:
            raise BadFolder(f"{file.location}: {error.strerror}", hint="check the disk") from None


def check(content: FileIO, file: SourceFile) -> None:
    """Raise Changed unless an open file is the one that was found, unchanged; call again after the last byte."""
    now, then = os.fstat(content.fileno()), file.status
    if (now.st_dev, now.st_ino) != (then.st_dev, then.st_ino):
        raise Changed(f"{file.location}: is another file than when the folder was looked through")
    if now.st_size != then.st_size:
        raise Changed(f"{file.location}: had {then.st_size} bytes, now {now.st_size}")
    if (now.st_mtime_ns, now.st_ctime_ns) != (then.st_mtime_ns, then.st_ctime_ns):
        raise Changed(f"{file.location}: was changed after the folder was looked through")
