"""Files of manifests: their documents, and the documents' text after injection."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from jsonpatch import JsonPatch

from registry.errors import Fault
from webhook.catalog import Catalog
from webhook.contract import DOMAIN
from webhook.patch import Operation
from webhook.settings import Settings

from .files import Outcome, admit_manifest, members, title
from .roundtrip import BadDocument, dump, expanded, load, to_tree, to_values

# YAML forbids such a line inside of any value (spec 1.2.2, c-forbidden).
_SEPARATOR = re.compile(r"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)
# The separator, unless a value begins on its line, and the blank lines and comments before the first value.
_HEAD = re.compile(r"(?:---[ \t]*(?:#[^\r\n]*)?(?:\r?\n|\Z))?(?:[ \t]*(?:#[^\r\n]*)?\r?\n)*")
# A block of text that keeps the blank lines after it.
_KEEPS_BLANKS = re.compile(r"[|>][1-9]?\+")


@dataclass(frozen=True, slots=True)
class Result:
    """One object of a document: its name for messages, and its outcome or the fault that refused it."""

    title: str
    outcome: Outcome | Fault


@dataclass(frozen=True, slots=True)
class Document:
    """A document's text after injection, and the result of each object in it."""

    text: str
    results: tuple[Result, ...]


def split_documents(text: str) -> list[str]:
    """Split a stream before each separator; the joined parts are the stream."""
    cuts = [0, *(match.start() for match in _SEPARATOR.finditer(text) if match.start()), len(text)]
    return [text[start:end] for start, end in pairwise(cuts)]


def inject_document(text: str, catalog: Catalog, settings: Settings, namespace: str = "") -> Document:
    """Inject one document. Unchanged parts stay the same, byte for byte."""
    if DOMAIN not in text:
        # no object in it can ask for a model, so it need not be YAML: it may be a chart's template
        return Document(text, ())
    try:
        editor = _editor(text)
    except BadDocument as fault:
        return Document(text, (Result("no object", fault),))
    results: list[Result] = []
    operations: list[Operation] = []
    for pointer, manifest in members(editor.values):
        outcome = _outcome(manifest, catalog, settings)
        results.append(Result(title(manifest, namespace), outcome))
        if isinstance(outcome, Outcome):
            operations += [each | {"path": pointer + each["path"]} for each in outcome.operations]
    return Document(editor.changed(operations) if operations else text, tuple(results))


def _outcome(manifest: Any, catalog: Catalog, settings: Settings) -> Outcome | Fault:
    try:
        return admit_manifest(manifest, catalog, settings)
    except Fault as fault:
        return fault


@dataclass(frozen=True, slots=True)
class _JsonEditor:
    values: Any
    text: str

    def changed(self, operations: list[Operation]) -> str:
        body = self.text.strip()
        second_line = re.match(r"[\[{]\r?\n([ \t]+)", body)
        after = JsonPatch(operations).apply(self.values)
        written = json.dumps(after, indent=second_line.group(1) if second_line else None, ensure_ascii=False)
        return self.text.replace(body, written)


@dataclass(frozen=True, slots=True)
class _YamlEditor:
    values: Any
    tree: Any
    head: str
    tail: str
    line_break: str

    def changed(self, operations: list[Operation]) -> str:
        parts = [each | ({"value": to_tree(each["value"])} if "value" in each else {}) for each in operations]
        written = dump(JsonPatch(parts).apply(self.tree, in_place=True))
        return self.head + written.replace("\n", self.line_break) + self.tail


def _editor(text: str) -> _JsonEditor | _YamlEditor:
    if text.lstrip().startswith("{"):
        try:
            return _JsonEditor(json.loads(text), text)
        except (ValueError, RecursionError):
            pass  # a YAML mapping in braces, or invalid as YAML too
    line_break = "\r\n" if "\r\n" in text else "\n"
    match = _HEAD.match(text)
    head = match.group() if match else ""
    body, tail = _without_tail(text.removeprefix(head))
    if body.startswith("---"):
        # a value on the separator's line moves to a line of its own
        head, body = f"---{line_break}", body.removeprefix("---")
    tree = expanded(load(body))
    return _YamlEditor(values=to_values(tree), tree=tree, head=head, tail=tail, line_break=line_break)


def _without_tail(body: str) -> tuple[str, str]:
    """Split off the blank lines and unindented comments after the last value: new parts go before them."""
    if _KEEPS_BLANKS.search(body):
        return body, ""
    lines = body.split("\n")
    last = len(lines)
    while last and (not lines[last - 1].strip() or lines[last - 1].startswith("#")):
        last -= 1
    if last == len(lines):
        return body, ""
    return "".join(f"{line}\n" for line in lines[:last]), "\n".join(lines[last:])


def read_manifests(text: str) -> Iterator[Any]:
    """Yield the objects of a stream as JSON values; raise BadDocument."""
    for part in split_documents(text):
        yield from (manifest for _, manifest in members(_editor(part).values))
