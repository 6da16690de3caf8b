"""Carries the requests of the package `huggingface_hub` over this project's own connections.

1. Every request goes to the hub's endpoint, or to where a redirect of its leads; an answer is no longer than it may be.
2. An answer that may be better later is raised as this project's own error, so that this project's patience counts.
3. A listing comes in pages, each of which names the next one. Mirrors pass on the hub's own address: the next page is
   asked of the endpoint that was named, which alone gets the token. No page is read twice.

Tests: tests/puller/test_hub.py
"""

import re
from collections.abc import Callable, Iterator
from http import HTTPStatus

import httpx2

from registry.errors import BadHubAnswer, Fault, Mismatch, Unavailable
from registry.http.codings import check_coding
from registry.http.failures import Headers
from registry.http.redirects import RedirectRule
from registry.http.response import Response
from registry.http.transport import Transport
from registry.net.origin import Origin, redacted

ANSWER_LIMIT = 64 << 20
_BUFFER_BYTES = 1 << 20
_MOST_PAGES = 10_000
_NEXT = re.compile(r"<([^<>]*)>\s*;[^,<]*\brel=\"?next\b")
_API = "/api/models/"
_NOT_PASSED_ON = ("host", "connection", "accept-encoding", "user-agent")
"""Headers of the package's requests that our connections write themselves."""

Failure = Callable[[str, int, Headers], Fault]


class PackageTransport(httpx2.BaseTransport):
    """Sends the package's requests over our connections."""

    def __init__(self, transport: Transport, rule: RedirectRule, limit: int, failure: Failure) -> None:
        """`limit` bytes are the most of one answer; `failure` makes the error for an unwanted one."""
        self._transport, self._rule, self._limit, self._failure = transport, rule, limit, failure
        self._pages: set[str] = set()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request. Raises our own errors, which httpx2 passes on."""
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _NOT_PASSED_ON}
        url = str(request.url)
        # 1
        if Origin.of(url) != self._rule.origin:  # the package followed a redirect
            url = self._rule.target(str(self._rule.origin), url)
            headers.pop("authorization", None)
        response = self._transport.request(request.method, url, headers, request.read() or None, rule=self._rule)
        try:
            return self._passed_on(url, response)
        except BaseException:
            response.close()
            raise

    def _passed_on(self, url: str, response: Response) -> httpx2.Response:
        # 2
        if response.status == HTTPStatus.TOO_MANY_REQUESTS or response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise self._failure(url, response.status, response.headers)
        check_coding(response.headers, redacted(url))
        # 3
        page = self._next_page(url, response.headers.get("Link") or "")
        headers = {name: value for name, value in response.headers.items() if not page or name.lower() != "link"}
        headers |= {"Link": f'<{page}>; rel="next"'} if page else {}
        told = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        return httpx2.Response(response.status, headers=told, stream=_Stream(response, self._limit))

    def _next_page(self, url: str, link: str) -> str:
        """Return where the listing at `url` goes on, at the same endpoint, or "" after its end; raise BadHubAnswer."""
        found = _NEXT.search(link)
        if found is None:
            return ""
        place, mark, query = found[1].partition("?")
        start = place.rfind(_API)
        if start < 0:
            raise BadHubAnswer(f"the hub's listing goes on at {redacted(found[1])}, which is no listing of models")
        endpoint = url.partition("?")[0].rpartition(_API)[0]
        page = f"{endpoint}{place[start:]}{mark}{query}"
        if page in self._pages or len(self._pages) == _MOST_PAGES:
            raise BadHubAnswer(f"the hub's listing has no end: page {len(self._pages)} leads to {redacted(page)}")
        self._pages.add(page)
        return page


class _Stream(httpx2.SyncByteStream):
    """An answer's bytes, in the form that httpx2 expects."""

    def __init__(self, response: Response, limit: int) -> None:
        self._response, self._limit = response, limit

    def __iter__(self) -> Iterator[bytes]:
        if self._limit > ANSWER_LIMIT:
            yield from self._file()
            return
        try:
            yield self._response.read(self._limit)
        except Mismatch as error:
            raise BadHubAnswer(f"the hub's answer is too long: {error}") from error

    def _file(self) -> Iterator[bytes]:
        buffer, seen, where = memoryview(bytearray(_BUFFER_BYTES)), 0, redacted(self._response.url)
        while count := self._response.readinto(buffer):
            seen += count
            yield bytes(buffer[:count])
        if seen < (self._response.length or 0):
            raise Unavailable(f"{where}: the connection ended at byte {seen}")

    def close(self) -> None:
        """Free the connection."""
        self._response.close()
