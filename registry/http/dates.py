"""The dates of HTTP headers (RFC 9110 5.6.7). Pure.

Tests: tests/registry/http/test_retry.py
"""

import re
from datetime import UTC, datetime, timedelta

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
