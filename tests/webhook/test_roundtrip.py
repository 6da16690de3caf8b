"""YAML that stays itself."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.manifests.roundtrip import BadDocument, dump, expanded, load, to_tree, to_values

from .test_patch import JSON

_MAPPINGS = st.dictionaries(st.text(min_size=1, max_size=8), JSON | st.text(max_size=20) | st.floats(-1e6, 1e6))


@given(_MAPPINGS)
def test_what_is_written_reads_back_as_the_same(value: dict[str, Any]) -> None:
    """values(load(dump(tree(value)))) is value, whatever its texts look like."""
    assert to_values(load(dump(to_tree(value)))) == value


@pytest.mark.parametrize(
    "text",
    [
        "a: 0644\nb: 1e3\nc: ~\nd:\ne: yes\nf: 0x1F\ng: 2026-01-01\nh: 1_000\n",
        "a: 'single'\nb: \"double\"\n'c': d\n",
        "a:\n    b:\n      - c: 1   # why\n        # more\n        d: 2\n",
        "a: |\n  # text\n  more\nb: >-\n  folded\n  text\n",
        "a: {b: [1, 2], c: 'd'}\n",
        "a:\n-   b: 1\n    c: 2\n-   d\n",
        "long: " + "word " * 60 + "end\n",
        "a: !!str 123\n",
    ],
)
def test_a_tree_that_is_not_changed_is_written_as_it_was(text: str) -> None:
    """Numbers, quotes, comments, flow and indentation stay."""
    assert dump(expanded(load(text))) == text


def test_aliases_become_parts_of_their_own() -> None:
    """After expansion no two places share a node, and nothing is left to refer to."""
    tree = expanded(load("a: &x {b: [1]}\nc: *x\nd: {<<: *x, e: 2}\nf: &y 'text'\ng: *y\n"))
    tree["a"]["b"].append(2)
    assert to_values(tree) == {"a": {"b": [1, 2]}, "c": {"b": [1]}, "d": {"b": [1], "e": 2}, "f": "text", "g": "text"}
    assert "&" not in dump(tree)
    assert "*" not in dump(tree)


def test_a_merge_yields_to_the_keys_beside_it() -> None:
    """What stands in the mapping itself wins, then the first of the merged ones."""
    text = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc:\n  z: 3\n  <<: [*a, *b]\n"
    assert to_values(expanded(load(text)))["c"] == {"x": 1, "y": 1, "z": 3}


def test_aliases_of_aliases_are_followed_only_so_far() -> None:
    """A few lines that would grow beyond all memory are refused."""
    text = "a: &a0 [x]\n" + "".join(f"b{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))
    with pytest.raises(BadDocument, match="aliases"):
        expanded(load(text))


@pytest.mark.parametrize("text", ["a: b: c", "a: [", "a: 1\na: 2", "a: *nobody", "\t", "a: !mine 1", "a: {<<: 1}"])
def test_what_is_no_plain_yaml_is_refused(text: str) -> None:
    """Syntax, double keys, unknown aliases and foreign tags."""
    with pytest.raises(BadDocument):
        to_values(expanded(load(text)))
