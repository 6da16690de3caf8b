"""The upload of one file: read once, hashed whole and in chunks while it is sent; not read if the blob is there.

Tests: tests/packer/test_push.py
"""

from dataclasses import dataclass, replace

from packer.errors import Changed
from packer.layer_blob import RAW, ZSTD, LayerBlob, raw
from packer.ledger import Ledger
from packer.source.source_file import SourceFile
from packer.source.stable_read import check, opened
from registry.digest import Digest
from registry.errors import UploadLost, UploadModeRejected
from registry.progress.stats import TransferStats
from registry.repository import Pusher

from .raw_upload import digest_of, relay
from .sample import sample
from .zstd_upload import send_packed

SMALL_BYTES = 4 << 20
"""A file up to this size is hashed first, so that it is not sent if its blob is there."""

_STARTS = 5
"""How often a file is sent from its start at most; after other failures it is continued in the middle."""

_CHUNK_BYTES = 16 << 20
_MANY_CHUNKS = 12_000  # their digests take half of 1 MiB, below which a manifest should stay


@dataclass(frozen=True, slots=True)
class PushedFile:
    """A file whose blob the target has."""

    file: SourceFile
    blob: LayerBlob


@dataclass(frozen=True, slots=True)
class Target:
    """The target of a push: `registry` is its name in the ledger, empty for layouts, and `repository` the one there."""

    pusher: Pusher
    ledger: Ledger
    registry: str = ""
    repository: str = ""


@dataclass(frozen=True, slots=True)
class SendOptions:
    """How files are sent: their codec, the bytes of a chunk, and whether each has a second core."""

    codec: str
    chunk: int
    spare_core: bool = False


def chunk_bytes(total: int) -> int:
    """Return the chunk size for a model of `total` bytes: 16 MiB, doubled until there are not too many chunks."""
    size = _CHUNK_BYTES
    while total / size > _MANY_CHUNKS:
        size *= 2
    return size


def send(target: Target, file: SourceFile, manner: SendOptions, stats: TransferStats) -> PushedFile:
    """Send one file to the target. Raises Changed, BadFolder, and the network's errors once patience ends."""
    if file.size <= SMALL_BYTES:
        return _send_small(target, file, stats)
    if manner.codec == ZSTD and not sample(file).pays:
        manner = replace(manner, codec=RAW)
    known = _known(target, file, manner)
    if known is not None:
        stats.skip(file.size)
        return PushedFile(file, known)
    counted = _send_from_start(target, file, manner, stats)
    target.ledger.note(file, manner.codec, manner.chunk, counted)
    return PushedFile(file, counted)


def _known(target: Target, file: SourceFile, manner: SendOptions) -> LayerBlob | None:
    """Return the blob of a file hashed before, if the target has it or can mount it from another repository."""
    known = target.ledger.find(file, manner.codec, manner.chunk)
    return known if known is not None and _is_there(target, known.digest) else None


def _is_there(target: Target, digest: Digest) -> bool:
    if target.pusher.has(digest):
        return True
    neighbour = target.ledger.place(digest, target.registry) if target.registry else None
    return bool(neighbour and neighbour != target.repository and target.pusher.mount(digest, neighbour))


def _send_small(target: Target, file: SourceFile, stats: TransferStats) -> PushedFile:
    with opened(file) as source:
        content = source.readall()
        check(source, file)
    if len(content) != file.size:
        raise Changed(f"{file.location}: had {file.size} bytes, gave {len(content)}")
    digest = Digest.of(content)
    if target.pusher.has(digest):
        stats.skip(len(content))
    else:
        target.pusher.put(content, digest)
        stats.add(len(content))
    return PushedFile(file, raw(digest, file.size))


def _send_from_start(target: Target, file: SourceFile, manner: SendOptions, stats: TransferStats) -> LayerBlob:
    """Send a large file; send it from its start again when the registry needs that, a few times."""
    for _ in range(_STARTS - 1):
        try:
            return _send_large(target, file, manner, stats)
        except (UploadModeRejected, UploadLost) as error:
            target.pusher.patience.begin().after(error)
    return _send_large(target, file, manner, stats)


def _send_large(target: Target, file: SourceFile, manner: SendOptions, stats: TransferStats) -> LayerBlob:
    if manner.codec == ZSTD:
        return send_packed(target.pusher, file, manner.chunk, stats)
    first = digest_of(file) if target.pusher.wants_digest_first else None
    with target.pusher.begin(file.size, first) as upload:
        patience = target.pusher.patience
        counted = relay(file, manner.chunk, upload, stats, spare_core=manner.spare_core, patience=patience)
        upload.commit(counted.digest)
    return counted
