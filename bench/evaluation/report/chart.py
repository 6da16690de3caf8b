"""Bars as SVG, each of the stretches of a time line; one picture for light pages and one for dark ones.

Labels stand above their bars, in letters that can be read when the picture is shown at half its width.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

_WIDTH, _MARGIN, _ROW, _BAR = 960, 16, 64, 26
_TOP, _FONT, _VALUE = 104, 23, 130
"""The room for a value right of the longest bar is _VALUE."""


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of a picture: paper, text, and the stretches of our bars and of others'."""

    name: str
    paper: str
    ink: str
    ours: tuple[str, ...]
    theirs: tuple[str, ...]


LIGHT = Theme("light", "#ffffff", "#24292f", ("#1a7f64", "#7ccfb4", "#cdeee2"), ("#57606a", "#a8b1bb", "#dde1e6"))
DARK = Theme("dark", "#0d1117", "#e6edf3", ("#3fb68b", "#1f6f54", "#174a3a"), ("#9aa4af", "#59636e", "#363d45"))
THEMES = (LIGHT, DARK)


def timeline(title: str, rows: Mapping[str, Sequence[float]], legend: Sequence[str], theme: Theme) -> str:
    """Return an SVG with a bar for each row, made of its stretches in seconds, the shortest bar first.

    `legend` names the stretches. Rows with `weighbridge` in their names are ours.
    """
    ordered = sorted(rows.items(), key=lambda row: sum(row[1]))
    longest = max((sum(stretches) for stretches in rows.values()), default=0) or 1
    scale = (_WIDTH - 2 * _MARGIN - _VALUE) / longest
    height = _TOP + _ROW * len(ordered) + _MARGIN
    style = f'font-family="system-ui, sans-serif" font-size="{_FONT}" fill="{theme.ink}"'
    size = f'viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" {style}>',
        f"<title>{escape(title)}</title>",
        f'<rect width="{_WIDTH}" height="{height}" fill="{theme.paper}"/>',
        f'<text x="{_MARGIN}" y="38" font-size="27" font-weight="600">{escape(title)}</text>',
        *_legend(legend, theme),
    ]
    for number, (name, stretches) in enumerate(ordered):
        lines += _row(_TOP + number * _ROW, name, stretches, scale, theme)
    return "\n".join([*lines, "</svg>\n"])


def _legend(legend: Sequence[str], theme: Theme) -> list[str]:
    lines, x = [], _MARGIN
    for number, words in enumerate(legend):
        lines.append(f'<rect x="{x}" y="62" width="20" height="20" rx="3" fill="{theme.theirs[number]}"/>')
        lines.append(f'<text x="{x + 28}" y="80">{escape(words)}</text>')
        x += 64 + 12 * len(words)
    return lines


def _row(y: int, name: str, stretches: Sequence[float], scale: float, theme: Theme) -> list[str]:
    is_ours = "weighbridge" in name
    weight = ' font-weight="600"' if is_ours else ""
    lines = [f'<text x="{_MARGIN}" y="{y + 20}"{weight}>{escape(name)}</text>']
    x = float(_MARGIN)
    for colour, seconds in zip(theme.ours if is_ours else theme.theirs, stretches, strict=False):
        width = seconds * scale
        lines.append(f'<rect x="{x:.1f}" y="{y + 28}" width="{width:.1f}" height="{_BAR}" fill="{colour}"/>')
        x += width
    total = sum(stretches)
    lines.append(f'<text x="{x + 10:.1f}" y="{y + 49}"{weight}>{total:.{1 if total >= 10 else 2}f} s</text>')
    return lines
