"""A registry in this process that fails on script: for what a healthy one never does.

It serves one OCI layout's worth of blobs and manifests from memory, notes every request, and asks its faults, in
order, whether they want to answer one. Tests of what registries do well use the real one.
"""

import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar
from urllib.parse import unquote

from registry.digest import Digest
from registry.manifest import MANIFEST_TYPE, Manifest

from .manner import Manner

_RANGE = re.compile(r"bytes=(\d+)-(\d+)")


@dataclass(frozen=True)
class Request:
    """A request as it came; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""

    @property
    def range(self) -> tuple[int, int] | None:
        """The offsets of the first byte asked for and of the end, when it asks for a range."""
        match = _RANGE.fullmatch(self.headers.get("range", ""))
        return (int(match[1]), int(match[2]) + 1) if match else None


@dataclass
class Answer:
    """What goes back; `body` may differ from the promised `length`, and the connection may end badly after it.

    `stalls` keeps the connection open without another byte until the client gives up; `manner` says how the bytes of
    head and body go out, where that is not at once.
    """

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None
    resets: bool = False
    stalls: bool = False
    manner: Manner | None = None


Change = Callable[[Request, Answer], Answer]


@dataclass
class Scripted:
    """A fault: changes the answers to matching requests, the first `times` of them."""

    change: Change
    method: str = "GET"
    path: str = ""
    times: int = 1_000_000
    acts: bool = True
    """Whether the registry does what it was asked before its answer is changed."""

    skips: int = 0
    """How many matching requests are answered well before."""

    until: Callable[[], bool] | None = None
    """Whether it is over: an outage that ends."""

    def wants(self, request: Request) -> bool:
        """Return whether this request is one of those, and count it."""
        if self.times <= 0 or request.method != self.method or not re.search(self.path, request.path):
            return False
        if self.until is not None and self.until():
            return False
        if self.skips > 0:
            self.skips -= 1
            return False
        self.times -= 1
        return True


class FakeRegistry:
    """The registry's memory and its script."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, bytes] = {}
        self.faults: list[Scripted] = []
        self.requests: list[Request] = []
        self.cuts: list[int] = []
        self.connections = 0
        self.address = ""
        self.over = threading.Event()
        self._lock = threading.Lock()
        self._uploads = 0
        self._parts: dict[str, bytes] = {}

    def add(self, manifest: Manifest, tag: str = "v1") -> Digest:
        """Take a manifest under a tag and its digest."""
        content = manifest.to_bytes()
        digest = Digest.of(content)
        self.manifests[tag] = self.manifests[str(digest)] = content
        return digest

    def add_blob(self, content: bytes) -> Digest:
        """Take a blob."""
        digest = Digest.of(content)
        self.blobs[str(digest)] = content
        return digest

    def fail(  # each test names what it needs
        self,
        change: Change,
        *,
        method: str = "GET",
        path: str = "/blobs/",
        times: int = 1_000_000,
        acts: bool = True,
        skips: int = 0,
        until: Callable[[], bool] | None = None,
    ) -> None:
        """Add a fault to the script."""
        self.faults.append(Scripted(change, method, path, times, acts, skips, until))

    def reference(self, tag: str = "v1") -> str:
        """Return the reference of the model that it holds."""
        return f"{self.address}/team/model:{tag}"

    def blob_requests(self) -> list[Request]:
        """Return the reads of blobs so far."""
        return [request for request in self.requests if request.method == "GET" and "/blobs/" in request.path]

    def cut(self, request: Request) -> int | None:
        """Return after how many bytes of this upload to hang up, once for each entry of `cuts`; None for not at all."""
        with self._lock:
            return self.cuts.pop(0) if request.method == "PATCH" and self.cuts else None

    def take_part(self, request: Request) -> None:
        """Keep what came of an upload whose connection broke."""
        with self._lock:
            self.requests.append(request)
        self._take(request)

    def parts_of(self, place: str) -> bytes:
        """Return what came of the upload at an address."""
        return self._parts.get(place, b"")

    def take_back(self, request: Request) -> None:
        """Take back the bytes that a write to an upload brought, and keep those before them."""
        place = request.path.partition("?")[0]
        self._parts[place] = self._parts[place].removesuffix(request.body)

    def forget(self, request: Request) -> None:
        """Take back what a write to an upload brought."""
        self._parts.pop(request.path.partition("?")[0], None)

    def answer(self, request: Request) -> Answer:
        """Answer a request, faults included."""
        with self._lock:
            self.requests.append(request)
            wanted = [fault for fault in self.faults if fault.wants(request)]
        answer = self.honest(request) if all(fault.acts for fault in wanted) else Answer(503)
        for fault in wanted:
            answer = fault.change(request, answer)
        return answer

    def honest(self, request: Request) -> Answer:
        """Answer as a registry does that is well."""
        if request.method in {"POST", "PATCH", "PUT"}:
            return self._take(request)
        name = request.path.partition("?")[0].rpartition("/")[2]
        if "/manifests/" in request.path and name in self.manifests:
            return Answer(200, self.manifests[name], {"Content-Type": MANIFEST_TYPE})
        where = request.path.partition("?")[0]
        if where in self._parts:
            return Answer(204, headers={"Location": where, "Range": f"0-{max(len(self._parts[where]) - 1, 0)}"})
        if "/blobs/" not in request.path or name not in self.blobs:
            return Answer(404, b'{"errors":[{"code":"NAME_UNKNOWN","message":"no such thing"}]}')
        content = self.blobs[name]
        if request.range is None:
            return Answer(200, content)
        start, stop = request.range
        part = content[start:stop]
        return Answer(206, part, {"Content-Range": f"bytes {start}-{start + len(part) - 1}/{len(content)}"})

    def _take(self, request: Request) -> Answer:
        """Take the writing half: POST, PATCH and PUT of a blob, and PUT of a manifest."""
        where, _, query = request.path.partition("?")
        if "/manifests/" in where:
            digest = str(Digest.of(request.body))
            self.manifests[where.rpartition("/")[2]] = self.manifests[digest] = request.body
            return Answer(201, headers={"Docker-Content-Digest": digest})
        if request.method == "POST":
            with self._lock:
                self._uploads += 1
                return Answer(202, headers={"Location": f"{where}{self._uploads}"})
        self._parts[where] = self._parts.get(where, b"") + request.body
        if request.method == "PATCH":
            return Answer(202, headers={"Location": where})
        content = self._parts.pop(where)
        if str(Digest.of(content)) != unquote(query.partition("digest=")[2]):
            return Answer(400, b'{"errors":[{"code":"DIGEST_INVALID","message":"other bytes"}]}')
        self.add_blob(content)
        return Answer(201, headers={"Docker-Content-Digest": str(Digest.of(content))})


