"""The upload of one blob: read once, hashed whole and in parts while it is sent; not read if the blob is there.

Tests: tests/packer/test_push.py
"""

from dataclasses import dataclass, replace

from packer.contents.content import Content
from packer.contents.part_hasher import PartHasher
from packer.contents.tar_layer import tar_of_one
from packer.contents.whole_file import WholeFile
from packer.layer_blob import RAW, ZSTD, LayerBlob
from packer.ledger import Ledger
from registry.digest import Digest
from registry.errors import Refused, UploadLost, UploadModeRejected
from registry.progress.stats import TransferStats
from registry.repository import Pusher

from .raw_upload import bytes_of, digest_of, relay
from .sample import sample
from .zstd_upload import send_packed, send_planned

SMALL_BYTES = 4 << 20
"""What has up to this size is hashed first, so that it is not sent if its blob is there."""

_STARTS = 5
"""How often a blob is sent from its start at most; after other failures it is continued in the middle."""


@dataclass(frozen=True, slots=True)
class Target:
    """The target of a push: `registry` is its name in the ledger, empty for layouts, and `repository` the one there."""

    pusher: Pusher
    ledger: Ledger
    registry: str = ""
    repository: str = ""


@dataclass(frozen=True, slots=True)
class SendOptions:
    """How contents are sent: the codec for the files that gain by it, and whether each has a second core."""

    codec: str = RAW
    spare_core: bool = False


def send(target: Target, content: Content, manner: SendOptions, stats: TransferStats) -> LayerBlob:
    """Send one blob to the target. Raises Changed, BadFolder, and the network's errors once patience ends."""
    if content.size <= SMALL_BYTES:
        return _send_small(target, content, stats)
    is_packed = manner.codec == ZSTD and isinstance(content, WholeFile) and sample(content.file).pays
    manner = replace(manner, codec=ZSTD if is_packed else content.codec)
    known = target.ledger.find(content, manner.codec)
    if known is not None and _is_there(target, known):
        stats.skip(content.size)
        return known
    counted = _send_from_start(target, content, manner, stats)
    target.ledger.note(content, counted)
    return counted


def _is_there(target: Target, blob: LayerBlob) -> bool:
    """Return whether the target has a blob, or can mount it from another repository."""
    if target.pusher.has(blob.digest, blob.size):
        return True
    neighbour = target.ledger.place(blob.digest, target.registry) if target.registry else None
    return bool(neighbour and neighbour != target.repository and target.pusher.mount(blob.digest, blob.size, neighbour))


def _send_small(target: Target, content: Content, stats: TransferStats) -> LayerBlob:
    found = bytes_of(content)
    digest, parts = Digest.of(found), PartHasher(content.stops())
    parts.update(memoryview(found))
    if target.pusher.has(digest, len(found)):
        stats.skip(len(found))
    else:
        try:
            target.pusher.put(found, digest)
        except Refused:
            if found or not isinstance(content, WholeFile):
                raise
            return _send_small(target, tar_of_one(content.file), TransferStats(0))  # some take no blob of no bytes
        stats.add(len(found))
    return content.blob(digest, parts.digests)


def _send_from_start(target: Target, content: Content, manner: SendOptions, stats: TransferStats) -> LayerBlob:
    """Send large content; send it from its start again when the registry needs that, a few times.

    What is packed is sent with its size known at last: some registries lose each blob that comes in parts.
    """
    for _ in range(_STARTS - 1):
        try:
            return _send_large(target, content, manner, stats)
        except (UploadModeRejected, UploadLost) as error:
            target.pusher.patience.begin().after(error)
    if manner.codec == ZSTD and isinstance(content, WholeFile):
        return send_planned(target.pusher, content.file, content.chunk, stats)
    return _send_large(target, content, manner, stats)


def _send_large(target: Target, content: Content, manner: SendOptions, stats: TransferStats) -> LayerBlob:
    if manner.codec == ZSTD and isinstance(content, WholeFile):
        return send_packed(target.pusher, content.file, content.chunk, stats)
    first = digest_of(content) if target.pusher.wants_digest_first else None
    with target.pusher.begin(content.size, first) as upload:
        patience = target.pusher.patience
        counted = relay(content, upload, stats, spare_core=manner.spare_core, patience=patience)
        upload.commit(counted.digest)
    return counted
