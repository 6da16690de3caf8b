"""One template while the workload's keys are copied to it, and copies of the webhook's are taken out.

Tests: tests/webhook/test_workloads.py
"""

from dataclasses import dataclass, field

from webhook.contract import MODEL
from webhook.pod.podspec import Raw, annotations, extended_mapping, labels, mapping
from webhook.quotes import quoted
from webhook.values.key import AnyKey

from .change import Change
from .copies import Copies
from .selector import matches
from .templates import template_of
from .written import is_applied

_HELM = "meta.helm.sh/release-name"
"""What Helm writes on the objects of a release."""


@dataclass(slots=True)
class Reconciliation:
    """A template that is changed in place, the records before it, and the record and warnings that come of it.

    `applied` is the template of the user's manifest, as far as kubectl keeps it. `record` is the workload's as it is
    asked for, `old_record` the one that it had before.
    """

    change: Change
    template: Raw
    applied: Raw
    record: Copies
    old_record: Copies
    put: dict[str, str] = field(default_factory=dict)
    replaced: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def reconcile(self, key: AnyKey) -> None:
        """Copy the workload's value of a key, or take out a copy whose origin is gone."""
        wanted, found = self.change.wanted(key), key.held(self.template)
        if wanted is not None:
            self._copy(key, wanted, found)
        elif self._was_copy(key, found):
            self._take_out(key, found)
        elif found is not None and found == self.change.was_wanted(key):
            self.warnings.append(f"{key.name} stays {quoted(found)} in the template, which has it by itself")

    def _copy(self, key: AnyKey, wanted: str, found: object) -> None:
        if self._has_lost(key, wanted, found):
            command = f"kubectl label {self.change.title} {key.name}-"
            facts = f"{key.name}: the template is without {quoted(wanted)}, which the workload has: it is put back"
            self.warnings.append(f"{facts}; to be without it: {command}")
        is_ours = self._is_copy(key, found)
        users = self._in_force.replaced.get(key.name) if is_ours else found
        if found == wanted:
            if is_ours:
                self._note(key, wanted, users)
        elif self._set(key, wanted):
            self._note(key, wanted, users)
            if found is not None and not is_ours:
                self.warnings.append(self._conflict(key, wanted, found))
        elif is_ours:
            self._note(key, str(found), users)

    def _take_out(self, key: AnyKey, found: object) -> None:
        users = self._in_force.replaced.get(key.name)
        if not self._set(key, users):
            self._note(key, str(found), users)
        elif key is MODEL and users is None and _HELM in annotations(self.change.new):
            # Helm's patch says nothing of a value that the template has already: a chart that moved it lost it.
            facts = f"{key.name} leaves the template with the workload's"
            self.warnings.append(f"{facts}; if the chart has it in its pod template now, upgrade once more")

    def _has_lost(self, key: AnyKey, wanted: str, found: object) -> bool:
        """Return whether a patch took the copy of the label out of the template, as `kubectl rollout undo` does."""
        return (
            key is MODEL
            and self.change.is_patch
            and found is None
            and wanted == self.change.was_wanted(key) == self.old_record.put.get(key.name)
            and wanted == key.held(self.change.old_template)
        )

    def _note(self, key: AnyKey, value: str, users: object) -> None:
        """Record a copy, and the user's value that it stands in the place of.

        What a manifest of the user's has is the user's own. After a server-side apply nobody can tell with which value,
        until the next one: the value in the template then stays when the workload's is taken off.
        """
        if self._is_users(key, value):
            return
        self.put[key.name] = value
        if users is not None:
            self.replaced[key.name] = str(users)

    def _is_copy(self, key: AnyKey, found: object) -> bool:
        """Return whether a value in the template is a copy of ours by the record, and no user's as well."""
        return found is not None and found == self._in_force.put.get(key.name) and not self._is_users(key, found)

    @property
    def _in_force(self) -> Copies:
        """The record that counts.

        Whoever replaces the whole object and leaves the record out wrote all that is in it. A patch that takes the
        record off leaves everything else as it was.
        """
        return self.old_record if self.change.is_patch and not self.record.put else self.record

    def _was_copy(self, key: AnyKey, found: object) -> bool:
        """Return whether a value was a copy of ours before this request.

        The record that is asked for proves nothing here: `kubectl rollout undo` brings an old template back, with the
        annotations of that time.
        """
        return self._is_copy(key, found) and found == self.old_record.put.get(key.name)

    def _is_users(self, key: AnyKey, value: object) -> bool:
        return key.held(self.applied) == value or is_applied(self.change, key)

    def _set(self, key: AnyKey, value: object) -> bool:
        """Set or remove a key, unless the selector would no longer match; return whether that is done."""
        held = labels(self.template)
        after = {name: label for name, label in held.items() if name != key.name}
        if value is not None:
            after[key.name] = value
        selector = template_of(self.change.new, (*self.change.path[:-1], "selector"))
        if key.kind == "label" and matches(selector, held) and not matches(selector, after):
            kept = quoted(held.get(key.name))
            self.warnings.append(f"{key.name} stays {kept} in the template, because the selector names it")
            return False
        if value is not None:
            extended_mapping(extended_mapping(self.template, "metadata"), f"{key.kind}s")[key.name] = value
        else:
            del mapping(mapping(self.template, "metadata"), f"{key.kind}s")[key.name]
        return True

    def _conflict(self, key: AnyKey, wanted: object, found: object) -> str:
        verb = "label" if key.kind == "label" else "annotate"
        command = f"kubectl {verb} {self.change.title} {key.name}={found} --overwrite"
        facts = f"{key.name}: the workload's {quoted(wanted)} replaces {quoted(found)} in its template"
        return f"{facts}; to have the other: {command}"
