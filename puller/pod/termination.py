"""The closing message of a container, for `kubectl describe pod`.

Tests: tests/puller/pod/test_termination.py
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

_MESSAGE_LIMIT = 1024
"""Bytes that the kubelet keeps of each message in a pod of twelve containers: it has 12 KiB for all of a pod
(MaxPodTerminationMessageLogLength), and cuts in the middle of a word."""


def leave_message(file: str, message: bytes) -> None:
    """Write a message, where the kubelet made a file for it. One that cannot be written fails nothing."""
    with suppress(OSError, ValueError):
        if file and Path(file).is_file():
            Path(file).write_bytes(message)


def closing_message(message: Mapping[str, object]) -> bytes:
    """Return JSON that the kubelet keeps whole: long texts are cut, never what stands between them."""
    limit = _MESSAGE_LIMIT
    while True:
        short = {key: _cut(value, limit) for key, value in message.items()}
        content = json.dumps(short, ensure_ascii=False).encode(errors="replace")
        if len(content) <= _MESSAGE_LIMIT or not limit:
            return content
        limit = limit * 7 // 8


def _cut(value: object, limit: int) -> object:
    """Return a text, or each text of a list, with at most `limit` letters."""
    if isinstance(value, list):
        return [_cut(one, limit) for one in value]
    return value[:limit] if isinstance(value, str) else value