Fake = TypeVar("Fake", bound=FakeRegistry)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake: FakeRegistry

    def do_GET(self) -> None:
        self._reply()

    do_HEAD = do_POST = do_PUT = do_PATCH = do_GET  # noqa: N815 - the names that http.server looks for

    def _reply(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers)
        cut = self.fake.cut(request)
        if cut is not None:
            self.fake.take_part(replace(request, body=self.rfile.read(cut)))
            self._reset()
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = self.fake.answer(replace(request, body=body))
        length = len(answer.body) if answer.length is None else answer.length
        if answer.manner is not None:
            self.wfile = answer.manner.begin(self.connection, self.fake.over)
        self.send_response_only(answer.status)
        for name, value in {"Date": self.date_time_string(), "Content-Length": str(length), **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)
        if answer.stalls:
            self.wfile.flush()
            self.rfile.read(1)
        if answer.resets:
            self._reset()
        if answer.manner is not None or answer.resets or answer.stalls or length != len(answer.body):
            self.close_connection = True

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing: tests read `requests`."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    fake: FakeRegistry

    def get_request(self) -> tuple[Any, Any]:
        """Accept a connection, and count it."""
        accepted = super().get_request()
        self.fake.connections += 1
        return accepted

    def handle_error(self, *_: object) -> None:
        """Say nothing of clients that hang up: that is what they shall do."""


@contextmanager
def fake_registry() -> Iterator[FakeRegistry]:
    """Serve a fake registry on loopback until the block ends."""
    with serving(FakeRegistry()) as fake:
        yield fake


@contextmanager
def serving(fake: Fake, tls: ssl.SSLContext | None = None) -> Iterator[Fake]:
    """Serve a fake on loopback until the block ends, behind TLS where that is given."""
    handler = type("Handler", (_Handler,), {"fake": fake})
    with _Server(("127.0.0.1", 0), handler) as server:
        server.fake = fake
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        fake.address = f"127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield fake
        finally:
            fake.over.set()
            server.shutdown()
            thread.join()
