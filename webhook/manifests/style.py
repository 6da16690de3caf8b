"""How a document is indented, as its author wrote it.

Tests: tests/webhook/test_documents.py
"""

import re
from collections.abc import Callable, Iterator

from .node import Node
from .written import Style


def style_of(root: Node, text: str, *, is_json: bool) -> Style:
    """Return how a document is written: of several ways the first."""
    if is_json:
        second_line = re.match(r"[ \t\r]*\n([ \t]*)", text[root.start + 1 :])
        return Style(is_json=True, unit=second_line[1] if second_line else None)
    column = columns(text)
    mapping = next((step for step in _offsets(root, "mapping", column) if step > 0), 2)
    dash = next((step for step in _offsets(root, "sequence", column) if step >= 0), 0)
    return Style(step=mapping, dash=dash, item=next(_dash_widths(root, column), 2))


def columns(text: str) -> Callable[[int], int]:
    """Return what gives the column of an offset."""
    return lambda offset: offset - (text.rfind("\n", 0, offset) + 1)


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in (*(value for _, value in node.pairs), *node.items):
        yield from _nodes(child)


def _offsets(root: Node, kind: str, column: Callable[[int], int]) -> Iterator[int]:
    """Yield how far blocks of a kind are indented under their keys."""
    for node in _nodes(root):
        for key, value in node.pairs:
            if value.kind == kind and not value.is_flow:
                inner = value.pairs[0][0].start if value.pairs else value.items[0].lead - 1
                yield column(inner) - column(key.start)


def _dash_widths(root: Node, column: Callable[[int], int]) -> Iterator[int]:
    """Yield how far items stand from their dashes, on the same line."""
    for node in _nodes(root):
        for item in node.items if not node.is_flow else []:
            width = column(item.start) - column(item.lead - 1)
            if item.end > item.start and width > 0:
                yield width
