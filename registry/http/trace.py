"""A line for each request and each answer, for `--debug`; no line holds a secret.

A URL is shown without its user, with those parameters of its query alone that never hold a secret. Only these headers
are shown: the scheme of an Authorization, a Range, a Location, a Retry-After and the schemes of a challenge.

Tests: tests/registry/http/test_trace.py
"""

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPMessage
from itertools import count
from typing import Protocol, TypeVar
from urllib.parse import parse_qsl

from registry.errors import Fault
from registry.net.origin import redacted, resolved
from registry.net.proxies import Proxy
from registry.printable import printable

_SHOWN = frozenset({"ns", "scope", "service", "digest", "mount", "from"})
"""Parameters of distribution-spec, of token requests and of containerd's mirrors."""

_PLAIN = re.compile(r"[A-Za-z0-9 .:/,@*_-]*")
"""Their values; others are hidden, because some servers separate parameters by `;`."""

_SCHEMES = frozenset({"basic", "bearer"})


class Answer(Protocol):
    """What is shown of an answer."""

    url: str
    proxy: Proxy | None
    status: int
    headers: HTTPMessage
    length: int | None


Shown = TypeVar("Shown", bound=Answer)


class Trace:
    """Writes what a program asks of the network; safe to share between threads."""

    def __init__(self, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        """`say` is called with each line, from any thread."""
        self._say, self._clock, self._began = say, clock, clock()
        self._numbers, self._lock = count(1), threading.Lock()

    def note(self, line: str) -> None:
        """Write a line with the seconds since the start."""
        self._say(f"{self._clock() - self._began:8.3f} s  {line}")

    def begin(self, method: str, url: str, headers: Mapping[str, str]) -> "Exchange":
        """Write a request that begins, and return it as an Exchange."""
        with self._lock:
            exchange = Exchange(self, next(self._numbers), self._clock)
        exchange.note(f"> {method} {shown(url)}{_asked(headers)}")
        return exchange


class Exchange:
    """One request; its number joins the lines of its answer to it."""

    def __init__(self, trace: Trace, number: int, clock: Callable[[], float]) -> None:
        self._trace, self._number, self._clock, self._began = trace, number, clock, clock()

    def note(self, line: str) -> None:
        """Write a line about this request."""
        self._trace.note(f"#{self._number} {line}")

    @contextmanager
    def failure_noted(self) -> Iterator[None]:
        """Write the failure that ends the block."""
        try:
            yield
        except Fault as error:
            self.note(f"! {error}")
            raise

    def answered(self, response: Shown) -> Shown:
        """Write the head of the answer, and return it."""
        seconds = self._clock() - self._began
        size = "" if response.length is None else f", {response.length} bytes"
        self.note(f"< {response.status} after {seconds:.3f} s{size}{_told(response)}")
        return response


SILENT = Trace(lambda _: None)
"""Writes nothing."""


def shown(url: str) -> str:
    """Return a URL without its user, and without what its query hides."""
    _, mark, query = url.partition("#")[0].partition("?")
    parameters = parse_qsl(query, keep_blank_values=True)
    texts = [f"{name}={value}" for name, value in parameters if name in _SHOWN and _PLAIN.fullmatch(value)]
    hidden = ["***"] if len(texts) < max(len(parameters), 1) else []
    return redacted(url) + mark + (printable("&".join([*texts, *hidden]), 500) if query else "")


def _asked(headers: Mapping[str, str]) -> str:
    given = {name.lower(): value for name, value in headers.items()}
    words = [given["range"]] if "range" in given else []
    if "authorization" in given:
        scheme = given["authorization"].partition(" ")[0]
        words.append(f"with {scheme} ***" if scheme.lower() in _SCHEMES else "with ***")
    return "".join(f", {printable(word)}" for word in words)


def _told(response: Answer) -> str:
    words = [f"through the proxy {response.proxy}"] if response.proxy else []
    location = response.headers.get("Location")
    if location:
        try:
            words.append(f"to {shown(resolved(response.url, location))}")
        except Fault:
            words.append("to what is no URL")
    challenges = response.headers.get_all("WWW-Authenticate") or []
    if challenges:
        words.append("asks for " + ", ".join(challenge.partition(" ")[0] for challenge in challenges))
    if response.headers.get("Retry-After"):
        words.append(f"Retry-After: {response.headers['Retry-After']}")
    return "".join(f", {printable(word, 700)}" for word in words)
