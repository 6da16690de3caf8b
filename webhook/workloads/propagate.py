"""The story of one workload: its keys go to its template, and ours alone leave it again.

Tests: tests/webhook/test_workloads.py
"""

from dataclasses import dataclass

from webhook.contract import MODEL
from webhook.patch import is_same
from webhook.pod.podspec import Raw, mapping

from .change import Change
from .copies import COPIED_KEYS, Copies
from .reconcile import Reconciliation
from .templates import Path, template_of
from .written import applied_template


@dataclass(frozen=True, slots=True)
class Propagation:
    """A workload after its keys were copied to its template."""

    workload: Raw
    warnings: tuple[str, ...] = ()


def propagate(change: Change) -> Propagation:
    """Return a copy of the workload whose template has the workload's own keys, and the record of what was copied.

    1. Leave alone what is being deleted, and what has no template.
    2. For each key of ours: copy the workload's value; or, where it has none, take out a copy that is recorded and
       unchanged, and restore what the copy had replaced.
    3. Record the copies that are there now.
    4. A Job that may have started keeps its template; the user is told.

    Without a record nothing in the template counts as a copy, so what a user wrote there stays. Whenever a copy
    replaces another value of the template, or a selector forbids the change, a warning says so.
    """
    # 1.
    if change.is_being_deleted or not change.template:
        return Propagation(change.new)
    # 2.
    after = _editable(change.new, change.path)
    work = Reconciliation(
        change=change,
        template=template_of(after, change.path),
        applied=applied_template(change),
        record=Copies.read(change.new),
        old_record=Copies.read(change.old or {}),
    )
    for key in COPIED_KEYS:
        work.reconcile(key)
    # 3.
    Copies(work.put, work.replaced).write(after)
    # 4.
    if change.is_pinned_job:
        return Propagation(change.new, _told_of_the_job(change, after))
    if is_same(change.new, after):
        return Propagation(change.new, tuple(work.warnings))
    return Propagation(after, (*work.warnings, *_told_of_deletion(change, after)))


def _editable(workload: Raw, path: Path) -> Raw:
    """Return a copy in which the metadata of workload and template may be changed; the rest is shared."""
    after = _with_own_metadata(workload)
    parent = after
    for step in path[:-1]:
        parent[step] = dict(parent[step])
        parent = parent[step]
    parent[path[-1]] = _with_own_metadata(parent[path[-1]])
    return after


def _with_own_metadata(obj: Raw) -> Raw:
    metadata = obj.get("metadata")
    if not isinstance(metadata, dict):
        return dict(obj)
    return obj | {"metadata": {key: dict(held) if isinstance(held, dict) else held for key, held in metadata.items()}}


def _told_of_the_job(change: Change, after: Raw) -> tuple[str, ...]:
    is_asked = any(change.wanted(key) != change.was_wanted(key) for key in COPIED_KEYS)
    if not is_asked or is_same(change.template, template_of(after, change.path)):
        return ()
    return (f"{MODEL.name}: a Job's pods are decided when it is created; delete it and create it anew",)


def _told_of_deletion(change: Change, after: Raw) -> tuple[str, ...]:
    strategy = mapping(mapping(change.new, "spec"), "updateStrategy").get("type")
    is_unseen = change.old is None or is_same(change.template, template_of(after, change.path))
    if strategy != "OnDelete" or is_unseen:
        return ()
    return (f"{MODEL.name}: pods stay as they are until they are deleted (updateStrategy OnDelete)",)
