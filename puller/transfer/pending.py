"""The pieces that no worker has taken yet, and in which order and runs they are handed out. One thread at a time.

A run is adjacent pieces of one blob, which come by one request: a registry spends as much on a request as on some
megabytes (CNCF distribution fills a new buffer of 4 MiB for each), and a distant one makes it wait for a round trip.
"""

from collections import deque
from collections.abc import Iterable, Iterator

from puller.plan import Piece

from .blob import BlobWriter

_AT_ONCE = 4
"""How many blobs are fetched at the same time."""

RUN_BYTES = 128 << 20
"""The most bytes of a run of several pieces."""


class Pending:
    """Pieces by their blobs.

    Up to _AT_ONCE blobs take turns, so that one slow consumer (a sequential hash or unpacker, or a file's write lock)
    does not stall the others. One run of a random-access blob follows every _AT_ONCE pieces of ordered ones.
    """

    def __init__(self, writers: Iterable[BlobWriter]) -> None:
        self._pieces = {writer: deque(writer.missing) for writer in writers if writer.missing}
        self._lines = {
            is_ordered: deque(writer for writer in self._pieces if writer.is_ordered is is_ordered)
            for is_ordered in (False, True)
        }
        self._unasked = set(self._pieces)
        self.bytes = sum(map(_bytes_of, self._pieces.values()))
        """The bytes of all pieces."""

        self._in_order = 0
        """How many pieces of ordered blobs were taken since the last run of another."""

    def __len__(self) -> int:
        return sum(map(len, self._pieces.values()))

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def take(self, most_bytes: int) -> tuple[BlobWriter, list[Piece]] | None:
        """Remove and return the next run, of one piece or of at most `most_bytes`; None where nothing is left."""
        is_ordered = bool(self._lines[True]) and (self._in_order < _AT_ONCE or not self._lines[False])
        line = self._lines[is_ordered]
        if not line:
            return None
        self._in_order = self._in_order + 1 if is_ordered else 0
        return line[0], self._take_of(line[0], most_bytes)

    def take_unasked(self, most_bytes: int) -> tuple[BlobWriter, list[Piece]] | None:
        """Do the same for the next blob of which nothing was taken yet."""
        writer = next((writer for writer in self._in_line() if writer in self._unasked), None)
        return (writer, self._take_of(writer, most_bytes)) if writer is not None else None

    def take_rest(self, writer: BlobWriter) -> list[Piece]:
        """Remove and return all pieces of a blob, in order."""
        if writer in self._pieces:
            self._lines[writer.is_ordered].remove(writer)
        rest = list(self._pieces.pop(writer, ()))
        self.bytes -= _bytes_of(rest)
        return rest

    def put_back(self, writer: BlobWriter, pieces: Iterable[Piece]) -> None:
        """Put pieces of a blob back, to be taken before all others: workers may wait for them."""
        together = [*pieces, *self.take_rest(writer)]
        if together:
            self._pieces[writer] = deque(together)
            self.bytes += _bytes_of(together)
            self._lines[writer.is_ordered].appendleft(writer)
            self._unasked.add(writer)
            self._in_order = 0

    def _in_line(self) -> Iterator[BlobWriter]:
        yield from self._lines[True]
        yield from self._lines[False]

    def _take_of(self, writer: BlobWriter, most_bytes: int) -> list[Piece]:
        """Remove and return the first run of a blob, which then is the last of those that take turns."""
        pieces, line = self._pieces[writer], self._lines[writer.is_ordered]
        run = [pieces.popleft()]
        while pieces and not writer.is_ordered and pieces[0].start == run[-1].stop:
            if pieces[0].stop - run[0].start > most_bytes:
                break
            run.append(pieces.popleft())
        self.bytes -= _bytes_of(run)
        self._unasked.discard(writer)
        line.remove(writer)
        if pieces:
            line.insert(min(_AT_ONCE - 1, len(line)), writer)
        else:
            del self._pieces[writer]
        return run


def _bytes_of(pieces: Iterable[Piece]) -> int:
    return sum(piece.stop - piece.start for piece in pieces)
