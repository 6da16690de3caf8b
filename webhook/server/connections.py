"""The connections that are open, and which of them gives way when they are too many or hold too much.

Tests: tests/webhook/test_hostile_clients.py
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import asyncio

Phase = Literal["handshake", "idle", "request", "decision", "answer"]

# A body up to this size is kept whatever others send.
SMALL_BYTES = 64 << 10


@dataclass(eq=False, kw_only=True, slots=True)
class Place:
    """What one connection takes up. `moved_at` is when it last went on, by the event loop's clock."""

    task: "asyncio.Task[None]"
    moved_at: float
    phase: Phase = "handshake"
    held_bytes: int = 0
    is_proven: bool = False
    """Whether a request came by it that was answered: the API server's own connections are such."""

    @property
    def is_deciding(self) -> bool:
        """Whether a request is there that has no answer yet."""
        return self.phase in ("decision", "answer")


@dataclass(eq=False, slots=True)
class Connections:
    """The open connections, up to `limit`, and up to `held_limit` bytes of requests that are not complete.

    Law: a client that stalls gives way to one that does not, and one whose requests are answered gives way last.
    """

    limit: int
    held_limit: int
    is_stopping: bool = False
    places: set[Place] = field(default_factory=set)
    _held: int = 0

    def enter(self, place: Place) -> None:
        """Count a new connection; beyond the limit the one that has stalled for longest ends."""
        self.places.add(place)
        if len(self.places) > self.limit:
            self._end_stalest([other for other in self.places if other.phase != "decision"])

    def leave(self, place: Place) -> None:
        """Forget a connection that ended, and what it held."""
        self.places.discard(place)
        self.release(place)

    def hold(self, place: Place, count: int) -> None:
        """Count bytes that a request brought; beyond the limit the large one that has stalled for longest ends."""
        place.held_bytes += count
        self._held += count
        if self._held > self.held_limit:
            self._end_stalest([other for other in self.places if _is_large(other)])

    def release(self, place: Place) -> None:
        """Count no bytes for this connection any more."""
        self._held -= place.held_bytes
        place.held_bytes = 0

    def _end_stalest(self, places: list[Place]) -> None:
        if places:
            place = min(places, key=lambda one: (one.is_proven, one.moved_at))
            self.leave(place)
            place.task.cancel()


def _is_large(place: Place) -> bool:
    return place.phase == "request" and place.held_bytes > SMALL_BYTES
