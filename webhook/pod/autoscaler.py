"""The cluster autoscaler's annotation: a node with a pod that has local data stays, unless its volume is listed.

Tests: tests/webhook/test_cases.py
"""

from webhook.names import MODEL_VOLUME

from .podspec import Raw, annotations, extended_mapping

_KEY = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes"


def allow_eviction(pod: Raw) -> None:
    """Append our volume to the list of volumes that keep no node, unless it is there."""
    listed = _volumes(annotations(pod))
    if MODEL_VOLUME not in listed:
        held = extended_mapping(extended_mapping(pod, "metadata"), "annotations")
        held[_KEY] = ",".join((*listed, MODEL_VOLUME))


def lists_our_volume(pod: Raw) -> bool:
    """Return whether our volume is in the list."""
    return MODEL_VOLUME in _volumes(annotations(pod))


def without_our_volume(held: Raw) -> None:
    """Remove our volume from the list; remove the annotation if nothing else is in it."""
    kept = [name for name in _volumes(held) if name != MODEL_VOLUME]
    if kept:
        held[_KEY] = ",".join(kept)
    else:
        held.pop(_KEY, None)


def _volumes(held: Raw) -> list[str]:
    text = held.get(_KEY)
    return [name.strip() for name in text.split(",") if name.strip()] if isinstance(text, str) else []
