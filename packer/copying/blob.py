"""One blob from a store to another: not sent where it is there, mounted, or streamed and verified while it streams.

Tests: tests/packer/test_copying.py
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from packer.upload.resume import mend
from registry.digest import Verifier
from registry.errors import Mismatch, Unavailable, UploadLost, UploadModeRejected
from registry.manifest import Descriptor
from registry.progress.stats import TransferStats
from registry.repository import Pusher, Repository

_SMALL_BYTES = 4 << 20
_BUFFER_BYTES = 1 << 20
_STARTS = 5
"""How often a blob is sent from its start at most."""


@dataclass(frozen=True, slots=True)
class Way:
    """Where blobs come from and go to; `neighbour` is the source's repository where both are in one registry."""

    source: Repository
    target: Pusher
    stats: TransferStats
    neighbour: str = ""


def copy_blob(way: Way, blob: Descriptor) -> bool:
    """Copy a blob; return whether its bytes were sent. Raises Mismatch, and the network's errors once patience ends."""
    if way.target.has(blob.digest, blob.size) or (way.neighbour and way.target.mount(blob.digest, way.neighbour)):
        way.stats.skip(blob.size)
        return False
    if blob.size <= _SMALL_BYTES:
        way.target.put(way.source.read(blob, _SMALL_BYTES), blob.digest)
        way.stats.add(blob.size)
        return True
    for _ in range(_STARTS - 1):
        try:
            _stream(way, blob)
        except (UploadModeRejected, UploadLost) as error:
            way.target.patience.begin().after(error)
        else:
            return True
    _stream(way, blob)
    return True


def _stream(way: Way, blob: Descriptor) -> None:
    """Send a blob from its start; it is committed only when all of it was right."""
    verifier, sent = Verifier(str(blob.digest), blob.size, blob.digest), 0
    try:
        with way.target.begin(blob.size, blob.digest) as upload:
            for content in _read(way.source, blob, 0, blob.size):
                verifier.update(content)
                try:
                    upload.write(content)
                except Unavailable as error:
                    stop = verifier.seen

                    def resend(arrived: int, stop: int = stop) -> None:
                        for again in _read(way.source, blob, arrived, stop):
                            upload.write(again)

                    mend(upload, error, way.target.patience, resend)
                sent += len(content)
                way.stats.add(len(content))
            verifier.finish()
            upload.commit(blob.digest)
    except BaseException:
        way.stats.take_back(sent)
        raise


def _read(source: Repository, blob: Descriptor, start: int, stop: int) -> Iterator[memoryview]:
    """Yield the bytes of a blob from `start` to `stop`, going on behind those that came when a connection breaks."""
    buffer = memoryview(bytearray(_BUFFER_BYTES))
    waiting, position, before = source.patience.begin(), start, start
    while position < stop:
        try:
            with closing(source.open(blob, position, stop)) as reader:
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
