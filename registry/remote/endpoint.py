"""A repository at one host: manifests and small blobs whole, and the ranges of large ones.

Tests: tests/registry/remote/test_pull.py
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress

from registry.access.access import Access
from registry.digest import Digest, verified
from registry.documents.referrers import most_likely_signed, tag_of_referrers
from registry.errors import BadManifest, Fault, Mismatch, NotFound, Refused
from registry.http.codings import check_coding
from registry.http.ranges import Ranges
from registry.http.response import Response
from registry.manifest import ACCEPT, SIZE_LIMIT, Descriptor, Index, Manifest, parse_manifest
from registry.mirrors.host import Host
from registry.printable import printable
from registry.reference import Reference

from .client import Client

_MOST_REFERRERS = 64
_MOST_OUTAGES = 3
"""After so many temporary faults a host counts as down: each of its referrers would take as long as a request may."""


class RepositoryEndpoint:
    """A repository at one of the hosts that serve it. Safe to share between threads."""

    def __init__(self, access: Access, host: Host, reference: Reference, document_limit: int = SIZE_LIMIT) -> None:
        """`document_limit` are the bytes of a manifest, or of a list of referrers, above which none is read."""
        self._name, self._document_limit = str(reference), document_limit
        self._client = Client(access, host, reference, "pull")
        self.ranges = Ranges(self._client.request)

    def manifest(self, target: str, accept: Sequence[str] = ACCEPT) -> bytes:
        """Return a manifest's bytes; raise Mismatch when they differ from the digest that the host announces."""
        url, headers = self._client.url(f"manifests/{target}"), {"Accept": ", ".join(accept)}
        with self._client.request("GET", url, headers=headers, accept=(200,)) as response:
            check_coding(response.headers, self._name)
            content = _limited(response, self._name, self._document_limit)
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

    def attached(self, digest: Digest, tags: Collection[str]) -> Iterator[Manifest]:
        """Yield the manifests under some tags, and the referrers of a digest, as far as they can be read.

        What is no manifest, or missing, is left out: whoever may attach something must not hide what others attached.
        Bundles of signatures are read first, by the type that the list states; who lies about it gains nothing.
        Raises a Fault at the end where something could not be read, or where there was more than is read.
        """
        faults: list[Fault] = []
        for tag in tags:
            with _noted(faults):
                if isinstance(document := self._tagged(tag), Manifest):
                    yield document
        listed: list[Descriptor] = []
        with _noted(faults):
            listed.extend(self.referrers(digest))  # what was listed before a fault stays
        for descriptor in most_likely_signed(listed)[:_MOST_REFERRERS]:
            if sum(fault.temporary for fault in faults) >= _MOST_OUTAGES:
                break
            with _noted(faults), suppress(NotFound, BadManifest, Mismatch):
                content = self.manifest(str(descriptor.digest))
                document = parse_manifest(verified(str(descriptor.digest), content, descriptor.size, descriptor.digest))
                if isinstance(document, Manifest):
                    yield document
        if len(listed) > _MOST_REFERRERS:
            said = f"{self._name}: {len(listed)} manifests refer to {digest}, of which {_MOST_REFERRERS} were read"
            faults.append(Refused(said, hint="remove those that nobody needs: a signature may be among the others"))
        if faults:
            raise next((fault for fault in faults if fault.temporary), faults[0])

    def referrers(self, digest: Digest) -> Iterator[Descriptor]:
        """Yield what refers to a digest: by the registry's API, or by the list under the tag in its place."""
        from .referrers import referrers_by_api  # noqa: PLC0415 - most pulls need it not

        try:
            yield from referrers_by_api(self._client, self._name, digest, self._document_limit)
        except NotFound:
            listed = self._tagged(tag_of_referrers(digest))
            yield from listed.manifests if isinstance(listed, Index) else ()

    def _tagged(self, tag: str) -> Manifest | Index | None:
        try:
            return parse_manifest(self.manifest(tag))
        except (NotFound, BadManifest):
            return None

    def url(self, descriptor: Descriptor) -> str:
        """Return the address of a blob, for `ranges`."""
        return self._client.url(f"blobs/{descriptor.digest}")


@contextmanager
def _noted(faults: list[Fault]) -> Iterator[None]:
    """Note a fault in place of raising it."""
    try:
        yield
    except Fault as error:
        faults.append(error)


def _limited(response: Response, name: str, limit: int) -> bytes:
    if (response.length or 0) > limit:
        raise BadManifest(f"{name}: its manifest has {response.length} bytes; more than {limit} are not read")
    try:
        return response.read(limit)
    except Mismatch as error:
        raise BadManifest(f"{name}: its manifest is longer than the {limit} bytes that are read") from error
