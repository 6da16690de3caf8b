"""A layer of an image: a tar of files below `models/`, the same bytes at any time and place (image-spec, layer.md).

Tests: tests/packer/image/test_tar_layer.py
"""

import tarfile
from collections.abc import Iterator, Sequence

from packer.contents.tar_layer import Segment, TarFile, TarLayer
from packer.errors import BadName
from packer.source.source_file import SourceFile
from registry.paths import parents, unsafe_reason
from registry.printable import printable

FOLDER = "models"
"""The folder of KServe's modelcars, which pods mount."""

_BLOCK = 512
_WHITEOUT = ".wh."


def tar_of(files: Sequence[SourceFile]) -> TarLayer:
    """Return the tar of some files, with the folders above them. Raises BadName.

    A layer holds its own folders, so that it is right whatever the layers below it hold.
    """
    return TarLayer(tuple(_merged(files)))


def _merged(files: Sequence[SourceFile]) -> Iterator[Segment]:
    """Yield the segments: what stands between two files is one of them."""
    between, known = bytearray(), set[str]()
    for file in files:
        name = _name(file)
        for folder in parents(name):
            if folder not in known:
                known.add(folder)
                between += _header(folder, tarfile.DIRTYPE, 0, 0o755)
        between += _header(name, tarfile.REGTYPE, file.size, file.mode)
        yield bytes(between)
        yield TarFile(name, file)
        between = bytearray(-file.size % _BLOCK)
    yield bytes(between) + bytes(2 * _BLOCK)


def _header(name: str, kind: bytes, size: int, mode: int) -> bytes:
    """Return a member's header, without a time and of the root's: long names and sizes are pax's."""
    info = tarfile.TarInfo(name)
    info.type, info.size, info.mode = kind, size, mode
    return info.tobuf(tarfile.PAX_FORMAT)


def _name(file: SourceFile) -> str:
    """Return a file's name in an image; raise BadName where it would mean something else there."""
    name = f"{FOLDER}/{file.path}"
    if any(part.startswith(_WHITEOUT) for part in name.split("/")):
        raise BadName(
            f"{printable(str(file.location))}: in an image, a name that begins with {_WHITEOUT} removes a file"
        )
    if reason := unsafe_reason(name):
        raise BadName(f"{printable(str(file.location))}: the name in the image, {printable(name, 80)}, {reason}")
    return name
