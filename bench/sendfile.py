"""A registry that needs very little CPU: `python -m bench.sendfile FOLDER [BYTES_A_SECOND]`.

Repository NAME serves the files of FOLDER/NAME by sendfile(2). Pushed bytes are read and discarded, except manifests
and blobs of up to 64 KiB: after `push FOLDER/NAME`, the manifest names the file of each digest. The second argument
limits the rate of every connection, as object stores do. Prints its port.
"""

import hashlib
import json
import os
import re
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

_SO_MAX_PACING_RATE = 47
_KEEP_BYTES = 64 << 10
_BUFFER_BYTES = 1 << 20
_STRETCH_BYTES = 8 << 20
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_PATH = re.compile(r"/v2/(?P<name>[^?]+)/(?P<kind>manifests|blobs)/(?P<what>[^?/]+)/?(?:[^?/]*)(?:\?(?P<query>.*))?")


class Origin(ThreadingHTTPServer):
    """The state of all connections: the manifests of each repository, and how much was sent when."""

    request_queue_size = 128

    def __init__(self, folder: Path, rate: int) -> None:
        super().__init__(("127.0.0.1", 0), Connection)
        self.folder, self.rate = folder, rate
        self.kept: dict[tuple[str, str], tuple[bytes, str]] = {}
        self.files: dict[tuple[str, str], Path] = {}
        self.sent = 0
        self.last_byte = 0.0
        self.lock = threading.Lock()

    def learn(self, name: str, reference: str, content: bytes, media_type: str) -> str:
        """Store a manifest under its tag and its digest; return the digest."""
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self.kept[name, reference] = self.kept[name, digest] = (content, media_type)
        for layer in json.loads(content).get("layers", []):
            title = layer.get("annotations", {}).get("org.opencontainers.image.title")
            if title:
                self.files[name, layer["digest"]] = self.folder / name / title
        return digest

    def count(self, sent: int) -> None:
        """Record that `sent` bytes were sent."""
        with self.lock:
            self.sent += sent
            self.last_byte = time.monotonic()


class Connection(BaseHTTPRequestHandler):
    """One client's connection."""

    server: Origin
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        """Limit the connection's rate, if there is a limit."""
        if self.server.rate:
            self.request.setsockopt(socket.SOL_SOCKET, _SO_MAX_PACING_RATE, self.server.rate)
        super().setup()

    def log_message(self, format: str, *_: Any) -> None:  # noqa: A002 - the base class named it
        """Log nothing: the harness asks for /status."""

    def do_GET(self) -> None:
        """Answer with a manifest, a blob, a file of the folder, or the counters."""
        if self.path == "/v2/":
            self._answer(200)
        elif self.path == "/status":
            state = {"sent": self.server.sent, "last_byte": self.server.last_byte}
            self._answer(200, json.dumps(state).encode())
        elif self.path.startswith("/files/"):
            self._send_file(self.server.folder / self.path.removeprefix("/files/"))
        else:
            self._send_part(*self._asked())

    do_HEAD = do_GET  # noqa: N815 - the base class named it

    def do_POST(self) -> None:
        """Open an upload."""
        self._discard()
        name = self._asked()[0]
        self._answer(202, headers={"Location": f"/v2/{name}/blobs/uploads/{time.monotonic_ns()}"})

    def do_PATCH(self) -> None:
        """Read and discard an upload's bytes."""
        count = self._discard()
        self._answer(202, headers={"Location": self.path, "Range": f"0-{max(count - 1, 0)}"})

    def do_PUT(self) -> None:
        """Complete an upload, or store a manifest."""
        name, kind, what, query = self._asked()
        size = int(self.headers.get("Content-Length", "0"))
        if kind == "blobs":
            what = query.rpartition("digest=")[2].replace("%3A", ":").replace("%3a", ":")
            if 0 < size <= _KEEP_BYTES:
                self.server.kept[name, what] = (self.rfile.read(size), "application/octet-stream")
            else:
                self._discard()
            digest = what
        else:
            digest = self.server.learn(name, what, self.rfile.read(size), self.headers.get("Content-Type", ""))
        self._answer(201, headers={"Docker-Content-Digest": digest, "Location": f"/v2/{name}/{kind}/{digest}"})

    def _asked(self) -> tuple[str, str, str, str]:
        match = _PATH.fullmatch(self.path)
        return (match["name"], match["kind"], match["what"], match["query"] or "") if match else ("", "", "", "")

    def _send_part(self, name: str, _kind: str, what: str, _query: str) -> None:
        kept = self.server.kept.get((name, what))
        if kept:
            content, media_type = kept
            digest = what if what.startswith("sha256:") else f"sha256:{hashlib.sha256(content).hexdigest()}"
            self._answer(200, content, {"Content-Type": media_type, "Docker-Content-Digest": digest})
        elif path := self.server.files.get((name, what)):
            self._send_file(path)
        else:
            self._answer(404, b'{"errors":[{"code":"NOT_FOUND"}]}')

    def _send_file(self, path: Path) -> None:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            match = _RANGE.fullmatch(self.headers.get("Range", ""))
            start, stop = (int(match[1]), min(int(match[2] or size) + 1, size)) if match else (0, size)
            self.send_response(206 if match else 200)
            if match:
                self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{size}")
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Content-Length", str(stop - start))
            self.end_headers()
            if self.command == "GET":
                self._pour(file.fileno(), start, stop)

    def _pour(self, handle: int, start: int, stop: int) -> None:
        try:
            while start < stop:
                sent = os.sendfile(self.connection.fileno(), handle, start, min(stop - start, _STRETCH_BYTES))
                start += sent
                self.server.count(sent)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _answer(self, status: int, content: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _discard(self) -> int:
        """Read and discard the request's body; return its size."""
        size = left = int(self.headers.get("Content-Length", "0"))
        buffer = memoryview(bytearray(min(left, _BUFFER_BYTES)))
        while left:
            count = self.rfile.readinto(buffer[: min(left, len(buffer))])
            if not count:
                break
            left -= count
        return size


def main() -> None:
    """Serve until killed."""
    server = Origin(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    sys.stdout.write(f"port {server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
