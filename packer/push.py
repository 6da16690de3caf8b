"""The story of a push.

1. Look through the folder.
2. Send every file, several at a time, each hashed while it is sent.
3. Describe them in configs and manifests.
4. Send these, then a signature if one is wanted, and move the tag last: until then there is no artifact.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from registry.digest import Digest
from registry.documents.document import Document
from registry.printable import some
from registry.process.control_group import own_cores
from registry.process.threads import Lane, run
from registry.progress.reporter import Reporter
from registry.progress.stats import TransferStats, human
from registry.repository import Pusher

from .contents.content import Content
from .contents.whole_file import WholeFile
from .form import Documents, Form, ModelInfo
from .layer_blob import RAW, TAR, LayerBlob
from .modelpack import modelpack
from .source.scan import scan
from .upload.idle import IdleCores
from .upload.sample import advice
from .upload.send import SMALL_BYTES, SendOptions, Target, send


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """The result of a push. `wire_bytes` were sent, of `size` bytes."""

    pinned: str
    digest: Digest
    files: int
    size: int
    wire_bytes: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a folder is packed: `include` allows suspicious files, `exclude` skips files, both by globs.

    `form` is what the files become, `codec` what large ones are compressed with, where the form has it. With
    `follow_links` links may point outside the folder. `sign` signs a digest in the target's repository.
    """

    about: ModelInfo = field(default_factory=ModelInfo)
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    follow_links: bool = False
    jobs: int = 8
    form: Form = modelpack
    codec: str = RAW
    sign: Callable[[Digest], None] | None = None


def push(folder: Path, target: Target, options: Options, reporter: Reporter) -> Pushed:
    """Pack `folder` and push it; raise Fault, and then the tag is unchanged."""
    started = time.monotonic()
    pusher = target.pusher
    # 1
    files = scan(folder, options.include, options.exclude, follow_links=options.follow_links, say=reporter.message)
    packed = options.form(files, options.about)
    stats = TransferStats(sum(content.size for content in packed.contents))
    reporter.message(f"{folder}: {len(files)} files, {human(stats.total)}")
    # 2
    with reporter.track(stats, folder.name):
        blobs = _send_all(target, packed.contents, options, stats)
    if boxed := [one.name for one, blob in zip(packed.contents, blobs, strict=True) if one.codec != TAR == blob.codec]:
        reporter.message(f"{some(boxed, most=1)}: sent within a tar, because the registry refuses blobs of no bytes")
    if target.registry:
        sizes = zip(blobs, packed.contents, strict=True)
        large = (blob.digest for blob, content in sizes if content.size > SMALL_BYTES)
        target.ledger.note_places(large, target.registry, target.repository)
    # 3
    documents = packed.documents(blobs)
    # 4
    digest = _write(documents, pusher, options.sign)
    reporter.summary(stats, time.monotonic() - started)
    if options.codec == RAW and (words := _advice(packed.contents)):
        reporter.message(words)
    return Pushed(
        pinned=pusher.pinned(digest),
        digest=digest,
        files=len(files),
        size=stats.total,
        wire_bytes=stats.wire,
        seconds=round(time.monotonic() - started, 3),
    )


def _write(documents: Documents, pusher: Pusher, sign: Callable[[Digest], None] | None) -> Digest:
    """Write the documents, and a signature before the tag moves; return the digest that the tag leads to."""
    for config in documents.configs:
        if not pusher.has(Digest.of(config), len(config)):
            pusher.put(config, Digest.of(config))
    for manifest in documents.below:
        pusher.put_document(Document.parse(manifest))
    if sign is not None:
        sign(Digest.of(documents.root))
    return pusher.put_document(Document.parse(documents.root), pusher.tag)


def _advice(contents: Sequence[Content]) -> str:
    """Return a message on what zstd would have saved of files that were sent as they are; empty if that is too little.

    In other forms there is no such choice.
    """
    return advice(content.file for content in contents if isinstance(content, WholeFile) and content.size > SMALL_BYTES)


def _send_all(target: Target, contents: Sequence[Content], options: Options, stats: TransferStats) -> list[LayerBlob]:
    """Send the contents, the largest first so that none is left alone at the end; return their blobs in order.

    Hashing a large file keeps a core busy, so at first at most as many are sent at a time as there are cores. Where
    that leaves the cores idle, the line or the registry is slow for each of them, and more are sent. Small files
    mostly wait for answers, so more are sent at a time.
    """
    order = sorted(range(len(contents)), key=lambda number: -contents[number].size)
    large = [number for number in order if contents[number].size > SMALL_BYTES]
    cores = own_cores()
    jobs = min(options.jobs, cores)
    manner = SendOptions(options.codec, spare_core=min(jobs, len(large)) < cores)
    lanes = Lane(jobs, large, spare=options.jobs - jobs), Lane(options.jobs, order[len(large) :])
    results = dict(
        run(
            lanes,
            lambda number: send(target, contents[number], manner, stats),
            target.pusher.interrupt,
            has_time=IdleCores(cores),
        )
    )
    return [results[number] for number in range(len(contents))]
