"""A blob on its way to disk, whatever is done with its bytes: what the workers of a fetch need to know of it."""

from collections.abc import Sequence
from typing import Protocol

from puller.plan import Piece
from registry.manifest import Descriptor
from registry.progress.stats import TransferStats


class PieceListener(Protocol):
    """Who hears of what has come; called from the workers' threads, with the open file."""

    def landed(self, layer: Descriptor, piece: Piece, span: tuple[int, int], handle: int) -> None:
        """Record that a piece is written at a span of its file and, where it has a digest, verified."""
        ...

    def complete(self, handle: int) -> None:
        """Record that a whole file is written and verified."""
        ...

    def staged(self, layer: Descriptor) -> None:
        """Record that what was packed in a layer lies on the stage, verified."""
        ...


class PieceWriter(Protocol):
    """A piece under way: `position` is the offset of its next byte, wherever the last connection broke."""

    piece: Piece
    position: int
    hosts: set[str]
    """Who sent the bytes that are judged with this piece, as bodies name them."""

    def reset(self) -> None:
        """Forget what came of a piece with a digest of its own, to fetch it anew."""
        ...

    def write(self, content: memoryview) -> None:
        """Take the next bytes, while they are warm."""
        ...

    def commit(self, stats: TransferStats, listener: PieceListener) -> None:
        """Judge the piece, and with the last one the blob. Raises Mismatch."""
        ...

    def close(self) -> None:
        """Let go of what was open."""
        ...


class BlobWriter(Protocol):
    """A blob on its way to disk. Every method may be called from any thread."""

    layer: Descriptor
    name: str
    reference: str
    """The artifact that it is from, as its part names it."""

    is_ordered: bool
    """Whether its pieces must be taken in their order."""

    was_wrong: bool
    """Whether the whole came once already, and was wrong."""

    @property
    def missing(self) -> Sequence[Piece]:
        """The pieces that are still to come."""
        ...

    @property
    def missing_bytes(self) -> int:
        """How much is still to come."""
        ...

    @property
    def has_all(self) -> bool:
        """Whether every piece has come; the whole may still be wrong."""
        ...

    def begin_again(self) -> None:
        """Forget all that came: the whole was wrong, and nobody knows which piece."""
        ...

    def reserve(self) -> None:
        """Make the place where it goes. Raises NoRoom, DiskFailed."""
        ...

    def open_piece(self, piece: Piece) -> PieceWriter:
        """Begin to write a piece."""
        ...

    def abandon(self) -> None:
        """Let go whoever waits: the work ended early."""
        ...
