"""What workers need of a blob that is being downloaded, whether it is written as it is or unpacked.

Tests: tests/puller/transfer/test_worker.py
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from puller.plan import Piece
from registry.manifest import Descriptor
from registry.progress.stats import TransferStats


class PieceListener(Protocol):
    """Callbacks for finished pieces and files, from the workers' threads; `handle` is the open file descriptor."""

    def landed(self, layer: Descriptor, piece: Piece, span: tuple[int, int], handle: int) -> None:
        """Record that a piece is written at a span of its file and, where it has a digest, verified."""
        ...

    def complete(self, handle: int) -> None:
        """Record that a whole file is written and verified."""
        ...

    def staged(self, layer: Descriptor) -> None:
        """Record that the members of a packed layer are on the stage, verified."""
        ...


@dataclass(slots=True)
class Trials:
    """What was tried for a piece whose bytes were wrong: all workers on it, one after another, try it once."""

    blamed: set[str] = field(default_factory=set)
    """The hosts that were reported for it: each is a reason to try others once."""

    was_refetched: bool = False
    """Whether it was downloaded again when no other host remained."""


class PieceWriter(Protocol):
    """Writes one piece, or a part of one: `position` is the offset in the blob of the next byte that it wants.

    `stop` is the offset after its last one; it may become less at any time (`split`).
    """

    piece: Piece
    position: int
    stop: int
    hosts: set[str]
    """The hosts that sent the bytes which are verified with this piece, as BlobReader.host names them."""

    @property
    def trials(self) -> Trials:
        """What was tried for the piece, by all workers on it."""
        ...

    def leave(self) -> bool:
        """Leave the piece to those who still write it, the last of whom downloads it again; False if nobody does."""
        ...

    def reset(self) -> int:
        """Discard the piece's bytes, so that it can be downloaded again; return how many there were."""
        ...

    @property
    def is_shared(self) -> bool:
        """Whether other workers write, or wrote, parts of the piece."""
        ...

    def rate(self, now: float) -> float:
        """Return the bytes a second so far, by time.monotonic(); 0 before the first."""
        ...

    def split(self) -> "PieceWriter | None":
        """Return a writer for the second half of the rest, which this one then leaves to it; None where it cannot."""
        ...

    def write(self, content: memoryview) -> int:
        """Hash and write the next bytes, up to `stop`; return how many. Raises BadArtifact, DiskFailed, NoRoom."""
        ...

    def commit(self, stats: TransferStats, listener: PieceListener) -> None:
        """Verify the piece, and the blob after its last piece. Raises Mismatch, BadArtifact."""
        ...

    def close(self) -> None:
        """Close what is open."""
        ...


class BlobWriter(Protocol):
    """Writes one blob. Every method may be called from any thread."""

    layer: Descriptor
    name: str
    reference: str
    """The artifact that the blob belongs to: Part.reference."""

    is_ordered: bool
    """Whether its pieces must be consumed in their order."""

    was_wrong: bool
    """Whether the whole blob was discarded once because its bytes were wrong."""

    @property
    def missing(self) -> Sequence[Piece]:
        """The pieces that are still missing."""
        ...

    @property
    def missing_bytes(self) -> int:
        """Bytes that are still missing."""
        ...

    @property
    def room_bytes(self) -> int:
        """Bytes of the volume that it will take at least, beside those that it has."""
        ...

    @property
    def has_all(self) -> bool:
        """Whether every piece is written; the whole may still be wrong."""
        ...

    def divided(self, count: int) -> Sequence["BlobWriter"]:
        """Return writers of up to `count` parts of what is missing, which share nothing; or this one alone."""
        ...

    def begin_again(self) -> None:
        """Discard all pieces: the whole is wrong, and without piece digests it is unknown which piece is."""
        ...

    def reserve(self) -> None:
        """Create the file or folder that the blob is written to. Raises NoRoom, DiskFailed."""
        ...

    def open_piece(self, piece: Piece) -> PieceWriter:
        """Return a writer for a piece."""
        ...

    def abandon(self) -> None:
        """Release the workers that wait for other pieces: the fetch ended early."""
        ...
