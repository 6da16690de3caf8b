"""A large file as zstd: a tar of that one file, in frames that can each be unpacked alone.

1. The tar's header is a frame, then every MiB of the file, then the tar's end; so a frame's offset in the file is
   known without unpacking those before it. A table of frames ends the blob (zstd's seekable format); other readers
   of zstd skip it.
2. Frames are compressed by as many threads as there are cores, and returned in order.
3. Several consecutive frames are a chunk, which has a digest of its own and is sent in one piece.
"""

import hashlib
import struct
import tarfile
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Self

import zstandard

from packer.errors import Changed
from packer.layer_blob import LayerBlob, packed
from packer.source.source_file import SourceFile
from packer.source.stable_read import check, opened
from registry.chunk_index import CHUNK_ALGORITHM, PackedChunks
from registry.digest import Digest
from registry.process.control_group import own_cores

FRAME_BYTES = 1 << 20
"""Smaller frames save nothing; a reader needs memory for what it unpacks of a frame at once."""
LEVEL = 1
"""Higher levels cost much and save nothing on weights: their mantissas are noise."""

_SKIPPABLE, _SEEKABLE = 0x184D2A5E, 0x8F92EAB1  # zstd, contrib/seekable_format
_BLOCK = 512

Send = Callable[[bytes], None]


def pack(file: SourceFile, chunk: int, send: Send, told: Callable[[int], None]) -> LayerBlob:
    """Call `send` with each chunk of a file, in order, and `told` with the bytes of the file in that chunk.

    `chunk` is the number of the file's bytes in each, a multiple of FRAME_BYTES. Raises Changed, BadFolder, and what
    `send` raises.
    """
    whole, digests, stops = hashlib.sha256(), list[Digest](), list[int]()
    with _Frames(file) as frames:
        for number, content in enumerate(_chunks(frames, chunk // FRAME_BYTES)):
            whole.update(content)
            digests.append(Digest.of(content, CHUNK_ALGORITHM))
            stops.append((stops[-1] if stops else 0) + len(content))
            send(content)
            told(min(chunk, file.size - number * chunk))
        layout = PackedChunks(chunk, tuple(digests), tuple(stops), file.size, len(frames.header))
        return packed(Digest(whole.hexdigest()), Digest(frames.diff.hexdigest()), layout)


def _chunks(frames: "_Frames", count: int) -> Iterator[bytes]:
    """Yield chunks of joined frames: the header is in the first, the end and the table of frames in the last."""
    gathered = [frames.opening()]
    held = None
    for number, frame in enumerate(frames.body(), 1):
        if held is not None:
            yield held
            held = None
        gathered.append(frame)
        if number % count == 0:
            held, gathered = b"".join(gathered), []
    yield b"".join([*([held] if held else []), *gathered, frames.closing(), frames.table()])


class _Frames:
    """The frames of one file, and their table. As a context manager it holds the file and the threads."""

    def __init__(self, file: SourceFile) -> None:
        info = tarfile.TarInfo(file.path)
        info.size, info.mode = file.size, file.mode
        self.header = info.tobuf(tarfile.PAX_FORMAT)
        self.diff = hashlib.sha256()
        self._file = file
        self._sizes: list[tuple[int, int]] = []
        self._local = threading.local()
        self._cores = own_cores()

    def __enter__(self) -> Self:
        self._held = ExitStack()
        self._source = self._held.enter_context(opened(self._file))
        self._pool = ThreadPoolExecutor(self._cores)
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._held.close()

    def opening(self) -> bytes:
        """Return the frame of the tar's header."""
        return self._frame(self.header)

    def body(self) -> Iterator[bytes]:
        """Yield the frames of the file, while a few more are being compressed."""
        window: deque[tuple[int, Future[bytes]]] = deque()
        for content in self._slices():
            self.diff.update(content)
            window.append((len(content), self._pool.submit(self._compress, content)))
            if len(window) > 4 * self._cores:
                yield self._noted(*window.popleft())
        while window:
            yield self._noted(*window.popleft())

    def closing(self) -> bytes:
        """Return the frame of the tar's end: the padding of the file's last block, and two blocks of zeros."""
        return self._frame(bytes(-self._file.size % _BLOCK + 2 * _BLOCK))

    def table(self) -> bytes:
        """Return the table of all frames so far."""
        entries = b"".join(struct.pack("<II", *sizes) for sizes in self._sizes)
        footer = struct.pack("<IBI", len(self._sizes), 0, _SEEKABLE)
        return struct.pack("<II", _SKIPPABLE, len(entries) + len(footer)) + entries + footer

    def _frame(self, content: bytes) -> bytes:
        self.diff.update(content)
        frame = self._compress(content)
        self._sizes.append((len(frame), len(content)))
        return frame

    def _noted(self, size: int, future: "Future[bytes]") -> bytes:
        frame = future.result()
        self._sizes.append((len(frame), size))
        return frame

    def _compress(self, content: bytes) -> bytes:
        if not hasattr(self._local, "compressor"):
            self._local.compressor = zstandard.ZstdCompressor(level=LEVEL)
        frame: bytes = self._local.compressor.compress(content)
        return frame

    def _slices(self) -> Iterator[bytes]:
        left = self._file.size
        while left:
            content = self._source.read(min(FRAME_BYTES, left))
            if not content:
                raise Changed(f"{self._file.location}: ended {left} bytes early")
            left -= len(content)
            yield content
        check(self._source, self._file)
