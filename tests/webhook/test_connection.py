"""One connection's life on a scripted stream, and who gives way when there are too many."""

import asyncio
from collections.abc import Iterable

import pytest

from webhook.server.connection import BODY_LIMIT, Connection, Deadlines
from webhook.server.connections import Connections, Place
from webhook.server.wsgi import Answer, Request

SOON = Deadlines(handshake=0.05, idle=0.05, request=0.05, answer=0.05)
HEAD = b"POST /x?y HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n"


class ScriptedStream:
    """A client that sends the given parts and then stalls, or ends if the last part is empty."""

    def __init__(self, parts: Iterable[bytes], *, stalls: str = "") -> None:
        self._parts = list(parts)
        self._stalls = stalls
        self.sent = b""
        self.is_closed = False

    async def open(self) -> None:
        """Shake hands, unless that is where the client stalls."""
        await self._maybe_stall("handshake")

    async def receive(self) -> bytes:
        """Return the next part."""
        if not self._parts:
            await asyncio.Event().wait()
        return self._parts.pop(0)

    async def send(self, content: bytes) -> None:
        """Keep what was sent, unless the client does not read."""
        await self._maybe_stall("answer")
        self.sent += content

    async def close(self) -> None:
        """Remember it."""
        self.is_closed = True

    async def _maybe_stall(self, phase: str) -> None:
        if self._stalls == phase:
            await asyncio.Event().wait()


async def _echo(request: Request) -> Answer:
    return Answer(200, [("X-Target", request.target)], request.body)


def _serve(stream: ScriptedStream, connections: Connections | None = None) -> Connections:
    connections = connections or Connections(10, BODY_LIMIT)

    async def serve() -> None:
        task = asyncio.current_task()
        assert task
        place = Place(task=task, moved_at=0)
        connections.enter(place)
        try:
            await Connection(stream, connections, place, "http").serve(_echo, SOON)
        finally:
            connections.leave(place)

    asyncio.run(serve())
    return connections


def test_requests_come_one_after_another_however_they_are_cut() -> None:
    """Two requests in pieces that have nothing to do with them get two answers."""
    content = (HEAD + b"body") * 2
    for size in (1, 7, len(content)):
        stream = ScriptedStream([*(content[at : at + size] for at in range(0, len(content), size)), b""])
        _serve(stream)
        assert stream.sent.count(b"HTTP/1.1 200") == stream.sent.count(b"body") == 2
        assert stream.is_closed


@pytest.mark.parametrize(
    "stream",
    [
        pytest.param(ScriptedStream([], stalls="handshake"), id="handshake"),
        pytest.param(ScriptedStream([]), id="idle"),
        pytest.param(ScriptedStream([HEAD[:10]]), id="head"),
        pytest.param(ScriptedStream([HEAD, b"bo"]), id="body"),
        pytest.param(ScriptedStream([HEAD, b"body"], stalls="answer"), id="answer"),
        pytest.param(ScriptedStream([HEAD + b"body"]), id="idle after an answer"),
    ],
)
def test_every_phase_has_a_deadline(stream: ScriptedStream) -> None:
    """A client that stalls ends its own connection, wherever it does."""
    with pytest.raises(TimeoutError):
        _serve(stream)


def test_a_stopping_server_says_so_with_its_last_answer() -> None:
    """`Connection: close` tells the API server to send nothing more here."""
    stream = ScriptedStream([HEAD + b"body"])
    _serve(stream, Connections(10, BODY_LIMIT, is_stopping=True))
    assert b"connection: close" in stream.sent.lower()
    assert stream.is_closed


def test_a_body_beyond_the_limit_is_counted_and_not_kept() -> None:
    """The application is told its length, which is all that it needs to refuse it."""
    size = BODY_LIMIT + 5
    head = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % size
    stream = ScriptedStream([head, b"x" * (size - 5), b"xxxxx", b""])
    connections = _serve(stream, Connections(10, 2 * BODY_LIMIT))
    assert stream.sent.endswith(b"\r\n\r\n")
    assert connections.places == set()


def _place(moved_at: float, **traits: object) -> Place:
    task = asyncio.get_running_loop().create_task(asyncio.Event().wait())
    return Place(task=task, moved_at=moved_at, **traits)  # type: ignore[arg-type]  # what it waits for is nothing


def test_the_client_that_stalled_for_longest_gives_way() -> None:
    """Of too many connections one ends: not a proven one, and not one whose answer is under way."""

    async def crowd() -> list[Place]:
        connections = Connections(3, 1 << 20)
        places = [_place(1, is_proven=True), _place(2, phase="decision"), _place(4), _place(3), _place(9)]
        for place in places:
            connections.enter(place)
        return [place for place in places if place not in connections.places]

    assert [place.moved_at for place in asyncio.run(crowd())] == [4, 3]


def test_of_bodies_that_are_too_much_together_the_stalest_large_one_goes() -> None:
    """Small requests are kept whatever others send."""

    async def crowd() -> list[float]:
        connections = Connections(10, 1 << 20)
        small, stale, fresh = (_place(age, phase="request") for age in (1, 2, 3))
        for place, count in ((small, 1000), (stale, 600 << 10), (fresh, 600 << 10)):
            connections.enter(place)
            connections.hold(place, count)
        return sorted(place.moved_at for place in connections.places)

    assert asyncio.run(crowd()) == [1, 3]
