"""A repository at one host: manifests and small blobs whole, and the ranges of large ones.

Tests: tests/registry/remote/test_pull.py
"""

from registry.access.access import Access
from registry.digest import Digest, verified
from registry.errors import BadManifest, Mismatch
from registry.http.codings import check_coding
from registry.http.ranges import Ranges
from registry.http.response import Response
from registry.manifest import ACCEPT, SIZE_LIMIT, Descriptor
from registry.mirrors.host import Host
from registry.printable import printable
from registry.reference import Reference

from .client import Client


class RepositoryEndpoint:
    """A repository at one of the hosts that serve it. Safe to share between threads."""

    def __init__(self, access: Access, host: Host, reference: Reference) -> None:
        self._name = str(reference)
        self._client = Client(access, host, reference, "pull")
        self.ranges = Ranges(self._client.request)

    def manifest(self, target: str) -> bytes:
        """Return a manifest's bytes; raise Mismatch when they differ from the digest that the host announces."""
        url, headers = self._client.url(f"manifests/{target}"), {"Accept": ", ".join(ACCEPT)}
        with self._client.request("GET", url, headers=headers, accept=(200,)) as response:
            check_coding(response.headers, self._name)
            content = _limited(response, self._name)
            promised = response.headers.get("Docker-Content-Digest")
        if promised and promised.startswith("sha256:") and promised != str(Digest.of(content)):
            raise Mismatch(f"{self._name}: announced as {printable(promised)}, but it is {Digest.of(content)}")
        return content

    def blob(self, descriptor: Descriptor) -> bytes:
        """Return a small blob whole and verified."""
        with self._client.request("GET", self.url(descriptor), headers={}, accept=(200,)) as response:
            check_coding(response.headers, str(descriptor.digest))
            content = response.read(descriptor.size)
        return verified(str(descriptor.digest), content, descriptor.size, descriptor.digest)

    def url(self, descriptor: Descriptor) -> str:
        """Return the address of a blob, for `ranges`."""
        return self._client.url(f"blobs/{descriptor.digest}")


def _limited(response: Response, name: str) -> bytes:
    if (response.length or 0) > SIZE_LIMIT:
        raise BadManifest(f"{name}: its manifest has {response.length} bytes; more than {SIZE_LIMIT} are not read")
    try:
        return response.read(SIZE_LIMIT)
    except Mismatch as error:
        raise BadManifest(f"{name}: its manifest is longer than the {SIZE_LIMIT} bytes that are read") from error
