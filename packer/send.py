"""One file, read once: each buffer is hashed, cut into chunks, and uploaded while it is warm."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO

from registry.digest import Digest
from registry.modelpack import Chunks
from registry.progress import Meter
from registry.repository import Publisher
from registry.retry import patiently

from .errors import BadFolder, Changed
from .scan import Found

SMALL_BYTES = 4 << 20
"""A file up to this size is hashed first, so that one which is there already is not sent again."""

_BUFFER_BYTES = 1 << 20
_CHUNK_BYTES = 16 << 20
_MANY_CHUNKS = 12_000  # their digests take half of the 1 MiB that a manifest should stay under


@dataclass(frozen=True, slots=True)
class Sent:
    """A file that the other side holds as a blob; `chunks` is None where the blob is a single one."""

    file: Found
    digest: Digest
    chunks: Chunks | None


def chunk_bytes(total: int) -> int:
    """Give the chunk size for a model of `total` bytes: 16 MiB, doubled while there would be too many chunks."""
    size = _CHUNK_BYTES
    while total / size > _MANY_CHUNKS:
        size *= 2
    return size


def send(publisher: Publisher, file: Found, chunk: int, meter: Meter) -> Sent:
    """Bring one file to the other side. Raises Changed, BadFolder, and the network's errors once patience ends."""
    if file.size <= SMALL_BYTES:
        return _send_small(publisher, file, meter)
    return patiently(lambda: _send_large(publisher, file, chunk, meter))


def _send_small(publisher: Publisher, file: Found, meter: Meter) -> Sent:
    try:
        content = file.location.read_bytes()
    except OSError as error:
        raise BadFolder(f"{file.location}: {error.strerror}", remedy="make it readable") from None
    if len(content) != file.size:
        raise Changed(f"{file.location}: had {file.size} bytes, now {len(content)}")
    digest = Digest.of(content)
    if publisher.has(digest):
        meter.skip(len(content))
    else:
        publisher.put(content, digest)
        meter.add(len(content))
    return Sent(file, digest, None)


def _send_large(publisher: Publisher, file: Found, chunk: int, meter: Meter) -> Sent:
    whole, chunks = hashlib.sha256(), _ChunkHasher(chunk)
    sent = 0
    try:
        with file.location.open("rb", buffering=0) as opened, publisher.begin(file.size) as upload:
            for content in _read(opened, file, chunks):
                whole.update(content)
                chunks.update(content)
                upload.write(content)
                sent += len(content)
                meter.add(len(content))
            digest = Digest(whole.hexdigest())
            upload.commit(digest)
    except BaseException:
        meter.take_back(sent)
        raise
    return Sent(file, digest, chunks.finish() if file.size > chunk else None)


def _read(opened: FileIO, file: Found, chunks: "_ChunkHasher") -> Iterator[memoryview]:
    """Give the file in one reused buffer, never across the end of a chunk; raise Changed when its size is another."""
    buffer = memoryview(bytearray(_BUFFER_BYTES))
    left = file.size
    while left:
        count = opened.readinto(buffer[: min(left, chunks.room)])
        if not count:
            raise Changed(f"{file.location}: ended {left} bytes before its size of {file.size}")
        yield buffer[:count]
        left -= count
    if os.fstat(opened.fileno()).st_size != file.size:
        raise Changed(f"{file.location}: grew while it was read")


class _ChunkHasher:
    """The digest of each `size` bytes that come by. Callers ask for its `room` and never pass more."""

    def __init__(self, size: int) -> None:
        self._size, self.room = size, size
        self._sha = hashlib.sha256()
        self._digests: list[Digest] = []

    def update(self, content: memoryview) -> None:
        self._sha.update(content)
        self.room -= len(content)
        if self.room == 0:
            self._turn()

    def finish(self) -> Chunks:
        if self.room < self._size:
            self._turn()
        return Chunks(self._size, tuple(self._digests))

    def _turn(self) -> None:
        self._digests.append(Digest(self._sha.hexdigest()))
        self._sha, self.room = hashlib.sha256(), self._size
