"""JSON Patch, held to the independent jsonpatch library."""

import copy
import json
from typing import Any

import jsonpatch
from hypothesis import given
from hypothesis import strategies as st

from webhook.patch import diff, is_same

_KEYS = st.sampled_from(["name", "a", "b/c", "d~e", "~1", "", "ключ"])
_SCALARS = st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "x", "y", "name"])
JSON = st.recursive(_SCALARS, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(_KEYS, inner, max_size=5))


def _apply(before: Any, operations: list[dict[str, Any]]) -> Any:
    return jsonpatch.apply_patch(copy.deepcopy(before), copy.deepcopy(operations))


@given(JSON, JSON)
def test_applying_the_difference_yields_what_came_after(before: Any, after: Any) -> None:
    """apply(before, diff(before, after)) is after, type for type."""
    result = _apply(before, diff(before, after))
    assert json.dumps(result, sort_keys=True) == json.dumps(after, sort_keys=True)


@given(JSON)
def test_equal_values_have_no_difference(value: Any) -> None:
    """The difference of a value with itself is empty."""
    assert diff(value, copy.deepcopy(value)) == []


@given(st.lists(_SCALARS, max_size=6), st.lists(st.tuples(st.integers(0, 6), _SCALARS), max_size=4))
def test_a_list_that_only_grows_is_never_replaced(before: list[Any], added: list[tuple[int, Any]]) -> None:
    """New items are added one by one, wherever they stand."""
    after = list(before)
    for index, value in added:
        after.insert(index, value)
    operations = diff(before, after)
    assert [operation["op"] for operation in operations] == ["add"] * len(added)
    assert is_same(_apply(before, operations), after)


def test_a_named_item_changes_in_place_while_others_come() -> None:
    """An item with a unique name is compared with its namesake, not with its neighbour."""
    before = {"list": [{"name": "a", "x": 1}, {"name": "b"}]}
    after = {"list": [{"name": "new"}, {"name": "a", "x": 2}, {"name": "b"}]}
    assert diff(before, after) == [
        {"op": "add", "path": "/list/0", "value": {"name": "new"}},
        {"op": "replace", "path": "/list/1/x", "value": 2},
    ]


def test_keys_are_escaped() -> None:
    """A slash in a key is ~1 and a tilde ~0 (RFC 6901)."""
    assert diff({}, {"a/b~c": 1}) == [{"op": "add", "path": "/a~1b~0c", "value": 1}]


def test_true_is_not_one() -> None:
    """JSON tells booleans from numbers, which Python does not."""
    assert diff({"a": 1}, {"a": True}) == [{"op": "replace", "path": "/a", "value": True}]
