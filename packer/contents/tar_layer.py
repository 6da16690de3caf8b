"""A tar of files that stands nowhere: it is read as headers and files, one after the other.

Tests: tests/packer/image/test_tar_layer.py
"""

import hashlib
import io
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import accumulate

from packer.errors import Changed
from packer.layer_blob import TAR, LayerBlob
from packer.source.source_file import SourceFile
from packer.source.stable_read import check, opened
from registry.chunk_index import CHUNK_ALGORITHM, FileDigests
from registry.digest import Digest
from registry.printable import some

from .whole_file import bytes_at


@dataclass(frozen=True, slots=True)
class TarFile:
    """A file under its name in a tar."""

    name: str
    file: SourceFile

    def __len__(self) -> int:
        return self.file.size


Segment = bytes | TarFile
"""Bytes of the tar itself, or those of a file."""


@dataclass(frozen=True, slots=True)
class TarLayer:
    """A tar's segments in order, none of them empty but for empty files; a Content."""

    segments: tuple[Segment, ...]

    codec = TAR
    chunk = 0

    @property
    def files(self) -> tuple[TarFile, ...]:
        """The files in it."""
        return tuple(segment for segment in self.segments if isinstance(segment, TarFile))

    @property
    def name(self) -> str:
        """The path of its only file, or of the first."""
        return some([str(one.file.location) for one in self.files], most=1)

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(map(len, self.segments))

    def identity(self, codec: str) -> str:  # noqa: ARG002 - it has one
        """Return a digest of the tar's own bytes, names and modes included, and of what its files are known by."""
        told = hashlib.sha256()
        for segment in self.segments:
            told.update(segment if isinstance(segment, bytes) else segment.file.identity.encode())
        return f"tar {told.hexdigest()}"

    @property
    def changed(self) -> float:
        """When the newest of its files changed."""
        return max(member.file.changed for member in self.files)

    @contextmanager
    def opened(self) -> Iterator["_OpenTar"]:
        """Open the tar; each file is opened when its turn comes. Raises Changed, BadFolder."""
        with ExitStack() as held:
            yield _OpenTar(self, held)

    def stops(self) -> Iterator[int]:
        """Yield where segments end."""
        return accumulate(len(segment) for segment in self.segments if segment)

    def blob(self, digest: Digest, parts: Sequence[Digest]) -> LayerBlob:
        """Return the tar's blob, with the digest of each file in it."""
        by_segment = zip((segment for segment in self.segments if segment), parts, strict=True)
        known = {segment.name: digest for segment, digest in by_segment if isinstance(segment, TarFile)}
        empty = Digest.of(b"", CHUNK_ALGORITHM)
        digests = FileDigests({member.name: (len(member), known.get(member.name, empty)) for member in self.files})
        return LayerBlob(digest, self.size, digest, TAR, digests.to_annotations())


def tar_of_one(file: SourceFile) -> TarLayer:
    """Return the tar of one file under its own path, without a time and of the root's."""
    info = tarfile.TarInfo(file.path)
    info.size, info.mode = file.size, file.mode
    ending = bytes(-file.size % tarfile.BLOCKSIZE + 2 * tarfile.BLOCKSIZE)
    return TarLayer((info.tobuf(tarfile.PAX_FORMAT), TarFile(file.path, file), ending))


class _OpenTar:
    """A tar that is being read, one file open at a time; an OpenContent."""

    def __init__(self, layer: TarLayer, held: ExitStack) -> None:
        self._layer, self._held = layer, held
        self._segments = iter(layer.segments)
        self._source: io.BytesIO | io.FileIO = io.BytesIO()
        self._left = 0
        self._check: Callable[[], None] = lambda: None

    def readinto(self, buffer: memoryview) -> int:
        filled = 0
        while filled < len(buffer) and (self._left or self._turn()):
            count = self._source.readinto(buffer[filled : filled + self._left])
            if not count:
                self._check()
                raise Changed(f"{self._layer.name}: a file of it ended {self._left} bytes early")
            filled += count
            self._left -= count
        return filled

    def read_at(self, count: int, offset: int) -> bytes:
        found, start = list[bytes](), 0
        for segment in self._layer.segments:
            first, last = max(offset - start, 0), min(offset + count - start, len(segment))
            if first < last:
                found.append(_stretch(segment, first, last))
            start += len(segment)
        return b"".join(found)

    def check(self) -> None:
        """Do nothing: each file is checked at its end, which is not the tar's."""

    def _turn(self) -> bool:
        """Check the file that ends, and open the next segment that is not empty; return whether there is one."""
        for segment in self._segments:
            self._check()
            self._held.close()
            self._left = len(segment)
            if isinstance(segment, TarFile):
                source = self._held.enter_context(opened(segment.file))
                self._source, self._check = source, partial(check, source, segment.file)
            else:
                self._source, self._check = io.BytesIO(segment), lambda: None
            if self._left:
                return True
        return False


def _stretch(segment: Segment, first: int, last: int) -> bytes:
    if isinstance(segment, bytes):
        return segment[first:last]
    with opened(segment.file) as source:
        content = bytes_at(source, segment.file, last - first, first)
        check(source, segment.file)
    return content
