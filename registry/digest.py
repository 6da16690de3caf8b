"""Digests as values, and the verifier that judges bytes as they pass."""

import hashlib
import re
from dataclasses import dataclass
from typing import Self

from .errors import BadDigest, Mismatch

_FORM = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """The sha256 of some bytes, in hexadecimal (image-spec, descriptor.md, Digests)."""

    hex: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `sha256:HEX`; raise BadDigest."""
        if not isinstance(text, str) or not _FORM.fullmatch(text):
            raise BadDigest(f"not a digest: {text!r}")
        return cls(text[len("sha256:") :])

    @classmethod
    def of(cls, content: bytes) -> Self:
        """Hash bytes at hand."""
        return cls(hashlib.sha256(content).hexdigest())

    def __str__(self) -> str:
        return f"sha256:{self.hex}"


class Verifier:
    """Hash a stream as it passes, and judge it at its end by size and digest."""

    def __init__(self, name: str, size: int, digest: Digest) -> None:
        self.name, self.size, self.digest = name, size, digest
        self.seen = 0
        self._sha = hashlib.sha256()

    def update(self, content: bytes | memoryview) -> None:
        """Take the next bytes; raise Mismatch as soon as there are too many."""
        self.seen += len(content)
        if self.seen > self.size:
            raise Mismatch(f"{self.name}: longer than the {self.size} bytes that were promised")
        self._sha.update(content)

    def finish(self) -> None:
        """Raise Mismatch unless exactly the promised bytes came by."""
        if self.seen < self.size:
            raise Mismatch(f"{self.name}: ended after {self.seen} of {self.size} bytes")
        found = Digest(self._sha.hexdigest())
        if found != self.digest:
            raise Mismatch(f"{self.name}: wanted {self.digest}, got {found}")


def verified(name: str, content: bytes, size: int, digest: Digest) -> bytes:
    """Give back `content`, or raise Mismatch."""
    verifier = Verifier(name, size, digest)
    verifier.update(content)
    verifier.finish()
    return content
