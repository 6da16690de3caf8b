"""A file packed while it is uploaded, chunk by chunk: how large it will be nobody knows before."""

from registry.errors import TakenOtherwise, Unavailable
from registry.meter import Meter
from registry.repository import Publisher, Upload
from registry.retry import patiently

from .counted import Counted
from .pack import pack
from .scan import Found


def send_packed(publisher: Publisher, file: Found, chunk: int, meter: Meter) -> Counted:
    """Pack a file into an upload; a registry that must know a blob before has it packed twice.

    Raises Changed, BadFolder, and what the upload raises.
    """
    if not publisher.wants_digest_first:
        with publisher.begin(None) as upload:
            counted = _pack_into(upload, file, chunk, meter)
            upload.commit(counted.digest)
        return counted
    planned = pack(file, chunk, lambda _: None, lambda _: None)
    with publisher.begin(planned.size, planned.digest) as upload:
        counted = _pack_into(upload, file, chunk, meter)
        upload.commit(counted.digest)
    return counted


def _pack_into(upload: Upload, file: Found, chunk: int, meter: Meter) -> Counted:
    sender = _Sender(upload, meter)
    try:
        return pack(file, chunk, sender.send, sender.told)
    except BaseException:
        meter.take_back(sender.counted)
        raise


class _Sender:
    """Sends chunks, and goes on in the middle of one when the connection breaks."""

    def __init__(self, upload: Upload, meter: Meter) -> None:
        self._upload, self._meter = upload, meter
        self._sent = self.counted = 0

    def send(self, content: bytes) -> None:
        """Send a chunk."""
        try:
            self._upload.write(memoryview(content))
        except TakenOtherwise:
            raise
        except Unavailable:
            patiently(lambda: self._go_on(content))
        self._sent += len(content)

    def told(self, count: int) -> None:
        """Count so many bytes of the file as done."""
        self.counted += count
        self._meter.add(count)

    def _go_on(self, content: bytes) -> None:
        arrived = self._upload.resume() - self._sent
        if not 0 <= arrived <= len(content):
            raise Unavailable(f"the registry has {arrived + self._sent} bytes, of which some are no longer at hand")
        if arrived < len(content):
            self._upload.write(memoryview(content)[arrived:])
