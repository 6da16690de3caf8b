"""One connection's life, in which every phase has a deadline.

Tests: tests/webhook/test_connection.py
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import h11

from .connections import Connections, Phase, Place
from .stream import Stream
from .wsgi import Answer, Request

# The API server's own limit on an object is 3 MiB, and what it stores has 1.5 MiB: of those an update shows two.
BODY_LIMIT = 4 << 20
# A client that is cut off in mid-body would see a broken pipe and not the answer.
_DISCARD_LIMIT = 16 << 20
_HEAD_LIMIT = 32 << 10

Answerer = Callable[[Request], Awaitable[Answer]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Deadlines:
    """How long a connection may take for each phase, in seconds."""

    handshake: float = 5
    # Longer than the 90 s for which the API server keeps idle connections: the server must not close one first,
    # because the API server does not send a POST again.
    idle: float = 120
    # The API server itself waits for five seconds in all.
    request: float = 5
    answer: float = 5


class Connection:
    """One client's requests, one after another.

    1. The handshake.
    2. Wait until a request begins.
    3. Receive it whole.
    4. Decide, in a thread of the answerer's.
    5. Send the answer, and go on with 2.
    """

    def __init__(self, stream: Stream, connections: Connections, place: Place, scheme: str) -> None:
        self._stream = stream
        self._connections, self._place = connections, place
        self._scheme = scheme
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_HEAD_LIMIT)

    async def serve(self, answerer: Answerer, deadlines: Deadlines) -> None:
        """Answer requests until either side ends the connection.

        Raises TimeoutError for a deadline, OSError and h11.RemoteProtocolError for what the client broke.
        """
        async with asyncio.timeout(deadlines.handshake):
            await self._stream.open()
        while await self._has_begun(deadlines.idle):
            async with asyncio.timeout(deadlines.request):
                request = await self._request()
                if request is None:
                    break
                self._enter("decision")
                answer = await answerer(request)
            self._enter("answer")
            async with asyncio.timeout(deadlines.answer):
                if not await self._send(answer):
                    break
            self._place.is_proven = self._place.is_proven or answer.status == 200
        async with asyncio.timeout(deadlines.answer):
            await self._stream.close()

    def _enter(self, phase: Phase) -> None:
        self._place.phase = phase
        self._moved()

    def _moved(self) -> None:
        self._place.moved_at = asyncio.get_running_loop().time()

    async def _has_begun(self, seconds: float) -> bool:
        self._enter("idle")
        waiting, _ = self._http.trailing_data
        if not waiting:
            async with asyncio.timeout(seconds):
                waiting = await self._stream.receive()
            self._http.receive_data(waiting)
        self._enter("request")
        return bool(waiting)

    async def _request(self) -> Request | None:
        try:
            return await self._receive()
        except h11.RemoteProtocolError as error:
            if self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE):
                await self._send(Answer(error.error_status_hint, [("Connection", "close")], b""))
            raise

    async def _receive(self) -> Request | None:
        head = await self._event()
        if not isinstance(head, h11.Request):
            return None
        body, length = bytearray(), 0
        while isinstance(event := await self._event(), h11.Data):
            length += len(event.data)
            if length > _DISCARD_LIMIT:
                break
            if length <= BODY_LIMIT:
                body += event.data
                self._connections.hold(self._place, len(event.data))
            else:
                body.clear()
                self._connections.release(self._place)
        return Request(
            method=head.method.decode("ascii"),
            target=head.target.decode("latin-1"),
            headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers],
            body=bytes(body),
            length=length,
            scheme=self._scheme,
        )

    async def _event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            if self._http.they_are_waiting_for_100_continue:
                go_on = h11.InformationalResponse(status_code=100, headers=[])
                await self._stream.send(self._http.send(go_on) or b"")
            self._http.receive_data(await self._stream.receive())
            self._moved()
        return event

    async def _send(self, answer: Answer) -> bool:
        """Send an answer; return whether another request may follow."""
        self._connections.release(self._place)
        headers = [*answer.headers, *([("Connection", "close")] if self._connections.is_stopping else [])]
        head = h11.Response(status_code=answer.status, headers=headers)
        parts = [self._http.send(event) for event in (head, h11.Data(data=answer.body), h11.EndOfMessage())]
        await self._stream.send(b"".join(part for part in parts if part))
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            return False
        self._http.start_next_cycle()
        return True
