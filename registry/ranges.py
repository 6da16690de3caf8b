"""Parts of blobs, asked for over HTTP: what came is compared with what was asked, and redirects are remembered."""

import re
from collections.abc import Callable

from .codings import check_coding
from .errors import Fault, Mismatch, NotFound, Refused, Unauthorized
from .exchange import Response
from .manifest import Descriptor

_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
_STALE = (Unauthorized, NotFound, Refused)


class Ranges:
    """Reads parts of blobs. Safe to share between threads.

    Where a blob was redirected to is remembered: the next part is asked for there at once, and at the blob's own
    address again when that one has lapsed.
    """

    def __init__(self, get: Callable[[str, dict[str, str]], Response]) -> None:
        """`get` asks for a URL with headers, follows redirects, and gives the answer to be 200 or 206."""
        self._get = get
        self._moved: dict[str, str] = {}

    def open(self, url: str, descriptor: Descriptor, start: int, stop: int) -> tuple[Response, int, int]:
        """Ask for bytes `start` to `stop` of a blob; give the answer and the offsets of its first byte and its end."""
        headers = {} if start == 0 and stop == descriptor.size else {"Range": f"bytes={start}-{stop - 1}"}
        moved = self._moved.get(url)
        if moved:
            try:
                return self._ask(url, moved, headers, descriptor, start)
            except _STALE:
                self._moved.pop(url, None)
        return self._ask(url, url, headers, descriptor, start)

    def _ask(
        self, url: str, where: str, headers: dict[str, str], descriptor: Descriptor, start: int
    ) -> tuple[Response, int, int]:
        response = self._get(where, headers)
        try:
            begin, end = _check_head(response, descriptor, start)
        except Fault:
            response.close()
            raise
        if response.url != where:
            self._moved[url] = response.url
        return response, begin, end


def _check_head(response: Response, descriptor: Descriptor, start: int) -> tuple[int, int]:
    """Compare an answer's head with what was asked; give the offsets of the body's first byte and of its end."""
    name = str(descriptor.digest)
    check_coding(response.headers, name)
    if response.status == 200:
        if response.length not in (None, descriptor.size):
            raise Mismatch(f"{name}: {response.length} bytes are offered, {descriptor.size} were promised")
        return 0, descriptor.size
    answered = response.headers.get("Content-Range", "")
    match = _CONTENT_RANGE.fullmatch(answered)
    if not match or int(match[1]) != start or match[3] not in ("*", str(descriptor.size)):
        raise Mismatch(f"{name}: asked for bytes from {start} of {descriptor.size}, was answered {answered!r}")
    return start, int(match[2]) + 1
