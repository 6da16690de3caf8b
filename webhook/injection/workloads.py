"""Workloads: their label and annotations are copied into their pod templates."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from webhook.contract import KEYS, MODEL, STATUS
from webhook.patch import is_same
from webhook.pod.podspec import Raw, annotations, extended_mapping, labels, mapping
from webhook.values.key import Key

_TEMPLATE = ("spec", "template")
TEMPLATES: dict[str, tuple[str, ...]] = {
    "Deployment": _TEMPLATE,
    "StatefulSet": _TEMPLATE,
    "DaemonSet": _TEMPLATE,
    "Job": _TEMPLATE,
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}
"""The path of the pod template in each kind that accepts the label."""

MADE_BY_OTHERS: dict[str, tuple[str, ...]] = {
    "ReplicaSet": _TEMPLATE,
    "ReplicationController": _TEMPLATE,
    "PodTemplate": ("template",),
}
"""Kinds with pod templates to which no label is copied: mostly, a controller writes them."""

_COPIED = tuple(key for key in KEYS if key is not STATUS)


@dataclass(frozen=True, slots=True)
class Propagation:
    """A workload after its keys were copied into its template."""

    workload: Raw
    warnings: tuple[str, ...] = ()


def propagate(kind: str, workload: Raw, old: Raw | None) -> Propagation:
    """Return a copy of `workload` whose template has the workload's own keys.

    A key that the workload had before (`old`) and no longer has is removed from the template too, unless it has
    another value there. The keys of a workload without the model label are not copied.
    """
    after = copy.deepcopy(workload)
    template = template_of(after, TEMPLATES[kind])
    if template:
        for key, desired, former in _changes(workload, old):
            _reconcile(template, key, desired, former)
    if is_same(workload, after):
        return Propagation(workload)
    if kind == "Job" and old is not None:
        note = f"{MODEL.name}: the pods of a Job are settled when it is created; delete it and create it anew"
        return Propagation(workload, (note,))
    return Propagation(after)


def template_of(workload: Raw, path: tuple[str, ...]) -> Raw:
    """Return the workload's pod template, or an empty mapping."""
    for step in path:
        workload = mapping(workload, step)
    return workload


def _changes(workload: Raw, old: Raw | None) -> Iterator[tuple[Key[Any], object, object]]:
    for key in _COPIED:
        desired, former = _value(workload, key), _value(old or {}, key)
        if desired is not None or former is not None:
            yield key, desired, former


def _value(workload: Raw, key: Key[Any]) -> object:
    if labels(workload).get(MODEL.name) is None:
        return None
    held = labels(workload) if key.kind == "label" else annotations(workload)
    return held.get(key.name)


def _reconcile(template: Raw, key: Key[Any], desired: object, former: object) -> None:
    place = f"{key.kind}s"
    if desired is not None:
        extended_mapping(extended_mapping(template, "metadata"), place)[key.name] = desired
        return
    held = mapping(mapping(template, "metadata"), place)
    if held.get(key.name) == former:
        held.pop(key.name)
