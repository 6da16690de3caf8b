"""Compress a file while uploading it in parts; the blob's size is unknown until the end.

Tests: tests/packer/upload/test_zstd_upload.py
"""

from packer.layer_blob import LayerBlob
from packer.source.source_file import SourceFile
from registry.errors import Unavailable, UploadLost
from registry.http.retry import Patience
from registry.progress.stats import TransferStats
from registry.repository import Pusher, Upload

from .resume import mend
from .zstd_encoder import pack


def send_packed(pusher: Pusher, file: SourceFile, chunk: int, stats: TransferStats) -> LayerBlob:
    """Pack a file into an upload; pack it twice for a registry that needs the digest first.

    Raises Changed, BadFolder, and what the upload raises.
    """
    if pusher.wants_digest_first:
        return send_planned(pusher, file, chunk, stats)
    with pusher.begin(None) as upload:
        counted = _pack_into(upload, file, chunk, stats, pusher.patience)
        upload.commit(counted.digest)
    return counted


def send_planned(pusher: Pusher, file: SourceFile, chunk: int, stats: TransferStats) -> LayerBlob:
    """Pack a file to learn its size and digest, and again into an upload that states them. Raises as above."""
    planned = pack(file, chunk, lambda _: None, lambda _: None)
    with pusher.begin(planned.size, planned.digest) as upload:
        counted = _pack_into(upload, file, chunk, stats, pusher.patience)
        upload.commit(counted.digest)
    return counted


def _pack_into(upload: Upload, file: SourceFile, chunk: int, stats: TransferStats, patience: Patience) -> LayerBlob:
    sender = _Sender(upload, stats, patience)
    try:
        counted = pack(file, chunk, sender.send, sender.told)
        sender.flush()
    except BaseException:
        stats.take_back(sender.counted)
        raise
    return counted


class _Sender:
    """Gathers chunks to writes that the store takes; when the connection breaks, continues in the middle of one."""

    def __init__(self, upload: Upload, stats: TransferStats, patience: Patience) -> None:
        self._upload, self._stats, self._patience = upload, stats, patience
        self._gathered: list[bytes] = []
        self._sent = self.counted = 0

    def send(self, content: bytes) -> None:
        """Send a chunk, with those before it that were too small for a write of their own."""
        self._gathered.append(content)
        if sum(map(len, self._gathered)) >= self._upload.least_bytes:
            self.flush()

    def flush(self) -> None:
        """Send what was gathered."""
        content, self._gathered = b"".join(self._gathered), []
        try:
            self._upload.write(memoryview(content))
        except Unavailable as error:
            mend(self._upload, error, self._patience, lambda arrived: self._go_on(arrived, content))
        self._sent += len(content)

    def told(self, count: int) -> None:
        """Count `count` bytes of the file as done."""
        self.counted += count
        self._stats.add(count)

    def _go_on(self, arrived: int, content: bytes) -> None:
        offset = arrived - self._sent
        if not 0 <= offset <= len(content):
            raise UploadLost(f"the registry has {arrived} bytes of a blob, of which some are no longer at hand")
        if offset < len(content):
            self._upload.write(memoryview(content)[offset:])
