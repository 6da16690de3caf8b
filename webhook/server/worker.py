"""The gunicorn worker: one event loop that reads and writes, so that no client holds up another; threads decide.

Tests: tests/webhook/test_hostile_clients.py
"""

import asyncio
import os
import resource
import signal
from concurrent.futures import ThreadPoolExecutor

from gunicorn.workers.base import Worker

from .connections import Connections
from .listener import Listener
from .site import Site

_BEAT_SECONDS = 1.0
# Idle connections stay for a moment after the order to stop: a request may be on its way on them already.
_LINGER_SECONDS = 2.0
# Each takes some 50 kB, most of it OpenSSL's.
_CONNECTIONS = 500
_PROBE_CONNECTIONS = 50
# Incomplete bodies: four reviews of the largest size, whatever the number of clients.
_HELD_BYTES = 16 << 20


class AdmissionWorker(Worker):  # type: ignore[misc]  # gunicorn ships no types
    """Serve a `Site` until gunicorn says stop."""

    wsgi: Site

    def run(self) -> None:
        """Serve until SIGTERM, or until the parent is gone."""
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        with ThreadPoolExecutor(self.cfg.threads, "decide") as decide, ThreadPoolExecutor(2, "probe") as probe:
            listeners = [self._admission(decide), *self._probes(probe)]
            for listener in listeners:
                await listener.start()
            await self._beat_until(stop)
            self.alive = False
            await asyncio.gather(*(one.stop(_LINGER_SECONDS, self.cfg.graceful_timeout) for one in listeners))

    def _admission(self, threads: ThreadPoolExecutor) -> Listener:
        soft_limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        limit = min(_CONNECTIONS, soft_limit // 2)
        (listening,) = self.sockets
        return Listener(listening.sock, self.wsgi, threads, self.wsgi.certificate, Connections(limit, _HELD_BYTES))

    def _probes(self, threads: ThreadPoolExecutor) -> list[Listener]:
        if not self.wsgi.probe_listen:
            return []
        bound = self.wsgi.bind_probes()
        host, port = bound.getsockname()[:2]
        self.log.info("Probes and metrics at: http://%s:%s", host, port)
        return [Listener(bound, self.wsgi.probes, threads, None, Connections(_PROBE_CONNECTIONS, _HELD_BYTES))]

    async def _beat_until(self, stop: asyncio.Event) -> None:
        while not stop.is_set() and os.getppid() == self.ppid:
            self.notify()
            try:
                await asyncio.wait_for(stop.wait(), _BEAT_SECONDS)
            except TimeoutError:
                continue
