"""Text that is changed in places, and stays itself elsewhere."""

import copy
import difflib
import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.manifests.json_text import parse_json
from webhook.manifests.node import BadDocument, to_value
from webhook.manifests.splice import spliced
from webhook.manifests.written import Style
from webhook.manifests.yaml_text import parse_yaml

from .test_patch import JSON

_VALUES = st.dictionaries(
    st.text(min_size=1, max_size=8), JSON | st.text(max_size=20) | st.floats(-1e6, 1e6), min_size=1
)
_STYLES = st.builds(Style, step=st.integers(1, 4), dash=st.integers(0, 3), item=st.integers(2, 4))


def _value(text: str) -> Any:
    return to_value(parse_yaml(text))


def _text(style: Style, value: Any) -> str:
    return "".join(f"{line}\n" for line in style.block(value, 0))


@given(_VALUES, _STYLES)
def test_what_is_written_reads_back_as_the_same(value: dict[str, Any], style: Style) -> None:
    """In blocks and in one line, whatever the texts look like."""
    assert _value(_text(style, value)) == value
    assert _value(style.line(value)) == value


@given(_VALUES, _VALUES, _STYLES)
def test_any_text_becomes_any_value(before: dict[str, Any], after: dict[str, Any], style: Style) -> None:
    """Kubectl reads the new value from the changed text; JSON stays JSON."""
    mixed = before | after | {key: before[key] for key in list(before)[::2]}
    for wanted in (after, mixed):
        assert _value(spliced(_text(style, before), parse_yaml, wanted)) == wanted
        assert _value(spliced(style.line(before), parse_yaml, wanted)) == wanted
        for indent in (None, 2, "\t"):
            changed = spliced(json.dumps(before, indent=indent), parse_json, wanted, is_json=True)
            assert json.loads(changed) == wanted


