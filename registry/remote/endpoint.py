"""Reads of one repository from one host."""

import threading

from registry.digest import Digest, verified
from registry.errors import BadManifest, Mismatch
from registry.http.codings import check_coding
from registry.http.ranges import Ranges
from registry.http.response import Response
from registry.manifest import ACCEPT, SIZE_LIMIT, Descriptor
from registry.mirrors.host import Host
from registry.printable import printable
from registry.reference import Reference

from .client import Access, Client


class RepositoryEndpoint:
    """A repository at one of the hosts that serve it. Safe to share between threads."""

    def __init__(self, access: Access, host: Host, reference: Reference) -> None:
        self._access, self._host, self._reference = access, host, reference
        self._made: Client | None = None
        self._ranges = Ranges(self._get)
        self._lock = threading.Lock()

    def manifest(self, target: str) -> bytes:
        """Return a manifest's bytes; raise Mismatch when they differ from the digest that the host announces."""
        url, headers = self._client.url(f"manifests/{target}"), {"Accept": ", ".join(ACCEPT)}
        with self._client.request("GET", url, headers=headers, accept=(200,)) as response:
            check_coding(response.headers, str(self._reference))
            content = _limited(response, str(self._reference))
            promised = response.headers.get("Docker-Content-Digest")
        if promised and promised.startswith("sha256:") and promised != str(Digest.of(content)):
            raise Mismatch(f"{self._reference}: announced as {printable(promised)}, but it is {Digest.of(content)}")
        return content

    def blob(self, descriptor: Descriptor) -> bytes:
        """Return a small blob whole and verified."""
        url = self._client.url(f"blobs/{descriptor.digest}")
        with self._client.request("GET", url, headers={}, accept=(200,)) as response:
            check_coding(response.headers, str(descriptor.digest))
            content = response.read(descriptor.size)
        return verified(str(descriptor.digest), content, descriptor.size, descriptor.digest)

    def open(self, descriptor: Descriptor, start: int, stop: int) -> tuple[Response, int, int]:
        """Request bytes `start` to `stop` of a blob; return the answer and the offsets of its first byte and end."""
        return self._ranges.open(self._client.url(f"blobs/{descriptor.digest}"), descriptor, start, stop)

    @property
    def _client(self) -> Client:
        """The client; made when first needed, because it reads credentials."""
        with self._lock:
            if self._made is None:
                self._made = Client(self._access, self._host, self._reference, "pull")
            return self._made

    def _get(self, url: str, headers: dict[str, str]) -> Response:
        return self._client.request("GET", url, headers=headers, accept=(200, 206, 416))


def _limited(response: Response, name: str) -> bytes:
    if (response.length or 0) > SIZE_LIMIT:
        raise BadManifest(f"{name}: its manifest has {response.length} bytes; more than {SIZE_LIMIT} are not read")
    try:
        return response.read(SIZE_LIMIT)
    except Mismatch as error:
        raise BadManifest(f"{name}: its manifest is longer than the {SIZE_LIMIT} bytes that are read") from error
