"""The story of a copy.

1. Read the artifact's documents as they are: the manifests of an index, and what refers to any of them.
2. Copy the blobs that the target lacks, several at a time.
3. Write the documents by their digests: manifests, what refers to them, and what cosign keeps under tags, beside what
   the target holds under these.
4. Write the artifact's own tag last: until then nothing names it there.

Tests: tests/packer/test_copying.py
"""

import time
from dataclasses import dataclass
from typing import Any

from registry.digest import Digest
from registry.process.threads import Lane, run
from registry.progress.reporter import Reporter
from registry.progress.stats import TransferStats, human
from registry.repository import DocumentSource, Pusher
from registry.source import OciSource, Source

from .blob import Way, copy_blob
from .closure import Closure, closure
from .companion import put_companion


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """The result of a copy. `wire_bytes` were sent, of `size` bytes; the other blobs were there, or mounted."""

    source: str
    pinned: str
    digest: str
    manifests: int
    companions: int
    blobs: int
    size: int
    wire_bytes: int
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {
            "source": self.source,
            "reference": self.pinned,
            "digest": self.digest,
            "manifests": self.manifests,
            "signatures": self.companions,
            "blobs": self.blobs,
            "bytes": self.size,
            "wireBytes": self.wire_bytes,
            "seconds": self.seconds,
        }


def neighbour_of(source: Source, target: Source) -> str:
    """Return the source's repository where blobs can be mounted from it: another one of the same registry."""
    if not isinstance(source, OciSource) or not isinstance(target, OciSource):
        return ""
    here, there = source.reference, target.reference
    return here.repository if here.host == there.host and here.repository != there.repository else ""


def copy(  # noqa: PLR0913 - from where, to where, and how
    source: DocumentSource,
    target: Pusher,
    reporter: Reporter,
    *,
    neighbour: str = "",
    jobs: int = 8,
    has_companions: bool = True,
) -> Copied:
    """Copy what a source names to the target's tag; raise Fault, and then the tag is unchanged."""
    started = time.monotonic()
    # 1
    found = closure(source, has_companions=has_companions)
    stats = TransferStats(sum(blob.size for blob in found.blobs))
    with_them = f", {found.companions} signatures and the like" if found.companions else ""
    reporter.message(f"{source.pinned(found.root.digest)}: {len(found.blobs)} blobs, {human(stats.total)}{with_them}")
    for notice in source.notices:
        reporter.message(notice)
    for digest in found.dangling:
        reporter.message(f"left out: {digest} is listed as referring to the artifact, and is not there itself")
    if found.unreadable:
        count, first = len(found.unreadable), found.unreadable[0]
        reporter.message(
            f"taken as not there: {count} tags for signatures and the like, of an artifact that can be read itself; "
            f"some registries refuse tags that are absent ({first})"
        )
    # 2
    with reporter.track(stats, target.tag):
        _send(found, Way(source, target, stats, neighbour), jobs)
    # 3 and 4
    digest = _write(found, target, reporter)
    seconds = time.monotonic() - started
    reporter.summary(stats, seconds)
    return Copied(
        source=source.pinned(found.root.digest),
        pinned=target.pinned(digest),
        digest=str(digest),
        manifests=1 + len(found.children),
        companions=found.companions,
        blobs=len(found.blobs),
        size=stats.total,
        wire_bytes=stats.wire,
        seconds=round(seconds, 3),
    )


def _send(found: Closure, way: Way, jobs: int) -> None:
    """Copy the blobs, the largest first, so that none is left alone at the end."""

    def interrupt() -> None:
        way.source.interrupt()
        way.target.interrupt()

    lane = Lane(jobs, sorted(found.blobs, key=lambda blob: -blob.size))
    run((lane,), lambda blob: copy_blob(way, blob), interrupt)


def _write(found: Closure, target: Pusher, reporter: Reporter) -> Digest:
    """Write all documents; what refers to the artifact stands before it has its name. Return its digest there."""
    # 3
    for child in found.children:
        target.put_document(child)
    for subject, referrer in found.referrers:
        target.put_referrer(referrer, subject)
    for tag, document in found.tagged:
        if words := put_companion(target, tag, document, found.root):
            reporter.message(words)
    # 4
    return target.put_document(found.root, target.tag)
