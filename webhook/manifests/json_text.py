"""JSON text to nodes.

Tests: tests/webhook/test_documents.py
"""

import json
import re

from .node import BadDocument, Node

_SPACE = re.compile(r"[ \t\r\n]*")
_SCALAR = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|true|false|null')


def parse_json(text: str, offset: int = 0) -> Node:
    """Parse the value at an offset; raise BadDocument with the place. What follows it is not read."""
    try:
        return _Parser(text).value(offset)
    except RecursionError as error:
        raise BadDocument("nested too deeply") from error


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text

    def value(self, offset: int) -> Node:
        start = self._skip(offset)
        opening = self._text[start : start + 1]
        if opening in ("{", "["):
            return self._container(start, offset, "}" if opening == "{" else "]")
        found = _SCALAR.match(self._text, start)
        if not found:
            raise self._wrong(start)
        try:
            scalar = json.loads(found[0])
        except ValueError as error:
            raise self._wrong(start) from error
        return Node(kind="scalar", start=start, end=found.end(), lead=offset, scalar=scalar)

    def _container(self, start: int, lead: int, closing: str) -> Node:
        node = Node(kind="mapping" if closing == "}" else "sequence", start=start, end=start + 1, lead=lead)
        while True:
            offset = self._skip(node.end)
            if self._text[offset : offset + 1] == closing and not (node.pairs or node.items):
                break
            self._member(node, offset)
            offset = self._skip(node.end)
            if self._text[offset : offset + 1] == closing:
                break
            node.end = self._expect(",", offset)
        node.end = offset + 1
        return node

    def _member(self, node: Node, offset: int) -> None:
        member = self.value(offset)
        if node.kind == "sequence":
            node.items.append(member)
        else:
            if not isinstance(member.scalar, str):
                raise self._wrong(offset)
            key, member = member, self.value(self._expect(":", self._skip(member.end)))
            node.pairs.append((key, member))
        node.end = member.end

    def _skip(self, offset: int) -> int:
        found = _SPACE.match(self._text, offset)
        return found.end() if found else offset

    def _expect(self, letter: str, offset: int) -> int:
        if self._text[offset : offset + 1] != letter:
            raise self._wrong(offset)
        return offset + 1

    def _wrong(self, offset: int) -> BadDocument:
        line, column = self._text.count("\n", 0, offset) + 1, offset - self._text.rfind("\n", 0, offset)
        return BadDocument(f"it is no JSON in line {line}, column {column}")
