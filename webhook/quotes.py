"""How messages quote what users wrote: in one line, and cut to what a person takes in.

Tests: tests/webhook/test_refusals.py
"""

from collections.abc import Iterable

_LONGEST = 60
_MOST = 5


def quoted(value: object) -> str:
    """Return a value in quotes, escaped, and cut after 60 letters."""
    text = value if isinstance(value, str) else str(value)
    return repr(text) if len(text) <= _LONGEST else f"{text[:_LONGEST]!r}…"


def listed(names: Iterable[object]) -> str:
    """Return the first names of a list in quotes, and how many more there are; `none` for an empty one."""
    found = list(names)
    more = f" and {len(found) - _MOST} more" if len(found) > _MOST else ""
    return (", ".join(quoted(name) for name in found[:_MOST]) or "none") + more
