"""A file of manifests: its encoding and its documents, cut so that together they are the file.

Tests: tests/webhook/test_documents.py
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from .json_text import parse_json
from .node import BadDocument, Node
from .splice import Parse
from .yaml_text import parse_yaml

# YAML forbids such a line inside of any value (spec 1.2.2, c-forbidden).
_SEPARATOR = re.compile(r"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)
_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class Part:
    """The text of one document, as it stands in the file."""

    text: str
    is_json: bool = False

    def parse(self) -> Node | None:
        """Return the document's nodes; raise BadDocument."""
        return self.parser(self.text)

    @property
    def parser(self) -> Parse:
        """What reads texts of this form."""
        return parse_json if self.is_json else parse_yaml


def decode(content: bytes, name: str) -> str:
    """Return a file's text, from UTF-8 or, by its byte order mark, UTF-16; raise BadDocument."""
    is_utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if is_utf16 else "utf-8")
    except UnicodeDecodeError as error:
        raise BadDocument(f"{name}: neither UTF-8 nor UTF-16", hint="write it in UTF-8") from error


def split_documents(text: str) -> list[Part]:
    """Cut a file into its documents: JSON values one after another, or YAML and JSON between separators."""
    mark, text = (_MARK, text[1:]) if text.startswith(_MARK) else ("", text)
    parts = list(_json_values(text)) or [_part(piece) for piece in _pieces(text)]
    first, *others = parts or [Part("")]
    # a mark that says what everybody takes for granted stays where it was, and no parser sees it
    return [Part(mark), first, *others] if mark else [first, *others]


def _pieces(text: str) -> list[str]:
    cuts = [0, *(match.start() for match in _SEPARATOR.finditer(text) if match.start()), len(text)]
    return [text[start:end] for start, end in pairwise(cuts)]


def _part(piece: str) -> Part:
    try:
        is_json = piece.lstrip().startswith("{") and not piece[parse_json(piece).end :].strip()
    except BadDocument:
        is_json = False  # a YAML mapping in braces, or invalid as YAML too
    return Part(piece, is_json)


def _json_values(text: str) -> Iterator[Part]:
    """Yield the values of a text that is nothing but JSON objects; nothing if it is not."""
    cuts = [0]
    while text[cuts[-1] :].lstrip().startswith("{"):
        try:
            cuts.append(parse_json(text, cuts[-1]).end)
        except BadDocument:
            return
    if len(cuts) > 1 and not text[cuts[-1] :].strip():
        cuts[-1] = len(text)
        yield from (Part(text[start:end], is_json=True) for start, end in pairwise(cuts))
