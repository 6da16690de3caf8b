"""One request of the API server about a workload.

Tests: tests/webhook/test_workloads.py
"""

from dataclasses import dataclass
from typing import Any

from webhook.contract import MODEL
from webhook.pod.podspec import Raw, labels, mapping
from webhook.values.key import AnyKey

from .templates import TEMPLATES, Path, template_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A workload as it is asked for. `old` is None at its creation."""

    kind: str
    new: Raw
    old: Raw | None = None
    is_patch: bool = False
    """Whether the user sent a part of the object, and everything else in it is what the API server had."""

    @property
    def path(self) -> Path:
        """Where this kind has its pod template."""
        return TEMPLATES[self.kind]

    @property
    def template(self) -> Raw:
        """The pod template as it is asked for."""
        return template_of(self.new, self.path)

    @property
    def old_template(self) -> Raw:
        """The pod template before; empty at the workload's creation."""
        return template_of(self.old or {}, self.path)

    @property
    def title(self) -> str:
        """The workload for a command line: `deployment vllm -n team`."""
        metadata = mapping(self.new, "metadata")
        namespace = metadata.get("namespace")
        name = metadata.get("name") or "NAME"
        return f"{self.kind.lower()} {name}" + (f" -n {namespace}" if namespace else "")

    def wanted(self, key: AnyKey) -> Any:
        """Return the workload's own value of a key; None without the model label, which the others go with."""
        return _own_value(self.new, key)

    def was_wanted(self, key: AnyKey) -> object:
        """Return the value of a key that the workload had before."""
        return _own_value(self.old or {}, key)

    @property
    def is_being_deleted(self) -> bool:
        """Whether only finalizers keep the workload."""
        return mapping(self.new, "metadata").get("deletionTimestamp") is not None

    @property
    def is_pinned_job(self) -> bool:
        """Whether the workload is a Job whose template cannot change: one that started, or may start any time."""
        if self.kind != "Job" or self.old is None:
            return False
        is_suspended = mapping(self.old, "spec").get("suspend") is True
        return not is_suspended or mapping(self.old, "status").get("startTime") is not None


def _own_value(workload: Raw, key: AnyKey) -> object:
    return key.held(workload) if labels(workload).get(MODEL.name) is not None else None
