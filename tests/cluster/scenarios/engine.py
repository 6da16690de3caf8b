"""An inference server for tests: it says what it was given, and of each file how much is in memory, and then serves.

It runs in the image `localhost/engine:…`, over our own image's Python, as `python /engine.py ARGUMENTS`. Its first line
on stdout is a JSON object; port 8000 answers once it is written.
"""

import ctypes
import hashlib
import json
import mmap
import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_MAP_FAILED = ctypes.c_void_p(-1).value
_C = ctypes.CDLL(None, use_errno=True)
_C.mmap.restype = ctypes.c_void_p
_C.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
_C.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_C.mincore.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p]


def resident(path: Path) -> tuple[int, int]:
    """Return how many of a file's pages are in memory, and how many it has; without reading any."""
    size = path.stat().st_size
    if not size:
        return 0, 0
    pages = -(-size // mmap.PAGESIZE)
    seen = ctypes.create_string_buffer(pages)
    with path.open("rb") as file:
        address = _C.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, file.fileno(), 0)
    if address == _MAP_FAILED or _C.mincore(address, size, seen):
        raise OSError(ctypes.get_errno(), f"mincore of {path}")
    _C.munmap(address, size)
    return sum(one & 1 for one in seen.raw), pages


def forget(path: Path) -> None:
    """Drop a file's pages from memory."""
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def share(paths: list[Path]) -> float:
    """Return which share of all pages of files is in memory."""
    counts = [resident(path) for path in paths]
    return sum(there for there, _ in counts) / max(1, sum(pages for _, pages in counts))


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, however small this container's memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def report() -> dict[str, object]:
    """Return what this server was given, what is in memory of it, and then how its bytes are.

    The model is where `--model` says, and nowhere before a Deployment is labelled.
    """
    started = time.time()
    root = Path(sys.argv[1 + sys.argv[1:].index("--model") + 1])
    paths = sorted(path for path in root.rglob("*") if path.is_file())
    in_memory = share(paths)
    digests = {str(path.relative_to(root)): digest(path) for path in paths}
    for path in paths:
        forget(path)
    return {
        "time": started,
        "arguments": sys.argv[1:],
        "files": digests,
        "resident": in_memory,
        "resident_when_forgotten": share(paths),  # a mincore that may not look says that all is there
    }


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - http.server's name
        """Stay silent: the report is all that the log has."""


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    sys.stdout.write(json.dumps(report()) + "\n")
    sys.stdout.flush()
    ThreadingHTTPServer(("0.0.0.0", 8000), _Answer).serve_forever()  # noqa: S104 - the kubelet probes the pod's address
