"""Tolerations: those that a pod needs for nodes with its accelerators, and those that it has.

Tests: tests/webhook/test_tolerations.py
"""

from dataclasses import dataclass
from typing import Literal, get_args

from webhook.pod.podspec import Raw, entries, extended_list, extended_mapping, mapping
from webhook.refusals import BadTolerations

from .accelerators import taints_of

Mode = Literal["auto", "always", "never"]
EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")

_USUAL = ("nvidia.com/gpu", "amd.com/gpu")


@dataclass(frozen=True, slots=True)
class Toleration:
    """A toleration of any value of a taint's key, or only of `value`; of any effect when `effect` is empty."""

    key: str
    value: str | None = None
    effect: str = "NoSchedule"

    @classmethod
    def parse(cls, text: str) -> "Toleration":
        """Parse `key[=value][:effect]`; raise ValueError."""
        taint, _, effect = text.partition(":")
        key, equals, value = taint.partition("=")
        if not key or (effect and effect not in EFFECTS):
            raise ValueError(f"{text!r} is no toleration: write key[=value][:effect]")
        return cls(key, value if equals else None, effect)

    @classmethod
    def from_raw(cls, raw: Raw) -> "Toleration":
        """Parse a mapping that `to_raw` returned; raise KeyError, TypeError or ValueError for any other."""
        toleration = cls(raw["key"], raw.get("value"), raw.get("effect", ""))
        if toleration.to_raw() != raw or not isinstance(toleration.key, str) or toleration.effect not in ("", *EFFECTS):
            raise ValueError(f"{raw!r} was not written by to_raw")
        return toleration

    def to_raw(self) -> Raw:
        """Return the entry for the pod's `tolerations`."""
        raw = {"key": self.key, "operator": "Exists" if self.value is None else "Equal"}
        if self.value is not None:
            raw["value"] = self.value
        return raw | ({"effect": self.effect} if self.effect else {})

    def is_covered_by(self, raw: Raw) -> bool:
        """Return whether a toleration of the pod tolerates every taint that this one does."""
        if raw.get("tolerationSeconds") is not None and self.effect in ("", "NoExecute"):
            return False
        if (raw.get("effect") or self.effect) != self.effect:
            return False
        if raw.get("operator") == "Exists":
            return (raw.get("key") or self.key) == self.key
        return raw.get("key") == self.key and self.value == (raw.get("value") or "")


def parse_mode(text: str) -> Mode:
    """Parse the annotation's value; raise BadTolerations."""
    for mode in get_args(Mode):
        if text == mode:
            found: Mode = mode
            return found
    raise BadTolerations("")


def needed(
    pod: Raw,
    mode: Mode,
    *,
    is_gpu_model: bool,
    accelerators: tuple[str, ...],
    extra: tuple[Toleration, ...],
) -> tuple[Toleration, ...]:
    """Return the tolerations that the pod lacks."""
    if mode == "never":
        return ()
    taints = taints_of(pod, accelerators)
    if mode == "auto" and taints is None and not is_gpu_model:
        return ()
    keys = [*_USUAL, *(taints or ())] if mode == "always" or not taints else taints
    wanted = dict.fromkeys([*(Toleration(key) for key in keys), *extra])
    return tuple(toleration for toleration in wanted if not _is_covered(pod, toleration))


def add_tolerations(pod: Raw, tolerations: tuple[Toleration, ...]) -> None:
    """Add the tolerations that the pod's own do not cover yet."""
    missing = [toleration.to_raw() for toleration in tolerations if not _is_covered(pod, toleration)]
    if missing:
        extended_list(extended_mapping(pod, "spec"), "tolerations").extend(missing)


def _is_covered(pod: Raw, toleration: Toleration) -> bool:
    return any(toleration.is_covered_by(raw) for raw in entries(mapping(pod, "spec"), "tolerations"))
