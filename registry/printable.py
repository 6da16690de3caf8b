"""Untrusted text, escaped for a line of a log, a terminal or a termination message. Pure.

Tests: tests/registry/remote/test_hostile.py
"""

import re
import unicodedata
from collections.abc import Sequence

_LIMIT = 300
_UNSEEN = ("C", "Zl", "Zp")  # control, format, surrogate, private and unassigned characters; separators of lines

_TOKENS = (
    r"[A-Za-z0-9_~+/=-]{40,}(?:\.[A-Za-z0-9_~+/=-]+)*|eyJ[\w.-]+"
    r"|\b(?:gh[oprsu]_|github_pat_|gl(?:pat|dt|cbt|rt)-|hf_|dckr_[a-z]+_|do[opr]_v1_"
    r"|npm_|sha256~|AKIA|ASIA)[\w-]{12,}"
)
"""What may be a token: text that is long for a name, or that begins as registries and forges begin theirs."""


def without_tokens(text: str) -> str:
    """Return `text` with stars for what may be a token: some services quote what they refuse."""
    return re.sub(_TOKENS, "***", text)


def printable(text: str, limit: int = _LIMIT) -> str:
    """Return `text` on one line, at most `limit` characters of it, with an escape for each unprintable one.

    Headers, digests, status lines and error texts come from untrusted servers: ESC moves a terminal's cursor, a newline
    forges a line of a log, U+202E reverses the text after it.
    """
    shown = "".join(_shown(letter) for letter in text[: limit + 1])
    return shown if len(shown) <= limit and len(text) <= limit else f"{shown[:limit]}…"


def some(names: Sequence[str], most: int = 3) -> str:
    """Return the first names of a list, each on one line, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(printable, names[:most])) + more


def is_printable(text: str) -> bool:
    """Return whether `printable` would leave every character as it is."""
    return all(_shown(letter) == letter for letter in text)


def _shown(letter: str) -> str:
    if " " <= letter <= "~":
        return letter
    if unicodedata.category(letter).startswith(_UNSEEN):
        return letter.encode("unicode_escape").decode()
    return letter
