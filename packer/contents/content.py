"""The protocols of what becomes a blob: bytes of files that are read, and read again after a broken connection.

Tests: tests/packer/test_push.py
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from packer.layer_blob import LayerBlob
from registry.digest import Digest


class OpenContent(Protocol):
    """Contents that are being read. Every method raises Changed and BadFolder."""

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill the buffer from the front with the next bytes; return 0 at the end."""
        ...

    def read_at(self, count: int, offset: int, /) -> bytes:
        """Return `count` bytes that were read before, without moving on."""
        ...

    def check(self) -> None:
        """Raise Changed unless the files are the ones that were found; call after the last byte."""
        ...


class Content(Protocol):
    """What becomes one blob, whose size is known before it is read."""

    @property
    def name(self) -> str:
        """The text that names it in messages."""
        ...

    @property
    def size(self) -> int:
        """Bytes."""
        ...

    @property
    def codec(self) -> str:
        """The codec of its blob."""
        ...

    @property
    def chunk(self) -> int:
        """The bytes of a chunk that has a digest of its own; 0 where there are no chunks."""
        ...

    def identity(self, codec: str) -> str:
        """Return a text that stays as long as the bytes of its blob by a codec do."""
        ...

    @property
    def changed(self) -> float:
        """When the newest of its files changed, in seconds since 1970."""
        ...

    def opened(self) -> AbstractContextManager[OpenContent]:
        """Open the content for one pass. Raises Changed, BadFolder."""
        ...

    def stops(self) -> Iterable[int]:
        """Return where the parts end that get digests of their own, in order."""
        ...

    def blob(self, digest: Digest, parts: Sequence[Digest]) -> LayerBlob:
        """Return the blob with this digest; `parts` has one for each of `stops`."""
        ...
