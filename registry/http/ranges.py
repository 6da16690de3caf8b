"""Parts of blobs over HTTP: answers are compared with the requested range, and redirects are remembered.

Tests: tests/registry/remote/test_hostile.py
"""

import re
from collections.abc import Collection, Mapping
from typing import Protocol

from registry.errors import Fault, Mismatch, NotFound, Refused, Unauthorized, Unavailable
from registry.manifest import Descriptor
from registry.net.origin import redacted
from registry.printable import printable

from .codings import check_coding
from .redirects import drain
from .response import Response

_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,19})-([0-9]{1,19})/([0-9]{1,19}|\*)", re.IGNORECASE)
_WHOLE, _PART, _NO_SUCH_RANGE = _ACCEPTED = 200, 206, 416
_LEAST_BYTES = 16 << 10
"""The least that an answer must hold of a longer range: with a request for every few bytes, a pull would hardly end."""

_STALE = (Unauthorized, NotFound, Refused, Mismatch)


class Send(Protocol):
    """Sends a request and follows redirects."""

    def __call__(self, method: str, url: str, *, headers: Mapping[str, str], accept: Collection[int]) -> Response:
        """Return the answer, whose status is one of `accept`."""
        ...


class Ranges:
    """Reads parts of blobs. Safe to share between threads.

    The target of a blob's redirect is remembered: the next part is requested there at once, and at the blob's own
    address again when the target has expired or cannot be reached.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._moved: dict[str, str] = {}

    def open(self, url: str, descriptor: Descriptor, start: int, stop: int) -> tuple[Response, int, int]:
        """Request bytes `start` to `stop` of a blob; return the answer and the offsets of its first byte and end."""
        headers = {} if start == 0 and stop == descriptor.size else {"Range": f"bytes={start}-{stop - 1}"}
        moved = self._moved.get(url)
        if moved:
            try:
                return self._ask(url, moved, headers, descriptor, range(start, stop))
            except _STALE:
                self._moved.pop(url, None)
            except Unavailable:
                self._moved.pop(url, None)  # the registry may lead elsewhere by the next try
                raise
        return self._ask(url, url, headers, descriptor, range(start, stop))

    def _ask(
        self, url: str, where: str, headers: dict[str, str], descriptor: Descriptor, asked: range
    ) -> tuple[Response, int, int]:
        """Request a range at one address; request the whole blob if the answer is not that range."""
        response = self._send("GET", where, headers=headers, accept=_ACCEPTED)
        if headers and not _is_answer(response, descriptor, asked):
            with response:
                drain(response)
            response = self._send("GET", where, headers={}, accept=_ACCEPTED)
        try:
            begin, end = _check_head(response, descriptor)
        except Fault:
            response.close()
            raise
        if response.url != where:
            self._moved[url] = response.url
        return response, begin, end


def _is_answer(response: Response, descriptor: Descriptor, asked: range) -> bool:
    """Return whether the answer to a range request is of use: the whole blob, or a part that begins as asked.

    A part may be shorter than asked for (RFC 9110 15.3.7), but not by nearly all.
    """
    if response.status != _PART:
        return response.status != _NO_SUCH_RANGE
    begin, end = _part(response, descriptor)
    return begin == asked.start and end - begin >= min(len(asked), _LEAST_BYTES)


def _check_head(response: Response, descriptor: Descriptor) -> tuple[int, int]:
    """Return the offsets of the body's first byte and of its end. Raises Mismatch, Refused."""
    name = str(descriptor.digest)
    check_coding(response.headers, name)
    if response.status == _NO_SUCH_RANGE:
        raise Refused(f"{name}: {redacted(response.url)} answered {response.status}, though no range was asked for")
    if response.status == _PART:
        begin, end = _part(response, descriptor)
        if begin < 0:
            answered = printable(response.headers.get("Content-Range", ""))
            raise Mismatch(f"{name}: asked for {descriptor.size} bytes, was answered {answered!r}")
        return begin, end
    if response.length not in (None, descriptor.size):
        raise Mismatch(f"{name}: {response.length} bytes are offered, {descriptor.size} were promised")
    return 0, descriptor.size


def _part(response: Response, descriptor: Descriptor) -> tuple[int, int]:
    """Return the offsets in a part's Content-Range (RFC 9110, 14.4); -1 twice when they are impossible."""
    match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
    if match and match[3] in ("*", str(descriptor.size)):
        begin, end = int(match[1]), int(match[2]) + 1
        if begin < end <= descriptor.size and response.length in (None, end - begin):
            return begin, end
    return -1, -1
