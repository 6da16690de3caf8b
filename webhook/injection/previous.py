"""A pod without what an earlier injection added to it, so that a plan is made of the pod's own parts alone.

The record says what was added; only what is there just as the record says is taken out. A record proves nothing: who
forges one takes parts of their own out of the planning, and changes nothing about the plan's.

Tests: tests/webhook/test_second_pass.py
"""

from collections.abc import Callable
from dataclasses import dataclass

from webhook.names import VOLUMES, is_our_container
from webhook.pod.podspec import Raw, annotations, editable, entries, every_container, init_containers, mapping, name_of
from webhook.pod.scheduling.affinity import without_preferences
from webhook.pod.scheduling.autoscaler import without_volumes

from .containers import place_of_arguments
from .status import Status, Target


@dataclass(frozen=True, slots=True)
class Earlier:
    """A pod as it came, and what an earlier injection left in it: `bare` is the pod without that."""

    pod: Raw
    bare: Raw
    record: Status | None

    @classmethod
    def read(cls, pod: Raw, record: Status | None) -> "Earlier":
        """Return the pod beside a copy without the earlier injection."""
        return cls(pod, without_injection(pod, record), record)

    @property
    def pullers(self) -> list[Raw]:
        """The init containers of our names, in the pod's order."""
        return previous_pullers(self.pod)


def previous_pullers(pod: Raw) -> list[Raw]:
    """Return the init containers of our names, in the pod's order."""
    return [one for one in init_containers(pod) if is_our_container(name_of(one))]


def is_injected(pod: Raw) -> bool:
    """Return whether the pod has parts of our names."""
    volumes = entries(mapping(pod, "spec"), "volumes")
    return bool(previous_pullers(pod)) or any(name_of(volume) in VOLUMES for volume in volumes)


def without_injection(pod: Raw, record: Status | None) -> Raw:
    """Return a copy of the pod without the parts of our names, and without all else that the record lists."""
    bare = editable(pod)
    spec = mapping(bare, "spec")
    _drop(spec, "initContainers", lambda item: is_our_container(name_of(item)))
    _drop(spec, "volumes", lambda item: name_of(item) in VOLUMES)
    if record is not None:
        _drop_listed(bare, spec, record)
    return bare


def _drop_listed(bare: Raw, spec: Raw, record: Status) -> None:
    tolerations = [toleration.to_raw() for toleration in record.tolerations]
    _drop(spec, "tolerations", tolerations.__contains__)
    secrets = frozenset(record.image_secrets)
    _drop(spec, "imagePullSecrets", lambda item: name_of(item) in secrets)
    context = mapping(spec, "securityContext")
    if record.fs_group is not None and context.get("fsGroup") == record.fs_group:
        for key in ("fsGroup", "fsGroupChangePolicy"):
            context.pop(key, None)
        if not context:
            spec.pop("securityContext")
    without_preferences(spec, record.model, record.preferences)
    if record.evictable:
        without_volumes(annotations(bare), record.evictable)
    targets = {target.name: target for target in record.targets}
    for container in every_container(bare):
        if name_of(container) in targets:
            _unwire(container, targets[name_of(container)])


def _unwire(container: Raw, target: Target) -> None:
    _drop(container, "volumeMounts", lambda item: name_of(item) in VOLUMES)
    variables = dict(target.environment)
    _drop(container, "env", lambda item: item == {"name": name_of(item), "value": variables.get(name_of(item))})
    start = place_of_arguments(container, target)
    if start is not None:
        arguments = container["args"]
        container["args"] = arguments[:start] + arguments[start + len(target.arguments) :]
        if not container["args"]:
            container.pop("args")


def _drop(parent: Raw, key: str, is_ours: Callable[[Raw], bool]) -> None:
    """Drop our entries of a list; drop the list if nothing else was in it."""
    found = parent.get(key)
    if not isinstance(found, list):
        return
    kept = [item for item in found if not (isinstance(item, dict) and is_ours(item))]
    if len(kept) == len(found):
        return
    if kept:
        parent[key] = kept
    else:
        parent.pop(key)
