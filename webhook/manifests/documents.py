"""The documents of a file, and their text after a change of the objects in them.

Tests: tests/webhook/test_documents.py
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from registry.errors import Fault
from webhook.names import DOMAIN
from webhook.patch import is_same

from .files import Outcome, members, replaced, title
from .node import BadDocument, to_value
from .splice import spliced
from .stream import Part, split_documents

_KEYS = re.compile(re.escape(DOMAIN).replace("/", r"\\?/"))
"""How our keys begin in a text: in quotes, JSON and YAML may have a backslash before a slash."""

Verb = Callable[[Any], Outcome]
"""What is done with one object; raises a Fault that refuses it."""


@dataclass(frozen=True, slots=True)
class Result:
    """One object of a document: its name for messages, and its outcome or the fault that refused it."""

    title: str
    outcome: Outcome | Fault


@dataclass(frozen=True, slots=True)
class Document:
    """A document's text after the change, and the result of each object in it."""

    text: str
    results: tuple[Result, ...]


def change_document(part: Part, verb: Verb, namespace: str = "") -> Document:
    """Change the objects of one document. Lines that no change touches stay the same, byte for byte."""
    if not _KEYS.search(part.text):
        # no object in it can ask for a model, so it need not be YAML: it may be a chart's template
        return Document(part.text, ())
    try:
        return _changed(part, verb, namespace)
    except BadDocument as fault:
        return Document(part.text, (Result("no object", fault),))


def _changed(part: Part, verb: Verb, namespace: str) -> Document:
    before = after = to_value(part.parse())
    results: list[Result] = []
    for steps, manifest in members(before):
        outcome = _outcome(manifest, verb)
        results.append(Result(title(manifest, namespace), outcome))
        if isinstance(outcome, Outcome) and outcome.manifest is not manifest:
            after = replaced(after, steps, _like_before(manifest, outcome.manifest, before, steps))
    if is_same(before, after):
        return Document(part.text, tuple(results))
    return Document(spliced(part.text, part.parser, after, is_json=part.is_json), tuple(results))


def _like_before(manifest: Any, changed: Any, before: Any, steps: tuple[str | int, ...]) -> Any:
    """Return a changed object without the kind that a list implied for it."""
    own = before
    for step in steps:
        own = own[step]
    implied = manifest.keys() - own.keys()
    return {key: value for key, value in changed.items() if key not in implied}


def _outcome(manifest: Any, verb: Verb) -> Outcome | Fault:
    try:
        return verb(manifest)
    except Fault as fault:
        return fault


def read_manifests(text: str) -> Iterator[Any]:
    """Yield the objects of a file as JSON values; raise BadDocument."""
    for part in split_documents(text):
        yield from _objects(part)


def read_objects(text: str) -> Iterator[Any]:
    """Yield the objects of a file, but none of a document that cannot be read and that none of our keys is in."""
    for part in split_documents(text):
        try:
            yield from _objects(part)
        except BadDocument:
            if _KEYS.search(part.text):
                raise


def _objects(part: Part) -> list[Any]:
    return [manifest for _, manifest in members(to_value(part.parse()))]
