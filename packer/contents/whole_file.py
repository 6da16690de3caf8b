"""A file as it is, for a blob of the same bytes.

Tests: tests/packer/test_push.py
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO

from packer.errors import Changed
from packer.layer_blob import RAW, LayerBlob, raw
from packer.source.source_file import SourceFile
from packer.source.stable_read import check, opened
from registry.chunk_index import Chunks
from registry.digest import Digest


@dataclass(frozen=True, slots=True)
class WholeFile:
    """A file, and the bytes of the chunks that get digests; a Content."""

    file: SourceFile
    chunk: int

    codec = RAW

    @property
    def name(self) -> str:
        """The file's path."""
        return str(self.file.location)

    @property
    def size(self) -> int:
        """Bytes."""
        return self.file.size

    def identity(self, codec: str) -> str:
        """Return the file's own, and its path where the blob is a tar that holds it."""
        return self.file.identity if codec == RAW else f"{self.file.identity} {self.file.path}"

    @property
    def changed(self) -> float:
        """When the file changed."""
        return self.file.changed

    @contextmanager
    def opened(self) -> Iterator["_OpenFile"]:
        """Open the file. Raises Changed, BadFolder."""
        with opened(self.file) as source:
            yield _OpenFile(self.file, source)

    def stops(self) -> Iterator[int]:
        """Yield where chunks end; a file of one chunk needs no digest beside its own."""
        if self.size > self.chunk:
            yield from range(self.chunk, self.size, self.chunk)
            yield self.size

    def blob(self, digest: Digest, parts: Sequence[Digest]) -> LayerBlob:
        """Return the file's blob."""
        return raw(digest, self.size, Chunks(self.chunk, tuple(parts)) if parts else None)


class _OpenFile:
    """A file that is being read; an OpenContent."""

    def __init__(self, file: SourceFile, source: FileIO) -> None:
        self._file, self._source = file, source
        self.readinto = source.readinto

    def read_at(self, count: int, offset: int) -> bytes:
        return bytes_at(self._source, self._file, count, offset)

    def check(self) -> None:
        check(self._source, self._file)


def bytes_at(source: FileIO, file: SourceFile, count: int, offset: int) -> bytes:
    """Return `count` bytes of an open file; raise Changed when it ends before."""
    content = os.pread(source.fileno(), count, offset)
    if len(content) != count:
        raise Changed(f"{file.location}: ended after {offset + len(content)} of {file.size} bytes")
    return content
