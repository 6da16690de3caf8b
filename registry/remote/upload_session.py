"""An upload as a registry keeps it: opened, and completed with a digest (distribution-spec, "Pushing blobs").

Tests: tests/packer/test_outcomes.py
"""

import re
from typing import NamedTuple

from registry.digest import Digest
from registry.errors import Mismatch
from registry.http.response import Response
from registry.printable import printable

from .client import Client

BYTES = {"Content-Type": "application/octet-stream"}
ERROR_LIMIT = 64 << 10
_MOST_PART_BYTES = 64 << 20
"""What a registry may ask of a part at most: it is held in memory."""


class UploadSession(NamedTuple):
    """An open upload: its address, and how many bytes each part of the blob must have there, but the last."""

    location: str
    least_bytes: int = 0


def open_session(client: Client) -> UploadSession:
    """Open an upload. The registry discards one that is not completed."""
    url = client.url("blobs/uploads/")
    with client.request("POST", url, headers={}, accept=(202,), body=b"") as response:
        session = UploadSession(client.location(response), least_bytes(response))
        response.read(ERROR_LIMIT)
    return session


def close_session(client: Client, location: str, content: bytes, digest: Digest) -> None:
    """Complete an upload with its last bytes and its digest; raise Mismatch when the registry computed another one."""
    accept = (200, 201, 202, 204)
    with client.request("PUT", with_digest(location, digest), headers=BYTES, accept=accept, body=content) as response:
        cross_check(response, digest)


def least_bytes(response: Response) -> int:
    """Return how many bytes a part must have, as an answer to an upload says; 0 where it says nothing."""
    stated = response.headers.get("OCI-Chunk-Min-Length", "").strip()
    return min(int(stated), _MOST_PART_BYTES) if re.fullmatch("[0-9]{1,18}", stated) else 0


def with_digest(location: str, digest: Digest | None) -> str:
    """Return an upload's address with the digest that completes it."""
    return f"{location}{'&' if '?' in location else '?'}digest={digest}"


def cross_check(response: Response, digest: Digest) -> None:
    """Raise Mismatch when the registry computed another digest than that of the sent bytes."""
    counted = response.headers.get("Docker-Content-Digest")
    response.read(ERROR_LIMIT)
    if counted and counted.startswith("sha256:") and counted != str(digest):
        raise Mismatch(f"sent {digest}, but the registry counted {printable(counted)}")
