"""Take out of a manifest what `inject` put in.

Tests: tests/webhook/test_uninject.py
"""

import copy
from typing import Any

from webhook.contract import STATUS
from webhook.injection.previous import is_injected, without_injection
from webhook.injection.record import read_status
from webhook.patch import is_same
from webhook.pod.podspec import Raw, annotations, mapping
from webhook.workloads.copies import COPIED_KEYS, Copies
from webhook.workloads.templates import TEMPLATES, find_templates, template_of

from .files import Outcome, is_followed, replaced


def uninject_manifest(manifest: Any) -> Outcome:
    """Return an object without puller, volumes, variables, copies and records, as its author wrote it.

    What the records list and stands unchanged is taken out; the author's own label stays. Law: what `inject` makes of a
    manifest becomes that manifest again.
    """
    if not isinstance(manifest, dict):
        return Outcome(manifest, "left alone")
    after = manifest
    for steps, template in list(find_templates(manifest)):
        record = read_status(template)
        if record is not None or is_injected(template):
            bare = without_injection(template, record)
            _drop_annotation(bare, STATUS.name)
            after = replaced(after, steps, bare)
    if is_followed(manifest):
        after = _without_copies(after)
    if is_same(manifest, after):
        return Outcome(manifest, "left alone")
    return Outcome(after, "taken out what was injected")


def _without_copies(workload: Raw) -> Raw:
    copies = Copies.read(workload)
    if not copies.put:
        return workload
    after = copy.deepcopy(workload)
    template = template_of(after, TEMPLATES[after["kind"]])
    for key in COPIED_KEYS:
        if key.held(template) is None or key.held(template) != copies.put.get(key.name):
            continue
        metadata = mapping(template, "metadata")
        if key.name in copies.replaced:
            mapping(metadata, f"{key.kind}s")[key.name] = copies.replaced[key.name]
        else:
            _drop(template, f"{key.kind}s", key.name)
    Copies().write(after)
    _prune(after, "annotations")
    return after


def _drop_annotation(obj: Raw, name: str) -> None:
    if name in annotations(obj):
        _drop(obj, "annotations", name)


def _drop(obj: Raw, place: str, name: str) -> None:
    mapping(mapping(obj, "metadata"), place).pop(name)
    _prune(obj, place)


def _prune(obj: Raw, place: str) -> None:
    """Remove a mapping of an object's metadata, and the metadata, if nothing is left in them."""
    metadata = mapping(obj, "metadata")
    if metadata.get(place) == {}:
        del metadata[place]
    if obj.get("metadata") == {}:
        del obj["metadata"]
