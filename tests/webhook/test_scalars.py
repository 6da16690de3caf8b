"""What kubectl reads from unquoted scalars."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.manifests.scalars import is_text_when_bare, read_bare


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("Null", None),
        ("yes", True),
        ("Off", False),
        ("N", False),
        ("tRue", "tRue"),
        ("0644", 420),
        ("0o17", 15),
        ("0x1F", 31),
        ("-0b11", -3),
        ("0", 0),
        ("089", 89.0),
        ("1_000", 1000),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-.inf", -math.inf),
        ("2026-01-01", "2026-01-01"),
        ("12:30", "12:30"),
        ("512Mi", "512Mi"),
        ("_1", "_1"),
        ("text", "text"),
    ],
)
def test_a_bare_scalar_is_read_by_the_old_rules(text: str, value: object) -> None:
    """Words for yes and no are booleans, a leading zero is octal, dates and times are text."""
    found = read_bare(text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("text", ["phi-4", "oci://registry.example.com/m:v1", "/models/phi-4", "512Mi", "100m", "a1"])
def test_what_is_surely_text_goes_without_quotes(text: str) -> None:
    """Quotes that nobody needs would only make the output harder to read."""
    assert is_text_when_bare(text)


@pytest.mark.parametrize(
    "text",
    ["", "yes", "NO", "null", "1", "0644", "1e3", "12:30", "2026-01-01", "-m", "a: b", "a #b", "a:", "*a", "é", "<<"],
)
def test_what_some_reader_would_mistake_gets_quotes(text: str) -> None:
    """Other readers know sexagesimal numbers, dates and indicators."""
    assert not is_text_when_bare(text)


@given(st.text(max_size=12))
def test_any_text_can_be_read(text: str) -> None:
    """No scalar crashes the reader, and one that goes bare reads as itself."""
    found = read_bare(text)
    assert found == text or not is_text_when_bare(text)
