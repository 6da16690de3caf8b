"""Digests as values, and the verifier that checks a stream.

Tests: tests/registry/test_reference.py
"""

import hashlib
import re
from typing import NamedTuple, Protocol, Self

from .errors import BadDigest, Mismatch
from .printable import printable

_FORM = re.compile(r"(sha256):([0-9a-f]{64})|(sha512):([0-9a-f]{128})")


class Hasher(Protocol):
    """An incremental hash, such as the objects of `hashlib` and of blake3."""

    def update(self, content: bytes | memoryview, /) -> object:
        """Hash the next bytes."""
        ...

    def hexdigest(self) -> str:
        """Return the digest of all bytes so far."""
        ...


class Digest(NamedTuple):
    """The digest of some bytes, in hexadecimal (image-spec, descriptor.md, Digests).

    `algorithm` is sha256 or, where a registry says so, sha512; our packer's chunks have blake3.
    """

    hex: str
    algorithm: str = "sha256"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `sha256:HEX` or `sha512:HEX`; raise BadDigest."""
        if not isinstance(text, str) or not _FORM.fullmatch(text):
            raise BadDigest(f"not a digest: {printable(str(text), 200)!r}")
        algorithm, _, digits = text.partition(":")
        return cls(digits, algorithm)

    @classmethod
    def of(cls, content: bytes | memoryview, algorithm: str = "sha256") -> Self:
        """Return the digest of `content`."""
        hasher = hasher_of(algorithm)
        hasher.update(content)
        return cls(hasher.hexdigest(), algorithm)

    def hasher(self) -> Hasher:
        """Return a new hasher of the same algorithm."""
        return hasher_of(self.algorithm)

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"


def hasher_of(algorithm: str) -> Hasher:
    """Return a new hasher of an algorithm."""
    if algorithm == "blake3":
        from blake3 import blake3  # noqa: PLC0415 - only who meets chunks needs it

        return blake3()
    return hashlib.new(algorithm)


class Verifier:
    """Hashes a stream, and checks its size and digest at the end."""

    def __init__(self, name: str, size: int, digest: Digest) -> None:
        self.name, self.size, self.digest = name, size, digest
        self.seen = 0
        self._hasher = digest.hasher()

    def update(self, content: bytes | memoryview) -> None:
        """Hash the next bytes; raise Mismatch as soon as there are too many."""
        self.seen += len(content)
        if self.seen > self.size:
            raise Mismatch(f"{self.name}: longer than the {self.size} bytes that were promised")
        self._hasher.update(content)

    def finish(self) -> None:
        """Raise Mismatch unless the stream had the promised size and digest."""
        if self.seen < self.size:
            raise Mismatch(f"{self.name}: ended after {self.seen} of {self.size} bytes")
        found = Digest(self._hasher.hexdigest(), self.digest.algorithm)
        if found != self.digest:
            raise Mismatch(f"{self.name}: wanted {self.digest}, got {found}")


def verified(name: str, content: bytes, size: int, digest: Digest) -> bytes:
    """Return `content`, or raise Mismatch."""
    verifier = Verifier(name, size, digest)
    verifier.update(content)
    verifier.finish()
    return content
