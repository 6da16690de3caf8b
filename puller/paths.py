"""File names out of an artifact, made safe or refused."""

import re

from .errors import UnsafePath

_DRIVE = re.compile(r"[A-Za-z]:")
_NAME_LIMIT = 255  # bytes that one name may have on every file system we know
_PATH_LIMIT = 1024


def safe_path(text: str) -> str:
    """Give a relative path that stays inside whatever folder it is joined to; raise UnsafePath.

    A leading `./` is taken off. Refused are: empty and absolute paths, `..`, empty parts, drives and backslashes,
    control characters, text that is no UTF-8, and names that are too long to write.
    """
    path = text.removeprefix("./")
    reason = _reason(path)
    if reason:
        raise UnsafePath(f"the file name {text[:200]!r} {reason}")
    return path


def _reason(path: str) -> str:
    parts = path.split("/")
    checks = (
        (path.startswith("/"), "is absolute"),
        (bool(_DRIVE.match(path)) or "\\" in path, "is written for another system"),
        (".." in parts, "climbs out of its folder"),
        (any(part in {"", "."} for part in parts), "has an empty part"),
        (any(ord(letter) < 32 or ord(letter) == 127 for letter in path), "holds control characters"),
        (any("\ud800" <= letter <= "\udfff" for letter in path), "is no Unicode text"),
    )
    for wrong, reason in checks:
        if wrong:
            return reason
    size = len(path.encode())
    if size > _PATH_LIMIT or any(len(part.encode()) > _NAME_LIMIT for part in parts):
        return "is too long"
    return ""
