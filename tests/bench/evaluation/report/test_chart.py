"""Laws of the charts."""

from xml.etree import ElementTree as ET

import pytest

from bench.evaluation.report.chart import DARK, THEMES, Theme, timeline

_SVG = "{http://www.w3.org/2000/svg}"
_ROWS = {"slow <gzip>": [3.0, 1.0], "base image + weighbridge": [1.0, 0.5]}
_LEGEND = ("bytes arrive", "the rest")


def drawn(theme: Theme) -> ET.Element:
    """Draw two rows and parse the picture."""
    return ET.fromstring(timeline("seconds", _ROWS, _LEGEND, theme))  # noqa: S314 - our own picture


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_every_stretch_of_every_row_has_a_bar_as_long_as_its_seconds(theme: Theme) -> None:
    """Bars of one picture have one scale, and the shortest row is the first."""
    bars = [one for one in drawn(theme).iter(f"{_SVG}rect") if one.get("height") == "26"]
    widths = [float(bar.get("width", "0")) for bar in bars]
    seconds = [1.0, 0.5, 3.0, 1.0]
    assert [width / widths[0] for width in widths] == pytest.approx(seconds, rel=0.01)


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_no_text_leaves_the_picture_and_all_of_it_can_be_read_at_half_width(theme: Theme) -> None:
    """At half the width letters have at least eleven pixels."""
    picture = drawn(theme)
    assert float(picture.get("font-size", "0")) / 2 >= 11
    assert all(float(text.get("x", "0")) < 960 - 90 for text in picture.iter(f"{_SVG}text"))


def test_ours_have_colours_of_their_own() -> None:
    """A reader finds our rows without reading."""
    fills = {one.get("fill") for one in drawn(DARK).iter(f"{_SVG}rect") if one.get("height") == "26"}
    assert fills == {*DARK.ours[:2], *DARK.theirs[:2]}


def test_names_are_escaped() -> None:
    """Whatever a row is called, the picture stays well-formed."""
    assert "slow <gzip>" in [text.text for text in drawn(DARK).iter(f"{_SVG}text")]


def test_a_chart_without_rows_is_still_a_picture() -> None:
    """A part of which nothing could be measured costs no other part its page."""
    ET.fromstring(timeline("seconds", {}, _LEGEND, DARK))  # noqa: S314 - our own picture
