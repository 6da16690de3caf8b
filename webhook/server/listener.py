"""One port: its connections, each a task, and the threads that answer their requests.

Tests: tests/webhook/test_hostile_clients.py
"""

import asyncio
import logging
import socket
import ssl
from concurrent.futures import Executor, ThreadPoolExecutor

import h11

from .connection import Connection, Deadlines
from .connections import SMALL_BYTES, Connections, Place
from .stream import RECEIVE_BYTES, PlainStream, Stream, TlsStream
from .tls import ServedCertificate
from .wsgi import Answer, Application, Request, call

_BACKLOG = 2048
_LAST_SECONDS = 1.0

_log = logging.getLogger(__name__)


class Listener:
    """Serve a WSGI application on a bound socket, behind TLS if there is a certificate."""

    def __init__(
        self,
        bound: socket.socket,
        application: Application,
        threads: Executor,
        certificate: ServedCertificate | None,
        connections: Connections,
    ) -> None:
        self._bound = bound
        self._application, self._threads = application, threads
        self._certificate = certificate
        self._connections = connections
        # What is large takes fifty times its size of memory while it is decided: one thread takes one after another.
        self._large = ThreadPoolExecutor(1, "large")
        self._deadlines = Deadlines()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Accept connections from now on."""
        self._server = await asyncio.start_server(self._serve, sock=self._bound, limit=RECEIVE_BYTES, backlog=_BACKLOG)

    async def stop(self, linger_seconds: float, grace_seconds: float) -> None:
        """Accept no more; end idle connections after `linger_seconds`, and whatever is left before `grace_seconds`."""
        if self._server:
            self._server.close()
        self._connections.is_stopping = True
        await self._wait(linger_seconds)
        for place in list(self._connections.places):
            if place.phase in ("handshake", "idle"):
                place.task.cancel()
        await self._wait(grace_seconds - linger_seconds - _LAST_SECONDS)
        for place in list(self._connections.places):
            place.task.cancel()
        await self._wait(_LAST_SECONDS)

    async def _wait(self, seconds: float) -> None:
        if tasks := [place.task for place in self._connections.places]:
            await asyncio.wait(tasks, timeout=seconds)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in one
        place = Place(task=task, moved_at=asyncio.get_running_loop().time())
        self._connections.enter(place)
        try:
            stream = self._stream(reader, writer)
            scheme = "https" if self._certificate else "http"
            await Connection(stream, self._connections, place, scheme).serve(self._answer, self._deadlines)
            writer.close()
        except (TimeoutError, OSError, h11.ProtocolError, asyncio.CancelledError) as error:
            # Clients break off as they like: that is worth a line for who asks for it, unless an admission is lost.
            level = logging.WARNING if place.is_deciding else logging.DEBUG
            _log.log(level, "a connection ended in its phase %s: %r", place.phase, error)
        finally:
            self._connections.leave(place)
            writer.transport.abort()

    def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Stream:
        plain = PlainStream(reader, writer)
        if self._certificate is None:
            return plain
        context = self._certificate.context()
        if context is None:
            raise ssl.SSLError("there is no certificate to serve")
        return TlsStream(plain, context)

    async def _answer(self, request: Request) -> Answer:
        threads = self._threads if len(request.body) <= SMALL_BYTES else self._large
        return await asyncio.get_running_loop().run_in_executor(threads, call, self._application, request)
