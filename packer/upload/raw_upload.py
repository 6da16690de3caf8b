"""The raw upload of a large file: read once, hashed whole and in chunks, and sent.

With a spare core, one thread reads and computes the whole digest while a second one hashes chunks and sends: both read
the same buffer at the same time. When other files keep the cores busy, one thread does everything, while the bytes are
in its core's own cache.

Tests: tests/packer/test_outcomes.py
"""

import hashlib
import os
import threading
from collections.abc import Iterator
from io import FileIO
from itertools import cycle
from queue import SimpleQueue
from threading import Semaphore
from typing import Protocol, Self

from packer.errors import Changed
from packer.layer_blob import LayerBlob, raw
from packer.source.source_file import SourceFile
from packer.source.stable_read import check, opened
from registry.chunk_index import CHUNK_ALGORITHM, Chunks
from registry.digest import Digest, hasher_of
from registry.errors import Unavailable, UploadLost
from registry.http.retry import Patience
from registry.progress.stats import TransferStats
from registry.repository import Upload

from .resume import mend

_BUFFER_BYTES = 1 << 19
_BUFFERS = 4


def relay(  # noqa: PLR0913 - what is sent, where to, and how
    file: SourceFile, chunk: int, upload: Upload, stats: TransferStats, *, spare_core: bool, patience: Patience
) -> LayerBlob:
    """Write a file to `upload` as it is; return its digest, and its chunks' if it has several.

    Raises Changed, BadFolder, and what the upload raises.
    """
    whole = hashlib.sha256()
    with opened(file) as source:
        sender = Sender(upload, chunk, stats, source.fileno(), patience)
        try:
            with Aside(sender) if spare_core else Here(sender) as way:
                for content in _read(source, file, chunk, way):
                    way.hand_over(content)
                    whole.update(content)
            check(source, file)  # bytes that a broken connection lost were read again, up to here
        except BaseException:
            sender.take_back()
            raise
    return raw(Digest(whole.hexdigest()), file.size, sender.chunks.finish() if file.size > chunk else None)


def digest_of(file: SourceFile) -> Digest:
    """Return a file's digest without sending it, for registries that need it first. Raises Changed, BadFolder."""
    with opened(file) as source:
        digest = Digest(hashlib.file_digest(source, "sha256").hexdigest())
        check(source, file)
    return digest


class Way(Protocol):
    """How buffers reach the sender."""

    def buffer(self) -> memoryview:
        """Wait for a buffer that no thread reads any more, and return it. Raises the error that ended the sending."""
        ...

    def hand_over(self, content: memoryview) -> None:
        """Send bytes; the caller may read them until `buffer` returns their buffer again."""
        ...


def _read(source: FileIO, file: SourceFile, chunk: int, way: Way) -> Iterator[memoryview]:
    """Yield the file's bytes, in parts that do not cross the end of a chunk."""
    position = 0
    while position < file.size:
        buffer = way.buffer()
        count = source.readinto(buffer[: min(file.size - position, chunk - position % chunk)])
        if not count:
            raise Changed(f"{file.location}: ended after {position} of {file.size} bytes")
        yield buffer[:count]
        position += count


class Sender:
    """Hashes chunks and sends; when the connection breaks, continues after the bytes that arrived."""

    def __init__(self, upload: Upload, chunk: int, stats: TransferStats, handle: int, patience: Patience) -> None:
        """`handle` is the open file; bytes that a broken connection lost are read from it again."""
        self.chunks = _ChunkHasher(chunk)
        self._upload, self._stats, self._handle, self._patience = upload, stats, handle, patience
        self._sent = 0

    def send(self, content: memoryview) -> None:
        """Send the next bytes."""
        self.chunks.update(content)
        try:
            self._upload.write(content)
        except Unavailable as error:
            stop = self._sent + len(content)
            mend(self._upload, error, self._patience, lambda arrived: self._go_on(arrived, stop))
        self._sent += len(content)
        self._stats.add(len(content))

    def take_back(self) -> None:
        """Count all sent bytes as not sent."""
        self._stats.take_back(self._sent)

    def _go_on(self, arrived: int, stop: int) -> None:
        """Send the file's bytes from `arrived` to `stop` again."""
        if arrived > stop:
            raise UploadLost(f"the registry counts {arrived} bytes of a blob, of which {stop} were sent")
        for start in range(arrived, stop, _BUFFER_BYTES):
            again = os.pread(self._handle, min(_BUFFER_BYTES, stop - start), start)
            self._upload.write(memoryview(again))


class Here:
    """Sends in the reading thread; a Way."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._buffer = memoryview(bytearray(_BUFFER_BYTES))

    def buffer(self) -> memoryview:
        """Return the one buffer."""
        return self._buffer

    def hand_over(self, content: memoryview) -> None:
        """Send now."""
        self._sender.send(content)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing: everything is sent."""


class Aside:
    """Sends in a second thread; a Way. Its error is raised in the first thread."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._buffers = cycle([memoryview(bytearray(_BUFFER_BYTES)) for _ in range(_BUFFERS)])
        self._free = Semaphore(_BUFFERS)
        self._full: SimpleQueue[memoryview | None] = SimpleQueue()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def buffer(self) -> memoryview:
        """Return the next of a few buffers; they are reused in order."""
        self._free.acquire()
        if self._failure is not None:
            raise self._failure
        return next(self._buffers)

    def hand_over(self, content: memoryview) -> None:
        """Pass bytes to the second thread."""
        self._full.put(content)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._full.put(None)
        self._thread.join()
        if kind is None and self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        while (content := self._full.get()) is not None:
            if self._failure is None:
                try:
                    self._sender.send(content)
                except BaseException as error:  # noqa: BLE001 - the first thread raises it again
                    self._failure = error
            self._free.release()


class _ChunkHasher:
    """The digest of each `size` bytes of a stream, given in parts that do not cross a boundary."""

    def __init__(self, size: int) -> None:
        self._size, self._room = size, size
        self._hasher = hasher_of(CHUNK_ALGORITHM)
        self._digests: list[Digest] = []

    def update(self, content: memoryview) -> None:
        self._hasher.update(content)
        self._room -= len(content)
        if self._room == 0:
            self._turn()

    def finish(self) -> Chunks:
        if self._room < self._size:
            self._turn()
        return Chunks(self._size, tuple(self._digests))

    def _turn(self) -> None:
        self._digests.append(Digest(self._hasher.hexdigest(), CHUNK_ALGORITHM))
        self._hasher, self._room = hasher_of(CHUNK_ALGORITHM), self._size
