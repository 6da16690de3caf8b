"""The values of a record that anybody may have written. Every check raises ValueError.

Tests: tests/webhook/test_second_pass.py
"""

from typing import TypeVar

T = TypeVar("T")


def positive(value: object) -> int | None:
    """Return a number above zero as it is, or None."""
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        raise ValueError
    return value


def texts(values: object) -> tuple[str, ...]:
    """Return a list of texts as it is."""
    if not isinstance(values, list):
        raise ValueError  # noqa: TRY004 - the record is invalid, whatever is wrong with it
    return tuple(map(text, values))


def text(value: object) -> str:
    """Return a text as it is."""
    if not isinstance(value, str):
        raise ValueError  # noqa: TRY004 - as above
    return value


def one_of(values: tuple[T, ...], value: object) -> T:
    """Return the value that is one of `values`, and of its type."""
    for one in values:
        if one == value and type(one) is type(value):
            return one
    raise ValueError