TEXTS = {
    "odd indentation": "a:\n    b:\n      - c: 1   # why\n        # more\n        d: 2\n    e:\n    -   f\n",
    "flow over lines": 'a: ["x",\n   "y"]\nb: {c: d,\n    e: f}\n',
    "texts": "a: |\n  # text\n  more\n\nb: >-\n  folded\n  text\nc: 'it''s'\nd: \"\\u00e9\"\n",
    "numbers": "a: 0644\nb: 1e3\nc: ~\nd:\ne: yes\nf: 0x1F\ng: 2026-01-01\nh: 1_000\n",
    "comments": "# top\na: 1 # one\n\n# between\nb: # two\n  # deep\n  c: 3\n# end\n",
    "empty containers": "a: []\nb: {}\nc:\n- []\n- {}\n",
    "windows": "a:\r\n  b: 1\r\nc:\r\n- d\r\n",
    "kept blanks": "a: |+\n  text\n\n\nb: 1\nc: |+\n  end\n\n",
    "no end of line": "a:\n  - b: 1\n    c: 2",
    "tabs": "a:\t1\t# tab\nb: [x,\ty]\n",
    "anchors": "a: &x {b: [1]}\nc: *x\nd: {<<: *x, e: 2}\nf: &y text\ng: *y\n",
    "document marks": "--- # first\na: 1\n...\n",
    "tags": "a: !!str 123\nb: !!int 3\n",
    "double keys": "a: 1\nb: 2\na: 3\n",
    "objects of a list": "items:\n- kind: A  # one\n  metadata: {name: x}\n  spec: {a: [1]}\n"
    "- kind: B  # two\n  metadata:\n    name: x  # its name\n  spec:\n    b: 1  # stays\n",
    "dashes": "a:\n- b: x-\n  c: a-b # - no\n-\n  d: 1\n- - e\n-\n",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_lines_that_no_change_touches_stay(text: str) -> None:
    """One key more at each place: every other line is there, in its order, byte for byte."""
    value = _value(text)
    assert spliced(text, parse_yaml, value) == text
    for key, held in value.items():
        wanted = copy.deepcopy(value)
        if isinstance(held, dict) and held:
            wanted[key]["added"] = {"x": [1]}
        elif isinstance(held, list) and held:
            wanted[key].append({"name": "added"})
        else:
            wanted["added"] = "x"
        changed = spliced(text, parse_yaml, wanted)
        assert _value(changed) == wanted
        if "*" not in text:  # what aliases share is written out
            lines = difflib.ndiff(text.splitlines(), changed.splitlines())
            assert len([line for line in lines if line.startswith("- ")]) <= 1, changed


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_what_is_added_is_taken_out_again_without_a_trace(text: str) -> None:
    """Adding and removing gives the very text."""
    value = _value(text)
    wanted = copy.deepcopy(value) | {"added": {"x": [{"y": 1}, "z"]}}
    changed = spliced(text, parse_yaml, wanted)
    again = spliced(changed, parse_yaml, value)
    assert again == (text if text.endswith("\n") else f"{text}\n") or again == text


@given(st.sampled_from(sorted(TEXTS)), st.randoms(use_true_random=False))
def test_random_changes_of_odd_texts_are_read_as_they_were_meant(name: str, chance: random.Random) -> None:
    """Wherever a key is changed, added or removed."""
    wanted = _changed(_value(TEXTS[name]), chance)
    assert _value(spliced(TEXTS[name], parse_yaml, wanted)) == wanted


def _changed(value: Any, chance: random.Random) -> Any:
    if isinstance(value, dict):
        kept = {key: _changed(item, chance) for key, item in value.items() if chance.random() > 0.15}
        return kept | ({"new": {"k": ["v"]}} if chance.random() < 0.3 else {})
    if isinstance(value, list):
        items = [_changed(item, chance) for item in value if chance.random() > 0.15]
        return items + ([{"name": "new"}] if chance.random() < 0.3 else [])
    return chance.choice([value, value, value, "other", None, 7])


def test_a_merge_yields_to_the_keys_beside_it() -> None:
    """What stands in the mapping itself wins, then the first of the merged ones."""
    text = "a: &a {k: 1, m: 1}\nb: &b {m: 2, z: 2}\nc:\n  z: 3\n  <<: [*a, *b]\n"
    assert _value(text)["c"] == {"k": 1, "m": 1, "z": 3}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1\na: 2", {"a": 2}),
        ("yes: 1\n0x10: 2\n", {"true": 1, "16": 2}),
        ('"<<": 1', {"<<": 1}),
        ('a: "\\U0001F600"', {"a": "😀"}),
    ],
)
def test_odd_documents_are_read_as_kubectl_reads_them(text: str, value: Any) -> None:
    """Of two keys the last wins, keys become texts, and pairs of surrogates are one letter."""
    assert _value(text) == value


def test_aliases_of_aliases_are_followed_only_so_far() -> None:
    """A few lines that would grow beyond all memory are refused."""
    text = "a: &a0 [x]\n" + "".join(f"b{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))
    with pytest.raises(BadDocument, match="aliases"):
        _value(text)


@pytest.mark.parametrize(
    "text",
    [
        "a: b: c",
        "a: [",
        "a: *nobody",
        "\t",
        "a:\n\tb: 1",
        "a: !mine 1",
        "a: {<<: 1}",
        "{{ x }}: 1",
        "~: 1",
        "a: " + "[" * 2000,
        "a: \x00",
        'a: "\\ud83d\\ude00"',
    ],
)
def test_what_is_no_plain_yaml_is_refused(text: str) -> None:
    """Syntax, unknown aliases, foreign tags, keys that are no text, and whatever is too deep."""
    with pytest.raises(BadDocument):
        _value(text)


@pytest.mark.parametrize(
    "text", ["{", '{"a"}', '{"a": 01}', "{'a': 1}", '{"a": 1,}', "{1: 2}", "[" * 5000, '{"a": NaN}']
)
def test_what_is_no_json_is_refused(text: str) -> None:
    """The parser is as strict as JSON is."""
    with pytest.raises(BadDocument):
        parse_json(text)
