"""The cluster autoscaler's annotation: a node with a pod that has local data stays, unless its volume is listed.

Tests: tests/webhook/test_cases.py
"""

from collections.abc import Iterable

from webhook.pod.podspec import Raw, annotations, extended_mapping

_KEY = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes"


def unlisted(pod: Raw, volumes: Iterable[str]) -> tuple[str, ...]:
    """Return those volumes of ours that are not in the pod's list yet."""
    listed = _volumes(annotations(pod))
    return tuple(name for name in volumes if name not in listed)


def allow_eviction(pod: Raw, volumes: Iterable[str]) -> None:
    """Append volumes of ours to the list of those that keep no node, unless they are there."""
    missing = unlisted(pod, volumes)
    if missing:
        held = extended_mapping(extended_mapping(pod, "metadata"), "annotations")
        held[_KEY] = ",".join((*_volumes(held), *missing))


def without_volumes(held: Raw, volumes: Iterable[str]) -> None:
    """Remove volumes from the list; remove the annotation if nothing else is in it."""
    ours = frozenset(volumes)
    kept = [name for name in _volumes(held) if name not in ours]
    if kept:
        held[_KEY] = ",".join(kept)
    else:
        held.pop(_KEY, None)


def _volumes(held: Raw) -> list[str]:
    text = held.get(_KEY)
    return [name.strip() for name in text.split(",") if name.strip()] if isinstance(text, str) else []
