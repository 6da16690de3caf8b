"""Generated weights: bytes with the entropy of real ones, made once and kept in the user's cache.

A block is drawn from a normal distribution. Each further block is the first one rotated by a random distance, which
exceeds every compressor's window, so generating gigabytes costs no more than copying them.
"""

import json
import math
import os
import random
import shutil
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist

from .plan import MIB, Shape

_BLOCK_BYTES = 64 * MIB
_HEADER_BYTES = 4096
_DEVIATION = 0.02
"""The usual spread of a transformer's weights."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model folder and its weight files."""

    name: str
    folder: Path
    files: tuple[Path, ...]
    size: int


def cache_directory() -> Path:
    """Return the folder where models stay between runs (XDG Base Directory)."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "weighbridge" / "bench"


def model_of(shape: Shape, cache: Path) -> Model:
    """Return the model of that shape; make it unless an earlier run did."""
    folder = cache / shape.name
    if not folder.is_dir():
        _make(shape, folder)
    files = tuple(sorted(folder.iterdir()))
    return Model(shape.name, folder, files, sum(file.stat().st_size for file in files))


def _make(shape: Shape, folder: Path) -> None:
    staging = folder.with_suffix(".staging")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    generator = random.Random(shape.name)  # noqa: S311 - noise that must be the same each time
    block = _DRAW[shape.kind](generator, min(_BLOCK_BYTES, shape.size))
    for number in range(1, shape.count + 1):
        path = staging / f"model-{number:05}-of-{shape.count:05}.safetensors"
        with path.open("wb") as file:
            file.write(_header(shape))
            left = shape.size - _HEADER_BYTES
            while left:
                turn = generator.randrange(0, len(block), 2)
                for part in (block[turn:], block[:turn]):
                    left -= file.write(part[:left])
    staging.rename(folder)


def _header(shape: Shape) -> bytes:
    """Return a safetensors header for one tensor that fills the rest of the file."""
    dtype, width = _DTYPES[shape.kind]
    content = shape.size - _HEADER_BYTES
    tensor = {"dtype": dtype, "shape": [content // width], "data_offsets": [0, content]}
    text = json.dumps({"weight": tensor}).encode().ljust(_HEADER_BYTES - 8)
    return struct.pack("<Q", len(text)) + text


def _bf16(generator: random.Random, size: int) -> memoryview:
    """Return random bf16 values: the upper byte, sign and most of the exponent, drawn; the lower one nearly uniform."""
    table = bytes(struct.pack(">f", value * _DEVIATION)[0] for value in _quantiles())
    block = bytearray(size)
    block[0::2] = generator.randbytes(size // 2)
    block[1::2] = generator.randbytes(size // 2).translate(table)
    return memoryview(block)


def _fp8(generator: random.Random, size: int) -> memoryview:
    table = bytes(_e4m3(value) for value in _quantiles())
    return memoryview(generator.randbytes(size).translate(table))


def _noise(generator: random.Random, size: int) -> memoryview:
    return memoryview(generator.randbytes(size))


def _quantiles() -> list[float]:
    """Return 256 values that are equally likely under the normal distribution."""
    normal = NormalDist()
    return [normal.inv_cdf((step + 0.5) / 256) for step in range(256)]


def _e4m3(value: float) -> int:
    """Return a value between 2**-6 and 448 in eight bits: sign, four of exponent biased by 7, three of mantissa."""
    mantissa, exponent = math.frexp(abs(value))
    sign = 0x80 if value < 0 else 0
    return sign | max(exponent + 6, 1) << 3 | int((mantissa * 2 - 1) * 8)


_DRAW: dict[str, Callable[[random.Random, int], memoryview]] = {"bf16": _bf16, "fp8": _fp8, "random": _noise}
_DTYPES = {"bf16": ("BF16", 2), "fp8": ("F8_E4M3", 1), "random": ("U8", 1)}
