"""Read and extend raw pods, where a null or a field of the wrong kind counts as absent.

Tests: tests/webhook/test_cases.py
"""

from typing import Any

Raw = dict[str, Any]


def mapping(parent: Raw, key: str) -> Raw:
    """Return the mapping at `key`, or an empty one that is not added."""
    value = parent.get(key)
    return value if isinstance(value, dict) else {}


def entries(parent: Raw, key: str) -> list[Raw]:
    """Return the mappings in the list at `key`, or none."""
    value = parent.get(key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def extended_mapping(parent: Raw, key: str) -> Raw:
    """Return the mapping at `key`; add an empty one if there is none."""
    if not isinstance(parent.get(key), dict):
        parent[key] = {}
    value: Raw = parent[key]
    return value


def extended_list(parent: Raw, key: str) -> list[Any]:
    """Return the list at `key`; add an empty one if there is none."""
    if not isinstance(parent.get(key), list):
        parent[key] = []
    value: list[Any] = parent[key]
    return value


def editable(pod: Raw) -> Raw:
    """Return a copy whose lists and mappings may be changed wherever an injection changes any; the rest is shared.

    Those are the metadata's and the spec's own fields, the items of the spec's lists, and the containers' lists. A copy
    of all of a large pod would cost its memory again.
    """
    copied = dict(pod)
    for part in ("metadata", "spec"):
        if isinstance(copied.get(part), dict):
            copied[part] = {key: _copied(value) for key, value in copied[part].items()}
    return copied


def _copied(value: Any) -> Any:
    if isinstance(value, list):
        return [_copied_item(item) for item in value]
    return dict(value) if isinstance(value, dict) else value


def _copied_item(item: Any) -> Any:
    if not isinstance(item, dict):
        return item
    return {key: list(value) if isinstance(value, list) else value for key, value in item.items()}


def labels(obj: Raw) -> Raw:
    """Return the labels of an object."""
    return mapping(mapping(obj, "metadata"), "labels")


def annotations(obj: Raw) -> Raw:
    """Return the annotations of an object."""
    return mapping(mapping(obj, "metadata"), "annotations")


def app_containers(pod: Raw) -> list[Raw]:
    """Return the containers that run the application."""
    return entries(mapping(pod, "spec"), "containers")


def init_containers(pod: Raw) -> list[Raw]:
    """Return the containers that run before it, native sidecars among them."""
    return entries(mapping(pod, "spec"), "initContainers")


def every_container(pod: Raw) -> list[Raw]:
    """Return all containers in the order of their start."""
    return init_containers(pod) + app_containers(pod)


def name_of(item: Raw) -> str:
    """Return an item's name, or an empty text."""
    name = item.get("name")
    return name if isinstance(name, str) else ""
