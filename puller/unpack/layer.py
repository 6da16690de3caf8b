"""Unpack a layer, recognised by its bytes: a codec by its magic, then a tar by its first header.

Media types are not trusted: `oras` types every file as a tar, AIKit types a gzip as a plain tar, kit's and podman's
types do not name the codec. A layer that is no tar is one file, if the artifact names it.

Tests: tests/puller/artifact/test_writers.py
"""

from collections.abc import Callable

from puller.artifact.part import LayerKind, Part
from puller.errors import BadArtifact

from .codec import MAGIC_BYTES, Decoder, decoder_for
from .member import Member, MemberType
from .staging import Stage
from .untar import BLOCK, Untar, is_tar

_UNPROMISED_RATIO = 100
"""How many times larger than its layer a file may be, where the artifact does not tell its size."""

_SLACK_BYTES = 1 << 20


class LayerUnpacker:
    """Takes a layer's bytes in order, and writes its members to a stage. One thread at a time."""

    def __init__(self, part: Part, stage: Stage) -> None:
        self._part, self._stage = part, stage
        self._reset()

    def begin(self) -> None:
        """Discard what was unpacked, and start with an empty stage. Raises NoRoom, DiskFailed."""
        self._stage.clear()
        self._reset()

    def _reset(self) -> None:
        self._magic = bytearray()
        self._decoder: Decoder | None = None
        self._contents = _Contents(self._part, self._stage)

    def feed(self, content: memoryview) -> None:
        """Unpack the next bytes. Raises BadArtifact, NoRoom, DiskFailed."""
        if self._decoder is None:
            missing = MAGIC_BYTES - len(self._magic)
            self._magic += content[:missing]
            content = content[missing:]
            if len(self._magic) < MAGIC_BYTES:
                return
            self._start()
        if self._decoder is not None and content:
            self._decoder.feed(content)

    def finish(self) -> None:
        """Check that the layer is whole, and write the list of its members. Raises BadArtifact, NoRoom, DiskFailed."""
        if self._decoder is None:
            self._start()
        if self._decoder is not None:
            self._decoder.finish()
        self._contents.finish()
        self._stage.seal()

    def _start(self) -> None:
        magic = bytes(self._magic)
        self._decoder = decoder_for(magic, self._contents.feed)
        if magic:
            self._decoder.feed(memoryview(magic))


class _Contents:
    """Writes decoded bytes to the stage: the members of an archive, or one file."""

    def __init__(self, part: Part, stage: Stage) -> None:
        self._part, self._stage = part, stage
        self._head = bytearray()
        self._untar: Untar | None = None
        self._take: Callable[[memoryview], None] | None = None
        self._seen = 0
        self._hasher = part.content_digest.hasher() if part.content_digest else None

    def feed(self, content: bytes | memoryview) -> None:
        """Write the next decoded bytes."""
        content = memoryview(content)
        if self._hasher is not None:
            self._hasher.update(content)
        if self._take is None:
            missing = BLOCK - len(self._head)
            self._head += content[:missing]
            content = content[missing:]
            if len(self._head) < BLOCK:
                return
            self._take = self._decide()
        if content:
            self._take(content)

    def finish(self) -> None:
        """Check that nothing is missing, and that the contents have the digest that the layer's annotation names."""
        if self._take is None:
            self._take = self._decide()
        if self._untar is not None:
            self._untar.finish()
        elif self._take == self._write:
            self._end_file()
        if self._hasher is not None and self._hasher.hexdigest() != getattr(self._part.content_digest, "hex", ""):
            raise BadArtifact(f"{self._part.name}: its contents are not those of {self._part.content_digest}")

    def _decide(self) -> Callable[[memoryview], None]:
        """Recognise the contents by their first block; return the function that takes the rest."""
        head = bytes(self._head)
        if self._part.shape is LayerKind.ARCHIVE and is_tar(head):
            self._untar = Untar(self._stage)
            self._untar.feed(memoryview(head))
            return self._untar.feed
        if not self._part.path:
            if not head:
                return lambda _: None  # no bytes at all: an archive without members
            raise BadArtifact(f"{self._part.name}: is no tar, and has no file name")
        limit = self._limit()
        size = 0 if self._part.size is None else limit
        self._stage.begin(Member("", MemberType.FILE, size, self._part.mode, self._part.mtime or 0, "", ((0, limit),)))
        self._write(memoryview(head))
        return self._write

    def _limit(self) -> int:
        if self._part.size is not None:
            return self._part.size
        return self._part.layer.size * _UNPROMISED_RATIO + _SLACK_BYTES

    def _write(self, content: memoryview) -> None:
        self._seen += len(content)
        if self._seen > self._limit():
            raise BadArtifact(f"{self._part.name}: unpacks to more than {self._limit()} bytes")
        self._stage.take(content)

    def _end_file(self) -> None:
        if self._part.size not in (None, self._seen):
            raise BadArtifact(f"{self._part.name}: {self._seen} bytes, where {self._part.size} were promised")
        self._stage.end(self._seen)
