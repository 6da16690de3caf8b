"""Files that hold one token, which the kubelet or an agent renews: read anew each time.

Tests: tests/registry/identity/test_identities.py
"""

import re
from pathlib import Path

from registry.errors import BadIdentity

_LIMIT = 64 << 10
_TOKEN = re.compile(r"[!-~]+")  # what a header can carry


def read_file(path: str, variable: str) -> bytes:
    """Return the content of a file that `variable` names; raise BadIdentity, which names both."""
    try:
        with Path(path).open("rb") as opened:
            content = opened.read(_LIMIT + 1)
    except OSError as error:
        raise BadIdentity(f"{variable} names {path}, which cannot be read ({error.strerror or error})") from None
    if len(content) > _LIMIT:
        raise BadIdentity(f"{variable} names {path}, which has more than {_LIMIT} bytes")
    return content


def read_token(path: str, variable: str) -> str:
    """Return the token in a file that `variable` names; raise BadIdentity."""
    text = read_file(path, variable).decode("ascii", errors="replace").strip()
    if not _TOKEN.fullmatch(text):
        raise BadIdentity(f"{variable} names {path}, which holds no token")
    return text
