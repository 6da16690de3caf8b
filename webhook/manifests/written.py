"""JSON values as text: YAML in blocks, YAML in one line, JSON.

Tests: tests/webhook/test_documents.py
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .scalars import is_text_when_bare


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How a document is indented: a mapping in a mapping, a list's dash in a mapping, what follows the dash."""

    step: int = 2
    dash: int = 0
    item: int = 2
    is_json: bool = False
    unit: str | None = None
    """The indentation of JSON on several lines."""

    def block(self, value: Any, indent: int) -> Iterator[str]:
        """Yield the lines of a container that is not empty, indented."""
        if isinstance(value, dict):
            for key, item in value.items():
                yield from self._entry(" " * indent + scalar(key) + ":", item, indent)
        else:
            for item in value:
                yield from self.item_lines(item, indent)

    def item_lines(self, value: Any, indent: int) -> Iterator[str]:
        """Yield the lines of one item of a list, its dash at `indent`."""
        dash = " " * indent + "-" + " " * (self.item - 1)
        if not _is_filled(value):
            yield dash + self.line(value)
            return
        first, *others = self.block(value, indent + self.item)
        yield dash + first[indent + self.item :]
        yield from others

    def inner_indent(self, value: Any, indent: int) -> int:
        """Return the indentation of a value below a key at `indent`."""
        return indent + (self.step if isinstance(value, dict) else self.dash)

    def line(self, value: Any) -> str:
        """Return a value in one line."""
        if self.is_json:
            return json.dumps(value, ensure_ascii=False)
        if isinstance(value, dict):
            return "{" + ", ".join(f"{scalar(key)}: {self.line(item)}" for key, item in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(map(self.line, value)) + "]"
        return scalar(value)

    def lines(self, value: Any, indent: str) -> str:
        """Return a value in brackets; JSON on several lines where the document is, those after the first indented."""
        if not self.is_json:
            return self.line(value)
        return json.dumps(value, ensure_ascii=False, indent=self.unit).replace("\n", f"\n{indent}")

    def key(self, key: str) -> str:
        """Return a key with its colon."""
        return (json.dumps(key, ensure_ascii=False) if self.is_json else scalar(key)) + ": "

    def _entry(self, start: str, value: Any, indent: int) -> Iterator[str]:
        if _is_filled(value):
            yield start
            yield from self.block(value, self.inner_indent(value, indent))
        else:
            yield f"{start} {self.line(value)}"


def scalar(value: Any) -> str:
    """Return a scalar in YAML, with quotes where some reader would need them."""
    if not isinstance(value, str):
        return json.dumps(value)
    if is_text_when_bare(value):
        return value
    # JSON in an annotation stays readable; text that single quotes cannot hold gets double ones
    if '"' in value and "'" not in value and value.isprintable():
        return f"'{value}'"
    return '"' + "".join(map(_escaped, value)) + '"'


def _escaped(letter: str) -> str:
    if letter in '"\\':
        return "\\" + letter
    if letter.isprintable():
        return letter
    if letter in "\n\t\r":
        return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}[letter]
    return f"\\u{ord(letter):04x}" if ord(letter) < 1 << 16 else f"\\U{ord(letter):08x}"


def _is_filled(value: Any) -> bool:
    return isinstance(value, dict | list) and bool(value)
