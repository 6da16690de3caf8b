"""The record of what the webhook copied to a template, which stands on the workload.

Tests: tests/webhook/test_workloads.py
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from webhook.contract import COPIED, KEYS, STATUS
from webhook.pod.podspec import Raw, annotations, extended_mapping, mapping

COPIED_KEYS = tuple(key for key in KEYS if key not in (STATUS, COPIED))
"""What is copied from a workload to its template."""

_NAMES = frozenset(key.name for key in COPIED_KEYS)


@dataclass(frozen=True, slots=True)
class Copies:
    """The keys in a template that are copies of the webhook's, with their values, and what users had there before.

    Law: Copies.read(workload) == copies after copies.write(workload).
    """

    put: Mapping[str, str] = field(default_factory=dict)
    replaced: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, workload: Raw) -> "Copies":
        """Return the record on a workload; one that the webhook did not write records nothing."""
        text = annotations(workload).get(COPIED.name)
        try:
            record = json.loads(text) if isinstance(text, str) else {}
        except (ValueError, RecursionError):
            return cls()
        if not isinstance(record, dict):
            return cls()
        return cls(_texts(mapping(record, "put")), _texts(mapping(record, "replaced")))

    def write(self, workload: Raw) -> None:
        """Write the record to a workload's annotations, or remove it if there is nothing to record."""
        held = annotations(workload)
        if self.put:
            record = {"put": dict(self.put)} | ({"replaced": dict(self.replaced)} if self.replaced else {})
            text = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            extended_mapping(extended_mapping(workload, "metadata"), "annotations")[COPIED.name] = text
        elif COPIED.name in held:
            del held[COPIED.name]


def _texts(record: Raw) -> dict[str, str]:
    return {name: value for name, value in record.items() if name in _NAMES and isinstance(value, str)}
