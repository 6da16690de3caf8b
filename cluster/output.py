"""Results for people and programs: columns, JSON, YAML. Pure.

Tests: tests/verbs/test_check.py
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from certs.manifests import to_yaml
from registry.printable import printable


def columns(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table as kubectl prints it: three blanks between columns, no blanks at the ends of lines.

    Cells are escaped: pods choose some of what they hold.
    """
    lines = [tuple(header), *(tuple(printable(text) or "-" for text in row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = ([text.ljust(width) for text, width in zip(line, widths, strict=True)] for line in lines)
    return "\n".join("   ".join(line).rstrip() for line in padded)


def as_json(value: Any) -> str:
    """Return a value as JSON for people to read as well."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def as_yaml(value: Any) -> str:
    """Return a value as one YAML document."""
    return to_yaml(value).removeprefix("---").strip()
