"""A file packed while it is uploaded, chunk by chunk: how large it will be nobody knows before."""

from packer.layer_blob import Counted
from packer.source.source_file import Found
from registry.errors import Unavailable, UploadLost
from registry.http.retry import Patience
from registry.progress.stats import Meter
from registry.repository import Publisher, Upload

from .resume import mend
from .zstd_encoder import pack


def send_packed(publisher: Publisher, file: Found, chunk: int, meter: Meter) -> Counted:
    """Pack a file into an upload; a registry that must know a blob before has it packed twice.

    Raises Changed, BadFolder, and what the upload raises.
    """
    if not publisher.wants_digest_first:
        with publisher.begin(None) as upload:
            counted = _pack_into(upload, file, chunk, meter, publisher.patience)
            upload.commit(counted.digest)
        return counted
    planned = pack(file, chunk, lambda _: None, lambda _: None)
    with publisher.begin(planned.size, planned.digest) as upload:
        counted = _pack_into(upload, file, chunk, meter, publisher.patience)
        upload.commit(counted.digest)
    return counted


def _pack_into(upload: Upload, file: Found, chunk: int, meter: Meter, patience: Patience) -> Counted:
    sender = _Sender(upload, meter, patience)
    try:
        return pack(file, chunk, sender.send, sender.told)
    except BaseException:
        meter.take_back(sender.counted)
        raise


class _Sender:
    """Sends chunks, and goes on in the middle of one when the connection breaks."""

    def __init__(self, upload: Upload, meter: Meter, patience: Patience) -> None:
        self._upload, self._meter, self._patience = upload, meter, patience
        self._sent = self.counted = 0

    def send(self, content: bytes) -> None:
        """Send a chunk."""
        try:
            self._upload.write(memoryview(content))
        except Unavailable as error:
            mend(self._upload, error, self._patience, lambda arrived: self._go_on(arrived, content))
        self._sent += len(content)

    def told(self, count: int) -> None:
        """Count so many bytes of the file as done."""
        self.counted += count
        self._meter.add(count)

    def _go_on(self, arrived: int, content: bytes) -> None:
        offset = arrived - self._sent
        if not 0 <= offset <= len(content):
            raise UploadLost(f"the registry has {arrived} bytes of a blob, of which some are no longer at hand")
        if offset < len(content):
            self._upload.write(memoryview(content)[offset:])
