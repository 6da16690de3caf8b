"""One host, as one repository is read from it."""

import re
import threading

from .client import Access, Client
from .digest import Digest, verified
from .errors import BadManifest, Fault, Mismatch, NotFound, Refused, Unauthorized
from .exchange import Response
from .host import Host
from .manifest import ACCEPT, SIZE_LIMIT, Descriptor
from .reference import Reference

_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
_STALE = (Unauthorized, NotFound, Refused)


class Site:
    """A repository at one of the hosts that serve it. Safe to share between threads."""

    def __init__(self, access: Access, host: Host, reference: Reference) -> None:
        self._access, self._host, self._reference = access, host, reference
        self._made: Client | None = None
        self._moved: dict[Digest, str] = {}
        self._lock = threading.Lock()

    def manifest(self, target: str) -> bytes:
        """Give a manifest's bytes; raise Mismatch when they are not what the host itself announces."""
        url, headers = self._client.url(f"manifests/{target}"), {"Accept": ", ".join(ACCEPT)}
        with self._client.request("GET", url, headers=headers, accept=(200,)) as response:
            content = _limited(response, str(self._reference))
            promised = response.headers.get("Docker-Content-Digest")
        if promised and promised.startswith("sha256:") and promised != str(Digest.of(content)):
            raise Mismatch(f"{self._reference}: announced as {promised}, but it is {Digest.of(content)}")
        return content

    def blob(self, descriptor: Descriptor) -> bytes:
        """Give a small blob whole and verified."""
        url = self._client.url(f"blobs/{descriptor.digest}")
        with self._client.request("GET", url, headers={}, accept=(200,)) as response:
            content = response.read(descriptor.size)
        return verified(str(descriptor.digest), content, descriptor.size, descriptor.digest)

    def open(self, descriptor: Descriptor, start: int, stop: int) -> tuple[Response, int, int]:
        """Ask for bytes `start` to `stop` of a blob; give the answer and the offsets of its first byte and its end.

        Where a blob was redirected to is remembered: the next range goes there at once, and back to the
        host when that address has lapsed.
        """
        headers = {} if start == 0 and stop == descriptor.size else {"Range": f"bytes={start}-{stop - 1}"}
        moved = self._moved.get(descriptor.digest)
        if moved:
            try:
                return self._get(moved, headers, descriptor, start)
            except _STALE:
                self._moved.pop(descriptor.digest, None)
        return self._get(self._client.url(f"blobs/{descriptor.digest}"), headers, descriptor, start)

    @property
    def _client(self) -> Client:
        """Whom to ask through; made when first needed, for it looks for credentials."""
        with self._lock:
            if self._made is None:
                self._made = Client(self._access, self._host, self._reference, "pull")
            return self._made

    def _get(self, url: str, headers: dict[str, str], descriptor: Descriptor, start: int) -> tuple[Response, int, int]:
        response = self._client.request("GET", url, headers=headers, accept=(200, 206))
        try:
            begin, end = _check_head(response, descriptor, start)
        except Fault:
            response.close()
            raise
        if response.url != url:
            self._moved[descriptor.digest] = response.url
        return response, begin, end


def _limited(response: Response, name: str) -> bytes:
    if (response.length or 0) > SIZE_LIMIT:
        raise BadManifest(f"{name}: its manifest has {response.length} bytes; more than {SIZE_LIMIT} are not read")
    try:
        return response.read(SIZE_LIMIT)
    except Mismatch as error:
        raise BadManifest(f"{name}: its manifest is longer than the {SIZE_LIMIT} bytes that are read") from error


def _check_head(response: Response, descriptor: Descriptor, start: int) -> tuple[int, int]:
    """Compare an answer's head with what was asked; give the offsets of the body's first byte and of its end."""
    name = str(descriptor.digest)
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Refused(f"{name}: came with Content-Encoding {response.headers['Content-Encoding']!r}, unasked")
    if response.status == 200:
        if response.length not in (None, descriptor.size):
            raise Mismatch(f"{name}: {response.length} bytes are offered, {descriptor.size} were promised")
        return 0, descriptor.size
    answered = response.headers.get("Content-Range", "")
    match = _CONTENT_RANGE.fullmatch(answered)
    if not match or int(match[1]) != start or match[3] not in ("*", str(descriptor.size)):
        raise Mismatch(f"{name}: asked for bytes from {start} of {descriptor.size}, was answered {answered!r}")
    return start, int(match[2]) + 1
