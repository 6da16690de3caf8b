"""The protocols of every store of artifacts: a registry, a folder, or the hub.

Tests: tests/registry/layout/test_layout.py
"""

from collections.abc import Collection, Iterator
from typing import NamedTuple, Protocol, Self

from .digest import Digest
from .documents.document import Document
from .http.retry import Patience
from .manifest import Descriptor, Manifest

CONFIG_LIMIT = 4 << 20
"""The most bytes of an artifact's config that are read."""


class Resolved(NamedTuple):
    """A resolved reference: the digest that pins it, and its manifest.

    `documents` are the bytes that prove it, by their digests: the manifest's, and those of an index above it.
    """

    digest: Digest
    manifest: Manifest
    documents: tuple[tuple[Digest, bytes], ...] = ()


class BlobReader(Protocol):
    """Bytes `start` to `stop` of a blob, not verified yet.

    These may be more than requested: a registry that supports no ranges answers with the whole blob.
    """

    @property
    def start(self) -> int:
        """The offset of the first byte."""
        ...

    @property
    def stop(self) -> int:
        """The offset after the last byte."""
        ...

    @property
    def host(self) -> str:
        """The host that sends the bytes, for `Repository.report_corrupt`: the same text for the same host."""
        ...

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill the buffer from the front; return 0 at the end."""
        ...

    def abort(self) -> None:
        """Break the transfer, from any thread: a read in another thread fails."""
        ...

    def close(self) -> None:
        """Release its connection or file."""
        ...


class Repository(Protocol):
    """A store to read artifacts from; safe to share between threads."""

    def resolve(self) -> Resolved:
        """Resolve the reference. Raises NotFound, Mismatch, BadManifest and the network's errors."""
        ...

    def read(self, descriptor: Descriptor, limit: int) -> bytes:
        """Return a small blob whole and verified."""
        ...

    def open(self, descriptor: Descriptor, start: int, stop: int) -> BlobReader:
        """Open bytes `start` to `stop` of a blob."""
        ...

    def attached(self, digest: Digest, tags: Collection[str]) -> Iterator[Manifest]:
        """Yield the manifests that are attached to a digest: under one of `tags`, or as its referrers.

        They come from one host after the other, so that the caller may stop at the first that serves. Raises a Fault
        at the end where a host could not be asked.
        """
        ...

    @property
    def patience(self) -> Patience:
        """How long temporary failures are retried."""
        ...

    @property
    def is_encrypted(self) -> bool:
        """Whether bytes are to be had over TLS: from the host that is asked first."""
        ...

    def report_corrupt(self, hosts: Collection[str], /) -> bool:
        """Exclude hosts that sent corrupt bytes; return whether another request may bring correct ones."""
        ...

    def pinned(self, digest: Digest) -> str:
        """Return the source's text with its digest."""
        ...

    def interrupt(self) -> None:
        """Break every connection in use: waiting calls raise a Fault. Callable from any thread."""
        ...

    def disconnect(self) -> None:
        """Close every idle connection; the next call opens one. A process that is forked must not share them."""
        ...


class DocumentSource(Repository, Protocol):
    """A store whose documents can be read as they are: a registry or a layout."""

    def document(self, target: Digest | str | None = None, /) -> Document:
        """Return a manifest or an index by digest or tag, or the one that the source names. Raises NotFound."""
        ...

    def referrers(self, digest: Digest, /) -> tuple[Digest, ...]:
        """Return the digests of the manifests that refer to one, such as its signatures."""
        ...

    @property
    def notices(self) -> tuple[str, ...]:
        """What whoever copies should know of how complete the answers were."""
        ...


class Upload(Protocol):
    """An upload of one blob: written in order, then committed or abandoned."""

    @property
    def least_bytes(self) -> int:
        """How many bytes each write but the last should have; it may change with every write."""
        ...

    def write(self, content: memoryview, /) -> None:
        """Send the next bytes."""
        ...

    def resume(self) -> int:
        """Return how many bytes arrived, after Unavailable; the next write must go on from there."""
        ...

    def commit(self, digest: Digest) -> None:
        """Complete the blob under its digest; raise Mismatch when the store computed another one."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class Pusher(Protocol):
    """A store to write artifacts to; safe to share between threads."""

    def check(self) -> None:
        """Raise the fault that the first write would raise, as far as that can be known without one."""
        ...

    def has(self, digest: Digest, size: int, /) -> bool:
        """Return whether the store has a blob of so many bytes."""
        ...

    def mount(self, digest: Digest, size: int, repository: str) -> bool:
        """Mount a blob from another repository of the same registry, without its bytes; return whether that worked."""
        ...

    @property
    def patience(self) -> Patience:
        """How long temporary failures are retried."""
        ...

    @property
    def wants_digest_first(self) -> bool:
        """Whether `begin` needs the digest; a failed upload may change this to True."""
        ...

    def begin(self, size: int | None, digest: Digest | None = None) -> Upload:
        """Begin an upload of `size` bytes, None if unknown; the digest may be unknown too."""
        ...

    def put(self, content: bytes, digest: Digest) -> None:
        """Write a small blob at once."""
        ...

    def put_document(self, document: Document, tag: str | None = None, /) -> Digest:
        """Write a document as it is, under a tag, or by its digest alone, so that nothing names it yet.

        Return the digest by which the store knows it: of what has a tag a registry counts sha256.
        """
        ...

    def put_referrer(self, document: Document, subject: Digest, /) -> None:
        """Write a document that refers to another one, so that readers find it by that one's digest."""
        ...

    def stored(self, target: str, /) -> Document:
        """Return the document under a tag or a digest, as the store itself has it. Raises NotFound, Unauthorized."""
        ...

    @property
    def tag(self) -> str:
        """The tag that the target names."""
        ...

    def pinned(self, digest: Digest) -> str:
        """Return the target's text with the digest that was written."""
        ...

    def interrupt(self) -> None:
        """Break every connection in use: waiting calls raise a Fault. Callable from any thread."""
        ...
