"""Our own annotations: digests of a layer's chunks, or of an archive's files, so that each can be verified alone.

The manifest's digest covers them, so the chain from a reference to each byte is as strong as without them; tools that
do not know them see an ordinary layer. Numbers are decimal, lists are concatenated bytes in base64.

dev.weighbridge.chunk.bytes    how many bytes of the file a chunk holds; the last one may hold fewer
dev.weighbridge.chunk.blake3   the digest of each chunk, as it is stored
dev.weighbridge.chunk.sizes    of compressed layers: the bytes of each chunk as it is stored, 4 for each, little-endian
dev.weighbridge.content.bytes  of compressed layers: the bytes of the file
dev.weighbridge.content.start  of compressed layers: how many bytes of the tar come before the file's own
dev.weighbridge.files.blake3   of layers of images: {name: [bytes, digest in hexadecimal]} of each file, as JSON

Tests: tests/puller/test_plan.py
"""

import json
import re
import struct
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import replace
from itertools import accumulate
from typing import NamedTuple

from .digest import Digest
from .errors import BadManifest
from .manifest import Descriptor

CHUNK_BYTES = "dev.weighbridge.chunk.bytes"
CHUNK_DIGESTS = "dev.weighbridge.chunk.blake3"
CHUNK_SIZES = "dev.weighbridge.chunk.sizes"
CONTENT_BYTES = "dev.weighbridge.content.bytes"
CONTENT_START = "dev.weighbridge.content.start"
FILE_DIGESTS = "dev.weighbridge.files.blake3"

_OF_CHUNKS = (CHUNK_BYTES, CHUNK_DIGESTS, CHUNK_SIZES, CONTENT_BYTES, CONTENT_START)

CHUNK_ALGORITHM = "blake3"

SMALLEST_CHUNK_BYTES, MOST_CHUNKS = 64 << 10, 1 << 16
"""What readers accept: with smaller chunks, or more of them, a small manifest would cause much work."""

_NUMBER = re.compile(r"[1-9][0-9]{0,17}")
_HEXADECIMAL = re.compile(r"[0-9a-f]{64}")
_DIGEST_BYTES, _SIZE_BYTES = 32, 4


def chunk_mark(layer: Descriptor) -> str:
    """Return a text that two layers have in common whose annotations tell the same chunks."""
    told = json.dumps([layer.annotations.get(key) for key in _OF_CHUNKS])
    return Digest.of(told.encode()).hex


def without_chunks(layer: Descriptor) -> Descriptor:
    """Return a layer that has only the digest of its whole."""
    kept = {key: text for key, text in layer.annotations.items() if key not in _OF_CHUNKS}
    return replace(layer, annotations=kept)


class Chunks(NamedTuple):
    """The digest of each `size` bytes of a blob; the last chunk may be shorter."""

    size: int
    digests: tuple[Digest, ...]

    @classmethod
    def of(cls, layer: Descriptor) -> "Chunks | None":
        """Parse a layer's annotations; None when it has none. Raises BadManifest when they contradict the layer."""
        if CHUNK_DIGESTS not in layer.annotations or CHUNK_SIZES in layer.annotations:
            return None
        size = _number(layer, CHUNK_BYTES)
        return cls(size, _digests(layer, _count(layer, layer.size, size)))

    def to_annotations(self) -> dict[str, str]:
        """Return the annotations."""
        return {CHUNK_BYTES: str(self.size), CHUNK_DIGESTS: _joined(self.digests)}


