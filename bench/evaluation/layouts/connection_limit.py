"""A forwarder that limits each connection.

    python -m bench.evaluation.layouts.connection_limit ADDRESS:PORT TARGET:PORT BYTES_A_SECOND

Bytes pass unchanged, so TLS ends where it does without the forwarder. Prints its port: with 0 any that is free.
"""

import os
import socket
import sys
import threading
from contextlib import suppress

_SO_MAX_PACING_RATE = 47
_STEP = 1 << 20


def main() -> None:
    """Forward connections until killed."""
    own, target = map(_address, sys.argv[1:3])
    rate = int(sys.argv[3])
    with socket.create_server(own, backlog=128) as listener:
        sys.stdout.write(f"port {listener.getsockname()[1]}\n")
        sys.stdout.flush()
        while True:
            client, _ = listener.accept()
            threading.Thread(target=_forward, args=(client, target, rate), daemon=True).start()


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.partition(":")
    return host, int(port)


def _forward(client: socket.socket, target: tuple[str, int], rate: int) -> None:
    client.setsockopt(socket.SOL_SOCKET, _SO_MAX_PACING_RATE, rate)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with client, socket.create_connection(target) as server:
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        up = threading.Thread(target=_move, args=(client, server), daemon=True)
        up.start()
        _move(server, client)
        up.join()


def _move(source: socket.socket, sink: socket.socket) -> None:
    """Move bytes by a pipe, without copying them, until the source ends."""
    out, into = os.pipe()
    with suppress(OSError):
        while count := os.splice(source.fileno(), into, _STEP):
            while count:
                count -= os.splice(out, sink.fileno(), count)
    os.close(out)
    os.close(into)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    main()
