"""What every place that holds artifacts can do, be it a registry or a folder."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol, Self

from .digest import Digest
from .http.retry import Patience
from .manifest import Descriptor, Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """A reference looked up: the digest that pins it, and the manifest that it leads to.

    `documents` are the bytes that prove it, by their digests: the manifest's, and those of an index above it.
    """

    digest: Digest
    manifest: Manifest
    documents: tuple[tuple[Digest, bytes], ...] = ()


class BlobReader(Protocol):
    """Bytes `start` to `stop` of a blob. Nobody has checked them yet.

    That may be more than was asked for: a registry that knows no ranges answers with the whole blob.
    """

    @property
    def start(self) -> int:
        """The offset of the first byte."""
        ...

    @property
    def stop(self) -> int:
        """The offset behind the last byte."""
        ...

    @property
    def host(self) -> str:
        """Who sends the bytes, for `Repository.distrust`: the same text for the same host."""
        ...

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill the buffer from the front; 0 at the end."""
        ...

    def abort(self) -> None:
        """Make whoever reads from it stop with an error; may be called from any thread."""
        ...

    def close(self) -> None:
        """Let go of what stands behind it."""
        ...


class Repository(Protocol):
    """A place to read artifacts from; safe to share between threads."""

    def resolve(self) -> Resolved:
        """Look the reference up. Raises NotFound, Mismatch, BadManifest and the network's errors."""
        ...

    def read(self, descriptor: Descriptor, limit: int) -> bytes:
        """Return a small blob whole and verified."""
        ...

    def open(self, descriptor: Descriptor, start: int, stop: int) -> BlobReader:
        """Begin to read bytes `start` to `stop` of a blob."""
        ...

    @property
    def patience(self) -> Patience:
        """How long to try again what may pass."""
        ...

    def report_corrupt(self, hosts: Collection[str], /) -> bool:
        """Record that bytes from these were wrong; tell whether asking again may bring others."""
        ...

    def pinned(self, digest: Digest) -> str:
        """Return the source's text with the digest that it led to."""
        ...

    def interrupt(self) -> None:
        """Break every connection in use: whoever waits for one gets a Fault. Callable from any thread."""
        ...


class Upload(Protocol):
    """A blob on its way in: written in order, then committed or forgotten."""

    def write(self, content: memoryview, /) -> None:
        """Send the next bytes."""
        ...

    def resume(self) -> int:
        """After Unavailable, find out how many bytes arrived; the next write must go on behind them."""
        ...

    def commit(self, digest: Digest) -> None:
        """Close the blob under its digest; raises Mismatch when the other side counted another one."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class Pusher(Protocol):
    """A place to write artifacts to; safe to share between threads."""

    def has(self, digest: Digest) -> bool:
        """Return whether a blob is there already."""
        ...

    def mount(self, digest: Digest, repository: str) -> bool:
        """Take a blob over from another repository of the same place, without its bytes; tell whether that worked."""
        ...

    @property
    def patience(self) -> Patience:
        """How long to try again what may pass."""
        ...

    @property
    def wants_digest_first(self) -> bool:
        """Whether `begin` must be told the digest; it may come to want that after a first failure."""
        ...

    def begin(self, size: int | None, digest: Digest | None = None) -> Upload:
        """Begin a blob of `size` bytes, or None where nobody knows yet; its digest need not be known either."""
        ...

    def put(self, content: bytes, digest: Digest) -> None:
        """Write a small blob whole."""
        ...

    def put_manifest(self, manifest: Manifest) -> Digest:
        """Write the manifest, last of all, under the reference's tag; give its digest."""
        ...

    def pinned(self, digest: Digest) -> str:
        """Return the target's text with the digest that was written."""
        ...

    def interrupt(self) -> None:
        """Break every connection in use: whoever waits for one gets a Fault. Callable from any thread."""
        ...
