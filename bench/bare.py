"""The roofline: receive, hash and write, by threads and ranges, without a puller's further work.

`python -m bench.bare CONNECTIONS URL FILE SIZE [URL FILE SIZE …]`. No journal, no manifest, no retry; the digests of
the chunks are computed and discarded.
"""

import hashlib
import os
import queue
import socket
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

_CHUNK_BYTES = 16 << 20
_BUFFER_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes `start` to `stop` of a URL, and the open file to write them to."""

    url: str
    handle: int
    start: int
    stop: int


def main() -> None:
    """Fetch every chunk with as many threads as the arguments say."""
    connections, targets = int(sys.argv[1]), sys.argv[2:]
    wanted = [
        Chunk(url, handle, start, min(start + _CHUNK_BYTES, size))
        for url, handle, size in _opened(targets)
        for start in range(0, size, _CHUNK_BYTES)
    ]
    chunks: queue.SimpleQueue[Chunk] = queue.SimpleQueue()
    for chunk in sorted(wanted, key=lambda chunk: chunk.start):  # files alternate: each takes one write at a time
        chunks.put(chunk)
    with ThreadPoolExecutor(connections) as pool:
        for worker in [pool.submit(_work, chunks) for _ in range(connections)]:
            worker.result()


def _opened(targets: list[str]) -> Iterator[tuple[str, int, int]]:
    """Yield each URL, its open file of full size, and that size."""
    for url, path, size in zip(targets[0::3], targets[1::3], map(int, targets[2::3]), strict=True):
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        os.ftruncate(handle, size)
        yield url, handle, size


def _work(chunks: "queue.SimpleQueue[Chunk]") -> None:
    buffer = memoryview(bytearray(_BUFFER_BYTES))
    address = urlsplit(sys.argv[2])
    with socket.create_connection((address.hostname or "", address.port or 80)) as connection:
        while True:
            try:
                chunk = chunks.get_nowait()
            except queue.Empty:
                return
            _fetch(connection, chunk, buffer)


def _fetch(connection: socket.socket, chunk: Chunk, buffer: memoryview) -> None:
    address = urlsplit(chunk.url)
    asked = (
        f"GET {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\nRange: bytes={chunk.start}-{chunk.stop - 1}\r\n\r\n"
    )
    connection.sendall(asked.encode())
    position, rest = chunk.start, _skip_head(connection)
    digest = hashlib.sha256(rest)
    position += os.pwrite(chunk.handle, rest, position)
    while position < chunk.stop:
        count = connection.recv_into(buffer, min(len(buffer), chunk.stop - position), socket.MSG_WAITALL)
        if not count:
            raise EOFError(chunk.url)
        digest.update(buffer[:count])
        position += os.pwrite(chunk.handle, buffer[:count], position)


def _skip_head(connection: socket.socket) -> bytes:
    """Read the answer's head; return the bytes that came after it."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(4096)
    head, _, rest = received.partition(b"\r\n\r\n")
    if b" 206 " not in head.partition(b"\r\n")[0]:
        raise ValueError(head.decode(errors="replace"))
    return rest


if __name__ == "__main__":
    main()
