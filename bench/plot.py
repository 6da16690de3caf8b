"""Bars as SVG, one a line, the fastest first. The colours suit light and dark pages."""

from collections.abc import Mapping
from xml.sax.saxutils import escape

_WIDTH, _LABELS, _ROW, _TOP, _MARGIN = 860, 250, 26, 48, 70
_OURS, _THEIRS, _INK = "#1f8a70", "#8a94a6", "#6b7280"
_FONT = f'font-family="system-ui, sans-serif" font-size="13" fill="{_INK}"'


def bars(title: str, seconds: Mapping[str, float]) -> str:
    """Return an SVG with a bar for each name, as long as its seconds."""
    longest = max(seconds.values())
    scale = (_WIDTH - _LABELS - _MARGIN) / longest
    height = _TOP + _ROW * len(seconds) + 12
    ordered = sorted(seconds.items(), key=lambda item: item[1])
    lines = [_row(number, name, value, scale) for number, (name, value) in enumerate(ordered)]
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" role="img" {_FONT}>',
            f"<title>{escape(title)}</title>",
            f'<text x="8" y="24" font-size="15">{escape(title)}: seconds, less is better</text>',
            *lines,
            "</svg>\n",
        )
    )


def _row(number: int, name: str, seconds: float, scale: float) -> str:
    y = _TOP + number * _ROW
    colour = _OURS if name.startswith("weighbridge") else _THEIRS
    return (
        f'<text x="{_LABELS - 10}" y="{y + 14}" text-anchor="end">{escape(name)}</text>'
        f'<rect x="{_LABELS}" y="{y}" width="{seconds * scale:.1f}" height="{_ROW - 7}" rx="2" fill="{colour}"/>'
        f'<text x="{_LABELS + seconds * scale + 8:.1f}" y="{y + 14}">{seconds:.2f}</text>'
    )
