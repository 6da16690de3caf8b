"""A large file on its way: one thread reads and counts the whole digest, a second cuts chunks and sends.

Both look at the same buffer at the same time, so that the upload overlaps the hashing and each byte is read once.
"""

import hashlib
import os
import threading
from collections.abc import Iterator
from io import FileIO
from itertools import cycle
from queue import SimpleQueue
from threading import Semaphore
from typing import Self

from registry.chunks import CHUNK_ALGORITHM, Chunks
from registry.digest import Digest, hasher_of
from registry.errors import TakenOtherwise, Unavailable
from registry.meter import Meter
from registry.repository import Upload
from registry.retry import patiently

from .counted import Counted, raw
from .errors import BadFolder, Changed
from .scan import Found

_BUFFER_BYTES = 1 << 19
_BUFFERS = 4


def relay(file: Found, chunk: int, upload: Upload, meter: Meter) -> Counted:
    """Write a file to `upload` as it is; give its digest, and its chunks' where it has several.

    Raises Changed, BadFolder, and what the upload raises.
    """
    try:
        opened = file.location.open("rb", buffering=0)
    except OSError as error:
        raise BadFolder(f"{file.location}: {error.strerror}", remedy="make it readable") from None
    whole = hashlib.sha256()
    with opened, Sender(upload, chunk, meter, opened.fileno()) as sender:
        for content in _read(opened, file, chunk, sender):
            whole.update(content)
    return raw(Digest(whole.hexdigest()), file.size, sender.chunks.finish() if file.size > chunk else None)


def digest_of(file: Found) -> Digest:
    """Hash a file without sending it: for registries that must know the digest before. Raises BadFolder."""
    try:
        with file.location.open("rb") as opened:
            return Digest(hashlib.file_digest(opened, "sha256").hexdigest())
    except OSError as error:
        raise BadFolder(f"{file.location}: {error.strerror}", remedy="make it readable") from None


def _read(opened: FileIO, file: Found, chunk: int, sender: "Sender") -> Iterator[memoryview]:
    """Give the file's bytes, each buffer handed to the sender before; none reaches across the end of a chunk."""
    position = 0
    while position < file.size:
        buffer = sender.buffer()
        count = opened.readinto(buffer[: min(file.size - position, chunk - position % chunk)])
        if not count:
            raise Changed(f"{file.location}: ended after {position} of {file.size} bytes")
        sender.hand_over(buffer[:count])
        yield buffer[:count]
        position += count
    if os.fstat(opened.fileno()).st_size != file.size:
        raise Changed(f"{file.location}: grew while it was read")


class Sender:
    """The second thread. What ends it early is raised in the first one, and what it counted is taken back."""

    def __init__(self, upload: Upload, chunk: int, meter: Meter, handle: int) -> None:
        """`handle` is the open file, from which is read again what a broken connection lost."""
        self.chunks = _ChunkHasher(chunk)
        self._upload, self._meter, self._handle = upload, meter, handle
        self._sent = 0
        self._buffers = cycle([memoryview(bytearray(_BUFFER_BYTES)) for _ in range(_BUFFERS)])
        self._free = Semaphore(_BUFFERS)
        self._full: SimpleQueue[memoryview | None] = SimpleQueue()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def buffer(self) -> memoryview:
        """Give a whole buffer that nobody reads any more, waiting for one. Raises what ended the sending."""
        self._free.acquire()
        if self._failure is not None:
            raise self._failure
        return next(self._buffers)  # they come back in the order in which they went

    def hand_over(self, content: memoryview) -> None:
        """Have bytes sent; others may read them too until their buffer is given out again."""
        self._full.put(content)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._full.put(None)
        self._thread.join()
        if kind is not None or self._failure is not None:
            self._meter.take_back(self._sent)
        if kind is None and self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        while (content := self._full.get()) is not None:
            if self._failure is None:
                try:
                    self.chunks.update(content)
                    self._send(content)
                except BaseException as error:  # noqa: BLE001 - the first thread raises it again
                    self._failure = error
                else:
                    self._sent += len(content)
                    self._meter.add(len(content))
            self._free.release()

    def _send(self, content: memoryview) -> None:
        """Send bytes that follow those sent before; when the connection breaks, go on behind what has arrived."""
        try:
            self._upload.write(content)
        except TakenOtherwise:
            raise
        except Unavailable:
            stop = self._sent + len(content)
            patiently(lambda: self._go_on(stop))

    def _go_on(self, stop: int) -> None:
        """Send from the file what has not arrived of its bytes up to `stop`."""
        for start in range(self._upload.resume(), stop, _BUFFER_BYTES):
            again = os.pread(self._handle, min(_BUFFER_BYTES, stop - start), start)
            self._upload.write(memoryview(again))


class _ChunkHasher:
    """The digest of each `size` bytes that come by, of which no part may reach across a boundary."""

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
