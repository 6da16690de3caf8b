"""Laws of the generated weights."""

import json
import struct
from pathlib import Path

import pytest
import zstandard

from bench.corpus import model_of
from bench.plan import MIB, Shape


@pytest.mark.parametrize(("kind", "least", "most"), [("bf16", 0.74, 0.82), ("fp8", 0.76, 0.88), ("random", 0.99, 1.01)])
def test_weights_compress_as_real_ones_do(tmp_path: Path, kind: str, least: float, most: float) -> None:
    """What zstd leaves of each kind is about what it leaves of trained weights."""
    content = model_of(Shape(kind, 1, 8 * MIB), tmp_path).files[0].read_bytes()
    assert least < len(zstandard.compress(content, 1)) / len(content) < most


def test_a_model_is_made_once_and_the_same_each_time(tmp_path: Path) -> None:
    """The same shape gives the same bytes, and files of one model differ."""
    shape = Shape("bf16", 2, MIB)
    first, again = model_of(shape, tmp_path / "a"), model_of(shape, tmp_path / "b")
    assert [file.read_bytes() for file in first.files] == [file.read_bytes() for file in again.files]
    assert first.files[0].read_bytes() != first.files[1].read_bytes()
    assert first.size == shape.total


def test_a_file_begins_with_a_safetensors_header(tmp_path: Path) -> None:
    """The header's one tensor covers the rest of the file."""
    content = model_of(Shape("bf16", 1, MIB), tmp_path).files[0].read_bytes()
    length = struct.unpack("<Q", content[:8])[0]
    tensor = json.loads(content[8 : 8 + length])["weight"]
    assert tensor["data_offsets"] == [0, len(content) - 8 - length]
