"""One blob from a store to another: not sent where it is there, mounted, or streamed and verified while it streams.

Tests: tests/packer/test_copying.py
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from packer.upload.resume import mend
from registry.digest import Verifier
from registry.errors import Mismatch, Refused, Unavailable, UploadLost, UploadModeRejected
from registry.manifest import Descriptor
from registry.progress.stats import TransferStats
from registry.repository import Pusher, Repository, Upload

_SMALL_BYTES = 4 << 20
_BUFFER_BYTES = 1 << 20
_EMPTY_REFUSED = "the registry refuses blobs of no bytes, such as empty files: push the model to it from its files"
_STARTS = 5
"""How often a blob is sent from its start at most."""


@dataclass(frozen=True, slots=True)
class Way:
    """Where blobs come from and go to; `neighbour` is the source's repository where both are in one registry."""

    source: Repository
    target: Pusher
    stats: TransferStats
    neighbour: str = ""


class _Corrupt(Mismatch):
    """Wrong bytes of hosts that are not asked again; another one may send right ones."""


def copy_blob(way: Way, blob: Descriptor) -> bool:
    """Copy a blob; return whether its bytes were sent. Raises Mismatch, and the network's errors once patience ends."""
    target = way.target
    if target.has(blob.digest, blob.size) or (way.neighbour and target.mount(blob.digest, blob.size, way.neighbour)):
        way.stats.skip(blob.size)
        return False
    if blob.size <= _SMALL_BYTES:
        try:
            way.target.put(way.source.read(blob, _SMALL_BYTES), blob.digest)
        except Refused as error:
            raise error if blob.size else Refused(str(error), hint=_EMPTY_REFUSED) from None
        way.stats.add(blob.size)
        return True
    for _ in range(_STARTS - 1):
        try:
            _stream(way, blob)
        except _Corrupt:
            continue
        except (UploadModeRejected, UploadLost) as error:
            way.target.patience.begin().after(error)
        else:
            return True
    _stream(way, blob)
    return True


def _stream(way: Way, blob: Descriptor) -> None:
    """Send a blob from its start; it is committed only when all of it was right."""
    with way.target.begin(blob.size, blob.digest) as upload:
        sent = _Sent(way, blob, upload)
        try:
            sent.all()
            upload.commit(blob.digest)
        except BaseException:
            way.stats.take_back(sent.count)
            raise


class _Sent:
    """One blob on its way, and the hosts that sent parts of it."""

    def __init__(self, way: Way, blob: Descriptor, upload: Upload) -> None:
        self._way, self._blob, self._upload = way, blob, upload
        self._hosts: set[str] = set()
        self.count = 0

    def all(self) -> None:
        """Send all bytes. Raises _Corrupt where another host may have right ones, and Mismatch where none has."""
        verifier = Verifier(str(self._blob.digest), self._blob.size, self._blob.digest)
        try:
            for content in self._read(0, self._blob.size):
                verifier.update(content)
                self._send(content)
            verifier.finish()
        except Mismatch as error:
            if self._way.source.report_corrupt(self._hosts):
                raise _Corrupt(str(error)) from error
            raise

    def _send(self, content: memoryview) -> None:
        stop = self.count + len(content)
        try:
            self._upload.write(content)
        except Unavailable as error:
            mend(self._upload, error, self._way.target.patience, lambda arrived: self._send_again(arrived, stop))
        self.count = stop
        self._way.stats.add(len(content))

    def _send_again(self, arrived: int, stop: int) -> None:
        """Send the bytes from `arrived` to `stop` again."""
        if arrived > stop:
            raise UploadLost(f"the registry counts {arrived} bytes of a blob, of which {stop} were sent")
        for again in self._read(arrived, stop):
            self._upload.write(again)

    def _read(self, start: int, stop: int) -> Iterator[memoryview]:
        """Yield the blob's bytes from `start` to `stop`, going on behind those that came when a connection breaks."""
        source, blob, buffer = self._way.source, self._blob, memoryview(bytearray(_BUFFER_BYTES))
        waiting, position, before = source.patience.begin(), start, start
        while position < stop:
            try:
                with closing(source.open(blob, position, stop)) as reader:
                    self._hosts.add(reader.host)
                    offset = reader.start
                    while position < stop:
                        count = reader.readinto(buffer)
                        if not count:
                            raise Mismatch(f"{blob.digest}: ended after {position} of {blob.size} bytes")
                        fresh = buffer[max(position - offset, 0) : min(count, stop - offset)]
                        offset += count
                        if fresh:
                            position += len(fresh)
                            yield fresh
            except Unavailable as error:
                waiting.after(error, position - before)
                before = position
