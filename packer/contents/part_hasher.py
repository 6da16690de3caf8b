"""Digests of a stream's parts.

Tests: tests/packer/image/test_tar_layer.py
"""

from collections.abc import Iterable

from registry.chunk_index import CHUNK_ALGORITHM
from registry.digest import Digest, hasher_of


class PartHasher:
    """Hashes each part of a stream by itself; what comes after the last part is not hashed."""

    def __init__(self, stops: Iterable[int]) -> None:
        """`stops` are the offsets where the parts end, in rising order."""
        self._stops = iter(stops)
        self._position, self._stop = 0, next(self._stops, 0)
        self._hasher = hasher_of(CHUNK_ALGORITHM) if self._stop else None
        self.digests: list[Digest] = []

    def update(self, content: memoryview) -> None:
        """Hash the next bytes."""
        while content and self._hasher is not None:
            part = content[: self._stop - self._position]
            self._hasher.update(part)
            self._position += len(part)
            content = content[len(part) :]
            if self._position == self._stop:
                self.digests.append(Digest(self._hasher.hexdigest(), CHUNK_ALGORITHM))
                self._stop = next(self._stops, 0)
                self._hasher = hasher_of(CHUNK_ALGORITHM) if self._stop else None
