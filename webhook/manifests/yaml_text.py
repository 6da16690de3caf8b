"""YAML text to nodes, by the events of ruamel's parser and by kubectl's reading of scalars.

Tests: tests/webhook/test_documents.py
"""

from collections.abc import Iterator
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
)

from .node import MERGE, BadDocument, Node
from .scalars import Scalar, read_bare

_TAGS = "tag:yaml.org,2002:"
_BARE_TAGS = ("int", "float", "bool", "null")
_TABS = 200


def parse_yaml(text: str) -> Node | None:
    """Parse one document, None for an empty one; raise BadDocument with the place."""
    for _ in range(_TABS):
        try:
            return _Builder(text).document(YAML(typ="safe", pure=True).parse(text))
        except MarkedYAMLError as error:
            spaced = _without_tab(text, error)
            if spaced is None:
                raise BadDocument(_place(error)) from error
            text = spaced
        except (YAMLError, RecursionError, ValueError) as error:
            raise BadDocument("it is no YAML, or nested too deeply") from error
    raise BadDocument("it has too many tabs")


def _place(error: MarkedYAMLError) -> str:
    mark = error.problem_mark
    where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    return f"it is no YAML{where}: {error.problem or 'it ends too early'}"


def _without_tab(text: str, error: MarkedYAMLError) -> str | None:
    """Return the text with a space for the tab at which the parser stopped; None if there is none, or it indents.

    YAML and kubectl take tabs between tokens, and this parser does not.
    """
    mark = error.problem_mark
    if mark is None or text[mark.index : mark.index + 1] != "\t":
        return None
    line_start = text.rfind("\n", 0, mark.index) + 1
    if not text[line_start : mark.index].strip():
        return None
    return f"{text[: mark.index]} {text[mark.index + 1 :]}"


class _Builder:
    """The nodes of one text. `anchors` are those that were seen so far."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._anchors: dict[str, Node] = {}
        self._brackets = 0

    def document(self, events: Iterator[Any]) -> Node | None:
        for event in events:
            if isinstance(event, DocumentStartEvent):
                return self._node(next(events), events, event.end_mark.index)
        return None

    def _node(self, event: Any, events: Iterator[Any], lead: int) -> Node:
        start, end, in_flow = event.start_mark.index, event.end_mark.index, self._brackets > 0
        if isinstance(event, AliasEvent):
            if event.anchor not in self._anchors:
                raise BadDocument(f"the alias *{event.anchor} refers to nothing")
            target = self._anchors[event.anchor]
            return Node(kind="alias", start=start, end=end, lead=lead, in_flow=in_flow, target=target)
        if isinstance(event, ScalarEvent):
            # a value that is not there would be placed at what follows, beyond comments
            start, end = (lead, lead) if start == end else (start, self._scalar_end(event))
            node = Node(kind="scalar", start=start, end=end, lead=lead, scalar=_scalar(event))
            node.is_merge = event.style is None and event.value == MERGE
        else:
            self._brackets += bool(event.flow_style)
            node = (self._mapping if isinstance(event, MappingStartEvent) else self._sequence)(event, events, lead)
            self._brackets -= bool(event.flow_style)
        node.in_flow = in_flow
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _scalar_end(self, event: ScalarEvent) -> int:
        """Return where a scalar ends, without the blank lines that belong to no value."""
        end: int = event.end_mark.index
        if event.style in ("|", ">"):
            keeps = "+" in self._text[event.start_mark.index : end].partition("\n")[0]
            return end if keeps else len(self._text[:end].rstrip())
        return end

    def _mapping(self, event: Any, events: Iterator[Any], lead: int) -> Node:
        node = Node(kind="mapping", start=event.start_mark.index, end=event.end_mark.index, lead=lead)
        node.is_flow = bool(event.flow_style)
        while not isinstance(following := next(events), MappingEndEvent):
            key = self._node(following, events, node.end)
            value = self._node(next(events), events, self._after(":", key.end))
            node.pairs.append((key, value))
            node.end = max(value.end, value.lead)
        if node.is_flow:
            node.end = following.end_mark.index
        return node

    def _sequence(self, event: Any, events: Iterator[Any], lead: int) -> Node:
        node = Node(kind="sequence", start=event.start_mark.index, end=event.start_mark.index, lead=lead)
        node.is_flow = bool(event.flow_style)
        while not isinstance(following := next(events), SequenceEndEvent):
            lead = node.end if node.is_flow else self._after_dash(following.start_mark.index, node.end)
            item = self._node(following, events, lead)
            node.items.append(item)
            node.end = max(item.end, item.lead)
        if node.is_flow:
            node.end = following.end_mark.index
        return node

    def _after_dash(self, start: int, end_before: int) -> int:
        """Return the offset after the dash of the item that starts at `start`, or is empty."""
        lead = len(self._text[:start].rstrip(" \n\r\t"))
        return lead if lead > end_before and self._text[lead - 1] == "-" else self._after("-", end_before)

    def _after(self, indicator: str, offset: int) -> int:
        """Return the offset after the next indicator, past comments."""
        while offset < len(self._text):
            if self._text[offset] == "#":
                offset = self._text.find("\n", offset)
                if offset < 0:
                    break
            elif self._text[offset] == indicator:
                return offset + 1
            offset += 1
        return len(self._text)


def _scalar(event: ScalarEvent) -> Scalar:
    tag = str(event.tag or "")
    if tag in ("", "!"):
        is_bare = event.style is None and tag == ""
        return read_bare(event.value) if is_bare else _text(event.value)
    kind = tag.removeprefix(_TAGS)
    if kind == "str":
        return _text(event.value)
    if kind in _BARE_TAGS:
        return read_bare(event.value)
    raise BadDocument(f"it has the tag {tag}, which kubectl does not read")


def _text(text: str) -> str:
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise BadDocument("it has half a letter: YAML writes those beyond \\uffff as \\U and eight digits")
    return text
