"""A server that answers every request with the same bytes, whether they are HTTP or not."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Handler(socketserver.StreamRequestHandler):
    content: bytes

    def handle(self) -> None:
        """Read a request's head, answer it, and hang up."""
        while self.rfile.readline(65_536).strip():
            pass
        self.wfile.write(self.content)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, *_: object) -> None:
        """Say nothing of clients that hang up."""


@contextmanager
def answering(content: bytes) -> Iterator[str]:
    """Serve some bytes on loopback until the block ends; give the address."""
    handler = type("Handler", (_Handler,), {"content": content})
    with _Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
