"""Read artifacts from a registry (distribution-spec, "Pulling")."""

import re

from .client import Access, Client
from .digest import Digest, verified
from .errors import BadManifest, Fault, Mismatch, NotFound, Refused, Unauthorized
from .exchange import Response
from .manifest import ACCEPT, SIZE_LIMIT, Descriptor, Manifest, parse_manifest
from .reference import Reference
from .repository import Resolved, choose, parse_single
from .retry import patiently

_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
_STALE = (Unauthorized, NotFound, Refused)


class RemoteBody:
    """A blob's bytes on their way from a registry."""

    def __init__(self, response: Response, start: int, stop: int) -> None:
        self._response, self.start, self.stop = response, start, stop

    def readinto(self, buffer: memoryview) -> int:
        """Fill the buffer; 0 at the end. Raises Unavailable when the connection breaks."""
        return self._response.readinto(buffer)

    def abort(self) -> None:
        """Break the connection."""
        self._response.abort()

    def close(self) -> None:
        """Free the connection."""
        self._response.close()


class RemoteRepository:
    """A repository of a registry, to be read. Safe to share between threads."""

    def __init__(self, access: Access, reference: Reference) -> None:
        self._reference = reference
        self._client = Client(access, reference, "pull")
        self._moved: dict[Digest, str] = {}

    def resolve(self) -> Resolved:
        """Look the reference up; see Repository.resolve."""
        content = self._manifest(self._reference.target)
        wanted = self._reference.digest
        digest = Digest.of(content, wanted.algorithm) if wanted else Digest.of(content)
        if wanted not in (None, digest):
            raise Mismatch(f"{self._reference}: the registry answered {digest}")
        found = choose(parse_manifest(content), str(self._reference))
        return Resolved(digest=digest, manifest=found if isinstance(found, Manifest) else self._child(found))

    def pinned(self, digest: Digest) -> str:
        """Give the reference with its digest."""
        return str(self._reference.pinned(digest))

    def read(self, descriptor: Descriptor, limit: int) -> bytes:
        """Give a small blob whole and verified."""
        if descriptor.size > limit:
            raise BadManifest(f"{descriptor.digest}: {descriptor.size} bytes where at most {limit} are read")
        url = self._client.url(f"blobs/{descriptor.digest}")

        def ask() -> bytes:
            with self._client.request("GET", url, headers={}, accept=(200,)) as response:
                return response.read(descriptor.size)

        return verified(str(descriptor.digest), patiently(ask), descriptor.size, descriptor.digest)

    def open(self, descriptor: Descriptor, start: int, stop: int) -> RemoteBody:
        """Ask for bytes `start` to `stop` of a blob; the body is the whole blob when the registry knows no ranges.

        Where a blob was redirected to is remembered: the next range goes there at once, and back to the
        registry when that address has lapsed.
        """
        headers = {} if start == 0 and stop == descriptor.size else {"Range": f"bytes={start}-{stop - 1}"}
        moved = self._moved.get(descriptor.digest)
        if moved:
            try:
                return self._get(moved, headers, descriptor, start)
            except _STALE:
                self._moved.pop(descriptor.digest, None)
        return self._get(self._client.url(f"blobs/{descriptor.digest}"), headers, descriptor, start)

    def _get(self, url: str, headers: dict[str, str], descriptor: Descriptor, start: int) -> RemoteBody:
        response = self._client.request("GET", url, headers=headers, accept=(200, 206))
        try:
            begin, end = _check_head(response, descriptor, start)
        except Fault:
            response.close()
            raise
        if response.url != url:
            self._moved[descriptor.digest] = response.url
        return RemoteBody(response, begin, end)

    def _child(self, descriptor: Descriptor) -> Manifest:
        content = self._manifest(str(descriptor.digest))
        verified(str(descriptor.digest), content, descriptor.size, descriptor.digest)
        return parse_single(content, str(self._reference))

    def _manifest(self, target: str) -> bytes:
        url = self._client.url(f"manifests/{target}")

        def ask() -> bytes:
            with self._client.request("GET", url, headers={"Accept": ", ".join(ACCEPT)}, accept=(200,)) as response:
                content = _limited(response, str(self._reference))
                promised = response.headers.get("Docker-Content-Digest")
            if promised and promised.startswith("sha256:") and promised != str(Digest.of(content)):
                raise Mismatch(f"{self._reference}: announced as {promised}, but it is {Digest.of(content)}")
            return content

        return patiently(ask)


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
