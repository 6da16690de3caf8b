"""One call of a WSGI application (PEP 3333) with a request that is there as a whole.

Tests: tests/webhook/test_connection.py
"""

import io
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes

Headers = list[tuple[str, str]]
RECEIVED = "weighbridge.received"
"""Names the time in an environment from which an answer's duration counts: a request may wait for a thread."""

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class Request:
    """A request. `length` is that of the body as it came; `body` is empty if that was too much to keep.

    `received` is when it was there, on the monotonic clock.
    """

    method: str
    target: str
    headers: Headers
    body: bytes
    length: int
    scheme: str
    received: float = field(default_factory=time.monotonic, compare=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """An application's answer."""

    status: int
    headers: Headers
    body: bytes


def call(application: Application, request: Request) -> Answer:
    """Return the application's answer."""
    started: list[tuple[int, Headers]] = []

    def start_response(status: str, headers: Headers, _: object = None) -> None:
        started.append((int(status.split(" ", 1)[0]), headers))

    content = application(environ_of(request), start_response)
    try:
        body = b"".join(content)
    finally:
        if close := getattr(content, "close", None):
            close()
    status, headers = started[-1]
    return Answer(status, headers, body)


def environ_of(request: Request) -> dict[str, Any]:
    """Return the request as WSGI has it."""
    path, _, query = request.target.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": "weighbridge",
        "SERVER_PORT": "443" if request.scheme == "https" else "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        RECEIVED: request.received,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": request.scheme,
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers:
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
    return environ | {"CONTENT_LENGTH": str(request.length)}
