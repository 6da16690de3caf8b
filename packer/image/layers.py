"""Which file is in which layer: few enough layers, and one that changes only with its own files.

1. A large file is a layer of its own. Where there are more of them than runtimes take layers, neighbours by their names
   share one, as many in each: the number of files decides, so that other bytes change no other layer.
2. Small files share layers: one, or several by their names where together they are large.
3. Large files come first. Runtimes unpack a layer anew when one below it changed, and the small files change most.

Tests: tests/packer/image/test_layers.py
"""

import hashlib
from collections import defaultdict
from collections.abc import Sequence

from packer.source.source_file import SourceFile

MOST_LARGE, MOST_SMALL = 84, 16
"""At most 100 layers: overlayfs takes 127 in older kernels, and runtimes want some of them."""

_SMALL_BYTES = 4 << 20
_SMALL_LAYER_BYTES = 64 << 20

Group = tuple[SourceFile, ...]


def grouped(files: Sequence[SourceFile]) -> tuple[Group, ...]:
    """Return the files of each layer. `files` are in the order of their names."""
    large = [file for file in files if file.size > _SMALL_BYTES]
    small = [file for file in files if file.size <= _SMALL_BYTES]
    together = max(-(-len(large) // MOST_LARGE), 1)
    neighbours = (tuple(large[at : at + together]) for at in range(0, len(large), together))
    return (*neighbours, *_by_name(small, _small_layers(small)))


def _small_layers(files: Sequence[SourceFile]) -> int:
    """Return the number of layers for small files: doubled, so that growth seldom moves a file to another layer."""
    count, total = 1, sum(file.size for file in files)
    while count < MOST_SMALL and total > count * _SMALL_LAYER_BYTES:
        count *= 2
    return count


def _by_name(files: Sequence[SourceFile], count: int) -> list[Group]:
    """Return at most `count` groups of files, each file's by its name alone."""
    groups = defaultdict[int, list[SourceFile]](list)
    for file in files:
        groups[int(hashlib.sha256(file.path.encode()).hexdigest()[:15], 16) % count].append(file)
    return [tuple(groups[number]) for number in sorted(groups)]
