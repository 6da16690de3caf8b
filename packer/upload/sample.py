"""An estimate from a few samples of a file: what zstd would save, and whether it pays.

Tests: tests/packer/upload/test_zstd_encoder.py
"""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass

import zstandard

from packer.source.source_file import SourceFile
from packer.source.stable_read import opened
from registry.errors import Fault
from registry.progress.stats import human

from .zstd_encoder import LEVEL

_SAMPLES, _SAMPLE_BYTES = 4, 1 << 20
_WORTH = 0.97
"""The largest compressed share of a file for which the codec is worth the unpacking."""

_MOST_FILES = 8
_BITS = 8


@dataclass(frozen=True, slots=True)
class Sample:
    """The share of a file that zstd leaves, and one core's rate of unpacking, in unpacked bytes a second."""

    ratio: float
    rate: float

    @property
    def pays(self) -> bool:
        """Whether zstd saves enough."""
        return self.ratio < _WORTH


def sample(file: SourceFile) -> Sample:
    """Compress and unpack some evenly spread parts of a file. An unreadable file does not pay."""
    compressor, decompressor = zstandard.ZstdCompressor(level=LEVEL), zstandard.ZstdDecompressor()
    before = after = 0
    seconds = 0.0
    for content in _stretches(file):
        frame = compressor.compress(content)
        began = time.perf_counter()
        decompressor.decompress(frame)
        seconds += time.perf_counter() - began
        before, after = before + len(content), after + len(frame)
    return Sample(after / before, before / max(seconds, 1e-9)) if before else Sample(1.0, 0.0)


def advice(files: Iterable[SourceFile]) -> str:
    """Return a message on what zstd would have saved of files sent raw; empty if that is too little."""
    largest = sorted(files, key=lambda file: -file.size)[:_MOST_FILES]
    samples = [(file.size, sample(file)) for file in largest]
    paying = [(size, one) for size, one in samples if one.pays]
    if not paying:
        return ""
    saved = sum(size * (1 - one.ratio) for size, one in paying)
    rate = sum(one.rate * size for size, one in paying) / sum(size for size, _ in paying)
    share = saved / sum(size for size, _ in samples)
    gigabits = rate * _BITS / 1e9
    return (
        f"--codec zstd would save about {human(int(saved))}, {share:.0%}; pods gain by it on links below"
        f" {gigabits:.0f} Gbit/s for each core of their puller"
    )


def _stretches(file: SourceFile) -> Iterable[bytes]:
    step = max((file.size - _SAMPLE_BYTES) // max(_SAMPLES - 1, 1), _SAMPLE_BYTES)
    starts = range(0, max(file.size - _SAMPLE_BYTES, 0) + 1, step)
    try:
        with opened(file) as source:
            handle = source.fileno()
            return [content for start in starts if (content := os.pread(handle, _SAMPLE_BYTES, start))]
    except Fault:
        return []  # the upload will report why
