"""The story of a push.

1. Look through the folder.
2. Send every file, several at a time, each hashed while it is sent.
3. Describe them in a config and a manifest.
4. Send the config, then a signature if one is wanted, and the manifest last: until then there is no artifact.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from registry.digest import Digest
from registry.process.threads import Lane, run
from registry.progress.reporter import Reporter
from registry.progress.stats import TransferStats, human

from .artifact import ModelInfo, check_fits, config_of, manifest_of
from .layer_blob import RAW
from .source.scan import scan
from .source.source_file import SourceFile
from .upload.sample import advice
from .upload.send import SMALL_BYTES, PushedFile, SendOptions, Target, chunk_bytes, send


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

    With `follow_links` links may point outside the folder. `sign` signs a digest in the target's repository.
    """

    about: ModelInfo = field(default_factory=ModelInfo)
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    follow_links: bool = False
    jobs: int = 8
    codec: str = RAW
    sign: Callable[[Digest], None] | None = None


def push(folder: Path, target: Target, options: Options, reporter: Reporter) -> Pushed:
    """Pack `folder` and push it; raise Fault, and then the tag is unchanged."""
    started = time.monotonic()
    pusher = target.pusher
    # 1
    files = scan(folder, options.include, options.exclude, follow_links=options.follow_links, say=reporter.message)
    stats = TransferStats(sum(file.size for file in files))
    check_fits(files, chunk_bytes(stats.total), options.about)
    reporter.message(f"{folder}: {len(files)} files, {human(stats.total)}")
    # 2
    with reporter.track(stats, folder.name):
        sent = _send_all(target, files, options, stats)
    if target.registry:
        large = (one.blob.digest for one in sent if one.file.size > SMALL_BYTES)
        target.ledger.note_places(large, target.registry, target.repository)
    # 3
    config = config_of(sent, options.about)
    manifest = manifest_of(sent, config)
    # 4
    if not pusher.has(manifest.config.digest):
        pusher.put(config, manifest.config.digest)
    if options.sign is not None:
        options.sign(Digest.of(manifest.to_bytes()))
    digest = pusher.put_manifest(manifest)
    reporter.summary(stats, time.monotonic() - started)
    large_raw = [one.file for one in sent if one.file.size > SMALL_BYTES and one.blob.codec == RAW]
    if options.codec == RAW and (words := advice(large_raw)):
        reporter.message(words)
    return Pushed(
        pinned=pusher.pinned(digest),
        digest=digest,
        files=len(files),
        size=stats.total,
        wire_bytes=stats.wire,
        seconds=round(time.monotonic() - started, 3),
    )


def _send_all(
    target: Target, files: tuple[SourceFile, ...], options: Options, stats: TransferStats
) -> list[PushedFile]:
    """Send the files, the largest first so that none is left alone at the end; return them in the given order.

    Hashing a large file keeps a core busy, so at most as many are sent at a time as there are cores; small files mostly
    wait for answers, so more are sent at a time.
    """
    order = sorted(files, key=lambda file: -file.size)
    large = [file for file in order if file.size > SMALL_BYTES]
    cores = os.cpu_count() or 1
    jobs = min(options.jobs, cores)
    manner = SendOptions(options.codec, chunk_bytes(stats.total), spare_core=min(jobs, len(large)) < cores)
    lanes = Lane(jobs, large), Lane(options.jobs, order[len(large) :])
    results = run(lanes, lambda file: send(target, file, manner, stats), target.pusher.interrupt)
    by_path = {file.path: sent for file, sent in results}
    return [by_path[file.path] for file in files]
