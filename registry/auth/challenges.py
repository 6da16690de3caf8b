"""The challenges of a 401 (RFC 9110, 11.6.1): any number of them, over any number of headers. Pure.

The list and the parameters of one challenge are both separated by commas, so a word at the start of an element is a
scheme unless an equals sign follows it. Read in one pass, in linear time.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

HEADER_LIMIT = 8 << 10
"""A longer header is skipped: no honest server writes one."""

_ITEM = re.compile(
    r"""[ \t]*+(?:
        (?P<comma>,)
      | (?P<word>[^\s,="]++)(?P<pair>[ \t]*+=[ \t]*+(?:"(?P<quoted>(?:[^"\\]|\\.)*+)(?:"|\\?\Z)|(?P<bare>[^\s,"]*+)))?
      | (?P<stray>.)
    )""",
    re.DOTALL | re.VERBOSE,
)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_TOKEN68 = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 9110, 11.2
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Challenge:
    """One challenge; scheme and parameter names in lower case. The first of two parameters with one name counts."""

    scheme: str
    parameters: dict[str, str] = field(default_factory=dict)


def parse_challenges(headers: Iterable[str]) -> tuple[Challenge, ...]:
    """Parse the values of all WWW-Authenticate headers; skip malformed parts."""
    return tuple(challenge for header in headers if len(header) <= HEADER_LIMIT for challenge in _parse(header))


def _parse(header: str) -> Iterator[Challenge]:
    current: Challenge | None = None
    is_start, may_be_token68 = True, False
    for item in _ITEM.finditer(header.strip()):
        word, value = item["word"], item["bare"] if item["quoted"] is None else _ESCAPED.sub(r"\1", item["quoted"])
        if item["comma"]:
            is_start, may_be_token68 = True, False
            continue
        if may_be_token68 and _is_token68(item):
            pass  # nothing that we answer has such a word
        elif word and item["pair"]:
            if current is not None:
                current.parameters.setdefault(word.lower(), value)
        elif word and is_start:
            if current is not None:
                yield current
            current = Challenge(word.lower()) if _TOKEN.fullmatch(word) else None
            is_start, may_be_token68 = False, True
            continue
        is_start = may_be_token68 = False
    if current is not None:
        yield current


def _is_token68(item: re.Match[str]) -> bool:
    """Return whether the text after a scheme is one opaque word: `name=value` is a parameter, `name=` is not."""
    return not item["quoted"] and not (item["bare"] or "").strip("=") and bool(_TOKEN68.fullmatch(item[0].strip()))
