"""What an unwanted answer means, from a registry, its token server, the hub or a mirror.

Tests: tests/registry/http/test_retry.py
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Protocol

from registry.errors import Fault, Refused, Unavailable

_TEMPORARY = (408, 425, 429)
_LASTING = (501, 505, 511)
"""Statuses from 500 up that trying again will not change."""

_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_TIME = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
_DATES = (
    re.compile(rf"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (?P<day>\d\d) (?P<month>\w{{3}}) (?P<year>\d{{4}}) {_TIME} GMT"),
    re.compile(
        rf"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (?P<day>\d\d)-(?P<month>\w{{3}})-(?P<year>\d\d) {_TIME} GMT"
    ),
    re.compile(rf"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (?P<month>\w{{3}}) (?P<day>[ \d]\d) {_TIME} (?P<year>\d{{4}})"),
)
"""The three forms of HTTP dates (RFC 9110 5.6.7), the preferred one first."""

_CENTURY, _HALF_CENTURY = 100, 50


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
    then = http_date(text, now)
    if then is None:
        return None
    seconds = (then - (http_date(date.strip(), now) or now)).total_seconds()
    return seconds if seconds > 0 else None


def http_date(text: str, now: datetime) -> datetime | None:
    """Return the moment that an HTTP date names, or None; a year of two digits is at most 50 years ahead of `now`."""
    match = next((match for form in _DATES if (match := form.fullmatch(text))), None)
    if match is None or match["month"] not in _MONTHS:
        return None
    year, month, leap = int(match["year"]), _MONTHS.index(match["month"]) + 1, match["second"] == "60"
    if len(match["year"]) == 2:
        year += now.year - now.year % _CENTURY
        year -= _CENTURY if year > now.year + _HALF_CENTURY else 0
    second = 59 if leap else int(match["second"])
    try:
        moment = datetime(year, month, int(match["day"]), int(match["hour"]), int(match["minute"]), second, tzinfo=UTC)
        return moment + timedelta(seconds=leap)
    except (ValueError, OverflowError):
        return None
