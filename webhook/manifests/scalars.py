"""How kubectl reads unquoted YAML scalars, and which texts need no quotes.

kubectl reads YAML with the old rules, by which `yes` is a boolean and 0644 is octal; a YAML 1.2 parser
reads other values from the same text. A text is written without quotes only if every reader reads it as that text.

Tests: tests/webhook/test_scalars.py
"""

import re

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = ("y", "yes", "true", "on")
_FALSE = ("n", "no", "false", "off")
_BOOLEANS = {
    spelling: word in _TRUE for word in (*_TRUE, *_FALSE) for spelling in (word, word.capitalize(), word.upper())
}
_INTEGER = re.compile(r"([-+]?)(0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|0[0-7]*|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_SPECIAL = {
    f"{sign}.{word}": float(f"{sign}{word}") for sign, word in (("", "inf"), ("+", "inf"), ("-", "inf"), ("", "nan"))
}
_PREFIXES = {"0x": 16, "0o": 8, "0b": 2}

_WORD = re.compile(r"[A-Za-z/](?:[A-Za-z0-9_./@+:-]*[A-Za-z0-9_./@+-])?")
_AMOUNT = re.compile(r"[1-9][0-9]*(?:m|k|[KMGTPE]i)")

Scalar = str | int | float | bool | None


def read_bare(text: str) -> Scalar:
    """Return the value that kubectl reads from an unquoted scalar."""
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if text.lower() in _SPECIAL:
        return _SPECIAL[text.lower()]
    return _read_number(text)


def is_text_when_bare(text: str) -> bool:
    """Return whether every reader reads the unquoted scalar as this text."""
    return bool(_WORD.fullmatch(text) or _AMOUNT.fullmatch(text)) and text == read_bare(text)


def _read_number(text: str) -> Scalar:
    plain = text.replace("_", "") if text[0] in "+-.0123456789" else text
    integer = _INTEGER.fullmatch(plain)
    if integer:
        sign, digits = integer.groups()
        value = int(digits, _base(digits))
        return -value if sign == "-" else value
    return float(plain) if _FLOAT.fullmatch(plain) else text


def _base(digits: str) -> int:
    if digits[:2].lower() in _PREFIXES:
        return _PREFIXES[digits[:2].lower()]
    return 8 if digits.startswith("0") else 10
