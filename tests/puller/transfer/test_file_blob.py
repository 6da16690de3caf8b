"""What a blob's file takes of its volume."""

import os
from pathlib import Path

import pytest

from puller.artifact.part import LayerKind, Part
from puller.plan import Blob, Piece
from puller.transfer.file_blob import FileBlobWriter
from registry.chunk_index import PackedChunks
from registry.digest import Digest
from registry.manifest import Descriptor

PIECE = 1 << 20
SIZE = 8 * PIECE
DIGEST = Digest.of(b"", "blake3")
PIECES = tuple(Piece(start, start + PIECE, DIGEST) for start in range(0, SIZE, PIECE))


def writer_of(path: Path, landed: int, content_bytes: int = 0) -> FileBlobWriter:
    """Return the writer of a file of which pieces landed; it is packed where the bytes of its content are told."""
    layer = Descriptor(media_type="", digest=Digest.of(b"x"), size=SIZE)
    packed = (
        PackedChunks(content_bytes, (Digest.of(b"", "blake3"),), (SIZE,), content_bytes, 0) if content_bytes else None
    )
    part = Part(layer=layer, number=0, shape=LayerKind.FILE, path="w")
    return FileBlobWriter(Blob(layer, (part,), PIECES, packed), path, PIECES[:landed])


def test_a_new_file_takes_its_size(tmp_path: Path) -> None:
    """Unpacked, where it is packed."""
    assert writer_of(tmp_path / "w", 0).room_bytes == SIZE
    assert writer_of(tmp_path / "w", 0, 3 * SIZE).room_bytes == 3 * SIZE


@pytest.mark.parametrize("landed", [1, 4, 7])
def test_what_an_earlier_pull_reserved_is_not_wanted_twice(tmp_path: Path, landed: int) -> None:
    """It reserves whole files on file systems that can: a volume of the model's size has room for the rest."""
    path = tmp_path / "w"
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, SIZE)
    assert writer_of(path, landed).room_bytes == 0
    assert writer_of(path, landed, 3 * SIZE).room_bytes == 2 * SIZE


@pytest.mark.parametrize("landed", [1, 4, 7])
def test_where_nothing_is_reserved_the_missing_pieces_are_wanted(tmp_path: Path, landed: int) -> None:
    """Of a file with holes, and no more than these where the file system compresses what is there."""
    path = tmp_path / "w"
    with path.open("wb") as file:
        file.write(os.urandom(landed * PIECE))
        os.fsync(file.fileno())
        file.truncate(SIZE)
    assert writer_of(path, landed).room_bytes == SIZE - landed * PIECE
    path.unlink()
    path.touch()
    os.truncate(path, SIZE)
    assert writer_of(path, landed).room_bytes == SIZE - landed * PIECE
