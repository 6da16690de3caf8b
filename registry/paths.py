"""Which file names every supported file system can hold; packer and puller share the rule.

Tests: tests/registry/layout/test_layout.py
"""

import re
import unicodedata
from collections.abc import Iterator

_DRIVE = re.compile(r"[A-Za-z]:")
_UNSEEN = ("Cc", "Cf", "Zl", "Zp")  # controls, and characters that reorder or hide the text around them, such as U+202E
_NAME_LIMIT = 255  # bytes that one name may have on every file system we know
_PATH_LIMIT = 1024


def plain(path: str) -> str:
    """Return a path without its empty and `.` parts, which every reader ignores.

    A leading slash stays; a path that names only its base folder becomes empty.
    """
    parts = [part for part in path.split("/") if part not in {"", "."}]
    return "/" * (path.startswith("/") and bool(parts)) + "/".join(parts)


def parents(path: str) -> Iterator[str]:
    """Yield every folder above a path, the outermost first; the root is none of them."""
    for end, letter in enumerate(path):
        if letter == "/" and end:
            yield path[:end]


def unsafe_reason(path: str) -> str:
    """Return why a relative path is unsafe to join to a folder; an empty text if it is safe.

    Faults are: empty and absolute paths, `..`, empty parts, drives and backslashes, control characters, text that is
    no Unicode, and names that are too long to write.
    """
    parts = path.split("/")
    checks = (
        (path.startswith("/"), "is absolute"),
        (bool(_DRIVE.match(path)) or "\\" in path, "is written for another system"),
        (".." in parts, "climbs out of its folder"),
        (any(part in {"", "."} for part in parts), "has an empty part"),
        (any("\ud800" <= letter <= "\udfff" for letter in path), "is no Unicode text"),
        (any(unicodedata.category(letter) in _UNSEEN for letter in path), "holds control characters"),
    )
    for wrong, reason in checks:
        if wrong:
            return reason
    is_long = len(path.encode()) > _PATH_LIMIT or any(len(part.encode()) > _NAME_LIMIT for part in parts)
    return "is too long" if is_long else ""
