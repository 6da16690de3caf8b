"""Kubernetes quantities: `500m`, `2Gi`, `1e3` (apimachinery, resource.Quantity).

Tests: tests/webhook/test_resources.py
"""

import re
from decimal import Decimal

_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?\d{1,2})?", re.ASCII)
_LONGEST = 64  # more digits than any amount has
_SCALES = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    **{suffix: Decimal(1000) ** power for power, suffix in enumerate("kMGTPE", start=1)},
    **{f"{suffix}i": Decimal(1024) ** power for power, suffix in enumerate("KMGTPE", start=1)},
}


def quantity(value: object) -> Decimal | None:
    """Parse a quantity; None if it is invalid."""
    text = str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    match = _QUANTITY.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        return None
    number, suffix = match.groups()
    if suffix and suffix not in _SCALES:
        return Decimal(f"{number}{suffix}")
    return Decimal(number) * (_SCALES[suffix] if suffix else 1)
