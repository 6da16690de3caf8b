"""Which file is in which layer: every file in one, few layers, and the others stay when a file changes."""

from collections.abc import Sequence
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from packer.image.layers import MOST_LARGE, MOST_SMALL, Group, grouped
from packer.source.source_file import SourceFile
from tests.packer.image.files import file_of

_MEBIBYTE = 1 << 20
SIZES = st.sampled_from([0, 1, 100, 4 * _MEBIBYTE, 4 * _MEBIBYTE + 1, 5 << 30])
FOLDERS = st.dictionaries(st.text("abc/", min_size=1, max_size=6), SIZES, min_size=1, max_size=400)


def layers_of(sizes: dict[str, int]) -> tuple[Group, ...]:
    """Return the layers of files with these names and sizes."""
    return grouped([file_of(path, size) for path, size in sorted(sizes.items())])


def names_in(layers: Sequence[Group]) -> list[tuple[str, ...]]:
    """Return the names of each layer's files."""
    return [tuple(file.path for file in layer) for layer in layers]


@given(sizes=FOLDERS)
def test_each_file_is_in_one_layer_and_layers_are_at_most_a_hundred(sizes: dict[str, int]) -> None:
    """Law: no layer is empty, none is lost, and they are as many as every runtime takes."""
    layers = layers_of(sizes)
    assert sorted(file.path for layer in layers for file in layer) == sorted(sizes)
    assert all(layers)
    assert len(layers) <= MOST_LARGE + MOST_SMALL <= 100


def test_large_files_are_alone_and_before_the_small_ones() -> None:
    """A README that changes leaves the weights unpacked on each node."""
    sizes = {f"{number}.safetensors": 5 << 30 for number in range(MOST_LARGE)}
    layers = layers_of(sizes | {"README.md": 1, "config.json": 1})
    assert names_in(layers) == [*((name,) for name in sorted(sizes)), ("README.md", "config.json")]


def test_of_many_large_files_few_share_a_layer_and_one_that_changes_changes_its_own_alone() -> None:
    """163 shards of 4 GB make no layer that a registry would not take; the others are neither sent nor pulled again."""
    sizes = {f"model-{number:05}-of-00163.safetensors": 4 << 30 for number in range(163)}
    before = layers_of(sizes)
    assert len(before) <= MOST_LARGE
    assert max(map(len, before)) == 2
    after = layers_of(sizes | {"model-00007-of-00163.safetensors": 5 << 30, "README.md": 1})
    assert len(set(after) - set(before)) == 2
    assert len(set(layers_of(sizes | {"vision.safetensors": 1 << 30})) - set(before)) == 1


def test_many_small_files_share_a_few_layers() -> None:
    """A gigabyte of small files is no one layer, so that several threads send it; one more moves none of them."""
    sizes = {f"shard-{number:05}.bin": 3 * _MEBIBYTE for number in range(300)}
    layers = layers_of(sizes)
    assert 8 <= len(layers) <= MOST_SMALL
    more = layers_of(sizes | {"one-more.bin": 1})
    assert len(set(names_in(more)) - set(names_in(layers))) == 1


def test_names_alone_decide_what_is_together(tmp_path: Path) -> None:
    """Neither the folder's place nor the files' times."""
    here = SourceFile("a", tmp_path / "a", file_of("a", 1).status)
    assert names_in(grouped([here])) == names_in(grouped([file_of("a", 1)]))
