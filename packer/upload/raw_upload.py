"""The upload of a large file, or of a tar of files: read once, hashed whole and in parts, and sent as it is.

With a spare core, one thread reads and computes the whole digest while a second one hashes parts and sends: both read
the same buffer at the same time. When other files keep the cores busy, one thread does everything, while the bytes are
in its core's own cache.

Tests: tests/packer/test_outcomes.py
"""

import hashlib
import threading
from collections.abc import Callable, Iterator
from itertools import cycle
from queue import SimpleQueue
from threading import Semaphore
from typing import Protocol, Self

from packer.contents.content import Content, OpenContent
from packer.contents.part_hasher import PartHasher
from packer.errors import Changed
from packer.layer_blob import LayerBlob
from registry.digest import Digest
from registry.errors import Unavailable, UploadLost
from registry.http.retry import Patience
from registry.progress.stats import TransferStats
from registry.repository import Upload

from .resume import mend

_BUFFER_BYTES = 1 << 19
_BUFFERS = 4


def relay(content: Content, upload: Upload, stats: TransferStats, *, spare_core: bool, patience: Patience) -> LayerBlob:
    """Write content to `upload`; return its blob, with the digests of its parts.

    Raises Changed, BadFolder, and what the upload raises.
    """
    whole = hashlib.sha256()
    with content.opened() as source:
        sender = Sender(upload, content, source, stats, patience)
        try:
            with Aside(sender) if spare_core else Here(sender) as way:
                for part in _read(source, content, way.buffer):
                    way.hand_over(part)
                    whole.update(part)
            source.check()  # bytes that a broken connection lost were read again, up to here
        except BaseException:
            sender.take_back()
            raise
    return content.blob(Digest(whole.hexdigest()), sender.parts.digests)


def digest_of(content: Content) -> Digest:
    """Return the digest without sending, for registries that need it first. Raises Changed, BadFolder."""
    whole = hashlib.sha256()
    for part in _pass(content):
        whole.update(part)
    return Digest(whole.hexdigest())


def bytes_of(content: Content) -> bytes:
    """Return all bytes of small content. Raises Changed, BadFolder."""
    return b"".join(map(bytes, _pass(content)))


def _pass(content: Content) -> Iterator[memoryview]:
    """Yield the content's bytes in one buffer."""
    buffer = memoryview(bytearray(min(content.size, _BUFFER_BYTES)))
    with content.opened() as source:
        yield from _read(source, content, lambda: buffer)
        source.check()


class Way(Protocol):
    """How buffers reach the sender."""

    def buffer(self) -> memoryview:
        """Wait for a buffer that no thread reads any more, and return it. Raises the error that ended the sending."""
        ...

    def hand_over(self, content: memoryview) -> None:
        """Send bytes; the caller may read them until `buffer` returns their buffer again."""
        ...


def _read(source: OpenContent, content: Content, fresh: Callable[[], memoryview]) -> Iterator[memoryview]:
    """Yield the content's bytes in buffers; raise Changed when it ends early."""
    size, position = content.size, 0
    while position < size:
        buffer = fresh()
        count = source.readinto(buffer[: size - position])
        if not count:
            raise Changed(f"{content.name}: ended after {position} of {size} bytes")
        yield buffer[:count]
        position += count


class Sender:
    """Hashes parts and sends; when the connection breaks, continues after the bytes that arrived."""

    def __init__(
        self, upload: Upload, content: Content, source: OpenContent, stats: TransferStats, patience: Patience
    ) -> None:
        """`source` is the open content; bytes that a broken connection lost are read from it again."""
        self.parts = PartHasher(content.stops())
        self._upload, self._source, self._stats, self._patience = upload, source, stats, patience
        self._sent = 0

    def send(self, content: memoryview) -> None:
        """Send the next bytes."""
        self.parts.update(content)
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
        """Send the bytes from `arrived` to `stop` again."""
        if arrived > stop:
            raise UploadLost(f"the registry counts {arrived} bytes of a blob, of which {stop} were sent")
        for start in range(arrived, stop, _BUFFER_BYTES):
            again = self._source.read_at(min(_BUFFER_BYTES, stop - start), start)
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
