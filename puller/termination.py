"""The closing message of a container, for `kubectl describe pod`.

Tests: tests/puller/test_container.py
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

_MESSAGE_LIMIT = 4096  # bytes that the kubelet keeps of a termination message
_MOST_LETTERS = 900
"""How long one text of a message may be: escaped, three of them fit into it."""


def leave_message(file: str, message: bytes) -> None:
    """Write a message, where the kubelet made a file for it. One that cannot be written fails nothing."""
    with suppress(OSError, ValueError):
        if file and Path(file).is_file():
            Path(file).write_bytes(message)


def closing_message(message: Mapping[str, object]) -> bytes:
    """Return JSON that the kubelet keeps whole: long texts are cut, never what stands between them."""
    limit = _MOST_LETTERS
    while True:
        short = {key: value[:limit] if isinstance(value, str) else value for key, value in message.items()}
        content = json.dumps(short, ensure_ascii=False).encode(errors="replace")
        if len(content) <= _MESSAGE_LIMIT or not limit:
            return content
        limit //= 2
