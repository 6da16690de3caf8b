"""The map of a sparse file as GNU tar writes it in pax archives: lines of text in the blocks behind the header.

The first line is the number of data extents; two more lines for each one are its offset and size (tar's manual, "PAX
Format, Version 1.0"). tarfile parses the map once it is whole; whether it is, is found by counting its lines.

Tests: tests/puller/unpack/test_untar.py
"""

from puller.errors import BadArtifact

_MOST_DIGITS = 18


class SparseMap:
    """Counts the lines of a sparse map that begins at `start`, where its header ends."""

    def __init__(self, start: int) -> None:
        self._start = self._seen = start
        self._lines = 0

    def is_whole(self, head: bytearray) -> bool:
        """Return whether all lines have arrived; raise BadArtifact when the first one is no number."""
        self._lines += head.count(b"\n", self._seen)
        self._seen = len(head)
        if not self._lines:
            return False
        first = bytes(head[self._start : head.index(b"\n", self._start)])
        if not first.isdigit() or len(first) > _MOST_DIGITS:
            raise BadArtifact("broken tar: the map of a sparse file begins with no number")
        return self._lines > 2 * int(first)