class PackedChunks(NamedTuple):
    """A file compressed with zstd, in chunks that can each be unpacked alone, in any order.

    Each chunk holds `size` bytes of the file, the last one perhaps fewer; `stops` are the chunks' ends in the blob.
    They unpack to a tar of that one file, whose `content_bytes` bytes begin at `content_start`.
    """

    size: int
    digests: tuple[Digest, ...]
    stops: tuple[int, ...]
    content_bytes: int
    content_start: int

    @classmethod
    def of(cls, layer: Descriptor) -> "PackedChunks | None":
        """Parse a layer's annotations; None when it has none. Raises BadManifest when they contradict the layer."""
        if CHUNK_SIZES not in layer.annotations:
            return None
        size, content = _number(layer, CHUNK_BYTES), _number(layer, CONTENT_BYTES)
        count = _count(layer, content, size)
        packed = _bytes(layer, CHUNK_SIZES, count * _SIZE_BYTES)
        stops = tuple(accumulate(struct.unpack(f"<{count}I", packed)))
        if stops[-1] != layer.size:
            raise BadManifest(f"{layer.digest}: chunks of {stops[-1]} bytes in all, of a blob of {layer.size}")
        return cls(size, _digests(layer, count), stops, content, _number(layer, CONTENT_START))

    def to_annotations(self) -> dict[str, str]:
        """Return the annotations."""
        sizes = [stop - start for start, stop in zip((0, *self.stops), self.stops, strict=False)]
        return {
            CHUNK_BYTES: str(self.size),
            CHUNK_DIGESTS: _joined(self.digests),
            CHUNK_SIZES: b64encode(struct.pack(f"<{len(sizes)}I", *sizes)).decode(),
            CONTENT_BYTES: str(self.content_bytes),
            CONTENT_START: str(self.content_start),
        }


class FileDigests(NamedTuple):
    """The bytes and the digest of each file in an archive, by its name there."""

    by_name: Mapping[str, tuple[int, Digest]]

    @classmethod
    def of(cls, layer: Descriptor) -> "FileDigests | None":
        """Parse a layer's annotation; None when it has none. Raises BadManifest."""
        if FILE_DIGESTS not in layer.annotations:
            return None
        try:
            document = json.loads(layer.annotations[FILE_DIGESTS])
            return cls({name: _file(*entry) for name, entry in document.items()})
        except (ValueError, TypeError, AttributeError, RecursionError):
            raise BadManifest(f"{layer.digest}: {FILE_DIGESTS} is no table of files") from None

    def to_annotations(self) -> dict[str, str]:
        """Return the annotation."""
        table = {name: [size, digest.hex] for name, (size, digest) in self.by_name.items()}
        return {FILE_DIGESTS: json.dumps(table, ensure_ascii=False, separators=(",", ":"))}


def _file(size: object, digits: object) -> tuple[int, Digest]:
    """Return a file's bytes and digest; raise ValueError."""
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise ValueError
    if not isinstance(digits, str) or not _HEXADECIMAL.fullmatch(digits):
        raise ValueError
    return size, Digest(digits, CHUNK_ALGORITHM)


def _number(layer: Descriptor, key: str) -> int:
    text = layer.annotations.get(key, "")
    if not _NUMBER.fullmatch(text):
        raise BadManifest(f"{layer.digest}: {key} is no number of bytes")
    return int(text)


def _count(layer: Descriptor, content: int, size: int) -> int:
    """Return the number of chunks of `size` bytes in a file; each costs time, whatever its size."""
    count = -(-content // size)
    if size < SMALLEST_CHUNK_BYTES or count > MOST_CHUNKS:
        raise BadManifest(
            f"{layer.digest}: {count} chunks of {size} bytes: at most {MOST_CHUNKS} are read,"
            f" of {SMALLEST_CHUNK_BYTES} bytes or more"
        )
    return count


def _digests(layer: Descriptor, count: int) -> tuple[Digest, ...]:
    joined = _bytes(layer, CHUNK_DIGESTS, count * _DIGEST_BYTES)
    starts = range(0, len(joined), _DIGEST_BYTES)
    return tuple(Digest(joined[at : at + _DIGEST_BYTES].hex(), CHUNK_ALGORITHM) for at in starts)


def _bytes(layer: Descriptor, key: str, count: int) -> bytes:
    try:
        joined = b64decode(layer.annotations.get(key, ""), validate=True)
    except ValueError:
        raise BadManifest(f"{layer.digest}: {key} is not base64") from None
    if len(joined) != count:
        raise BadManifest(f"{layer.digest}: {key} has {len(joined)} bytes, the chunks want {count}")
    return joined


def _joined(digests: tuple[Digest, ...]) -> str:
    return b64encode(b"".join(bytes.fromhex(digest.hex) for digest in digests)).decode()
