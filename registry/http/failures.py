"""What an unwanted answer means, from a registry, its token server, the hub or a mirror.

Tests: tests/registry/http/test_retry.py
"""

import re
from datetime import UTC, datetime
from typing import Protocol

from registry.errors import Fault, Refused, Unavailable

_TEMPORARY = (408, 425, 429)
_LASTING = (501, 505, 511)
"""Statuses from 500 up that trying again will not change."""


class Headers(Protocol):
    """Headers of an answer, from our own HTTP client or another; names in any case."""

    def get(self, name: str, default: str, /) -> str:
        """Return a header's value."""
        ...


def other_failure(said: str, status: int, headers: Headers) -> Fault:
    """Return the error for an unwanted answer that concerns neither credentials nor absence."""
    if status not in _TEMPORARY and (status < 500 or status in _LASTING):
        return Refused(said)
    seconds = asked_seconds(headers.get("Retry-After", ""), headers.get("Date", ""), datetime.now(UTC))
    return Unavailable(said, retry_after_seconds=seconds, is_overload=status in (429, 503))


def asked_seconds(retry_after: str, date: str, now: datetime) -> float | None:
    """Return the seconds that a Retry-After asks for (RFC 9110 10.2.3), or None where it names no future moment.

    A date is compared with the answer's own `date`, so that a wrong clock does no harm; `now` is our clock's.
    """
    text = retry_after.strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return float(text) or None
    from .dates import http_date  # noqa: PLC0415 - seldom needed, and slow to compile

    then = http_date(text, now)
    if then is None:
        return None
    seconds = (then - (http_date(date.strip(), now) or now)).total_seconds()
    return seconds if seconds > 0 else None
