"""JSON Patch (RFC 6902) between two JSON values; knows nothing of pods."""

from collections.abc import Iterator
from typing import Any

Operation = dict[str, Any]


def diff(before: Any, after: Any, path: str = "") -> list[Operation]:
    """Return the operations from `before` to `after`: `add`, `replace` and `remove` only.

    Mappings are compared key by key. A list whose items are all still there, in their order, gets `add`
    operations for the new ones, so that items that other webhooks add in the meantime survive; any other change
    replaces the list. Items with names that are unique in both lists may also change in place.
    """
    if is_same(before, after):
        return []
    if isinstance(before, dict) and isinstance(after, dict):
        return list(_diff_mappings(before, after, path))
    if isinstance(before, list) and isinstance(after, list):
        kept = _kept(before, after)
        if kept is not None:
            return list(_diff_lists(before, after, kept, path))
    return [{"op": "replace", "path": path, "value": after}]


def is_same(one: Any, other: Any) -> bool:
    """Return whether two values are equal in JSON, where true is not 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    return type(one) is type(other) and bool(one == other)


def _diff_mappings(before: dict[str, Any], after: dict[str, Any], path: str) -> Iterator[Operation]:
    for key in before:
        if key not in after:
            yield {"op": "remove", "path": _below(path, key)}
    for key, value in after.items():
        if key in before:
            yield from diff(before[key], value, _below(path, key))
        else:
            yield {"op": "add", "path": _below(path, key), "value": value}


def _diff_lists(before: list[Any], after: list[Any], kept: list[int], path: str) -> Iterator[Operation]:
    # From the front, each index already includes the items that were added before it.
    olds = dict(zip(kept, before, strict=True))
    for index, value in enumerate(after):
        if index in olds:
            yield from diff(olds[index], value, f"{path}/{index}")
        else:
            yield {"op": "add", "path": f"{path}/{index}", "value": value}


def _kept(before: list[Any], after: list[Any]) -> list[int] | None:
    """Return the index in `after` of each item of `before`; None if one is gone or the order changed."""
    olds, news = _unique_names(before), _unique_names(after)
    if olds is not None and news is not None:
        return _positions(olds, news)
    return _positions(before, after)


def _positions(before: list[Any], after: list[Any]) -> list[int] | None:
    found: list[int] = []
    for index, value in enumerate(after):
        if len(found) < len(before) and is_same(before[len(found)], value):
            found.append(index)
    return found if len(found) == len(before) else None


def _unique_names(items: list[Any]) -> list[str] | None:
    names = [item.get("name") if isinstance(item, dict) else None for item in items]
    texts = [name for name in names if isinstance(name, str)]
    return texts if len(texts) == len(items) and len(set(texts)) == len(texts) else None


def _below(path: str, key: str) -> str:
    return f"{path}/{key.replace('~', '~0').replace('/', '~1')}"
