"""The map of a sparse file as GNU tar writes it in pax archives: lines of text in the blocks behind the header.

The first line tells how many stretches of data there are, two more lines each tell where one is (tar's manual, "PAX
Format, Version 1.0"). tarfile reads it when it is whole; whether it is, can be told by counting lines as blocks come.
"""

from puller.errors import BadArtifact

_MOST_DIGITS = 18


class SparseMap:
    """Counts the lines of a map that begins where a header ends."""

    def __init__(self, start: int) -> None:
        self._start = self._seen = start
        self._lines = 0

    def is_whole(self, head: bytearray) -> bool:
        """Return whether all lines are there; raise BadArtifact when the first one is no number."""
        self._lines += head.count(b"\n", self._seen)
        self._seen = len(head)
        if not self._lines:
            return False
        first = bytes(head[self._start : head.index(b"\n", self._start)])
        if not first.isdigit() or len(first) > _MOST_DIGITS:
            raise BadArtifact("broken tar: the map of a sparse file begins with no number")
        return self._lines > 2 * int(first)
