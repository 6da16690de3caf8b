"""Write artifacts to a registry (distribution-spec, "Pushing")."""

import re
from collections.abc import Callable
from enum import Enum
from typing import Self
from urllib.parse import quote

from .client import Access, Client, failure
from .digest import Digest
from .errors import Fault, Mismatch, NotFound, Refused, TakenOtherwise, Unauthorized, Unavailable
from .exchange import Outgoing, Response
from .manifest import Manifest
from .printable import printable
from .reference import Reference
from .retry import patiently

_BYTES = {"Content-Type": "application/octet-stream"}
_ERROR_LIMIT = 64 << 10
_ARRIVED = re.compile(r"(?:bytes=)?0-(\d+)")

CHUNK_BYTES = 64 << 20
"""What a request of a chunked upload carries: under the 100 MB of common proxies."""


class Manner(Enum):
    """How a registry takes a large blob.

    One streamed PATCH, as docker sends it, is taken nearly everywhere. Behind a proxy with a limit it must come in
    chunks; a registry without PATCH wants one PUT, for which the digest must be known before the first byte.
    """

    STREAMED = "one PATCH"
    CHUNKED = "many PATCHes"
    WHOLE = "one PUT"


_BETTER = {413: Manner.CHUNKED, 404: Manner.WHOLE, 405: Manner.WHOLE, 416: Manner.WHOLE, 501: Manner.WHOLE}


class RemoteUpload:
    """A blob on its way in the given manner. Raises TakenOtherwise, `learn` told, when another manner would do."""

    def __init__(
        self, client: Client, location: str, size: int | None, manner: Manner, learn: Callable[[Manner], None]
    ) -> None:
        self._client, self._location, self._size = client, location, size
        self._manner, self._learn = manner, learn
        self._stretch = CHUNK_BYTES if manner is Manner.CHUNKED else size or 0
        self._outgoing: Outgoing | None = None
        self._sent = self._until = self._resumed = 0

    def write(self, content: memoryview) -> None:
        """Send the next bytes."""
        while content:
            if self._outgoing is None:
                self._begin(len(content))
            part = content[: self._until - self._sent]
            was_sent = self._outgoing is not None and self._outgoing.write(part)
            self._sent += len(part)
            content = content[len(part) :]
            if self._sent == self._until or not was_sent:
                self._end()

    def resume(self) -> int:
        """Ask how much has arrived, to go on behind it after a broken connection; give that offset.

        Raises Unavailable and the other faults of a request when the upload is lost (distribution-spec, "Chunked
        Upload": GET of the upload's address answers its Range, and the address to go on with).
        """
        self._hang_up()
        if self._manner is Manner.WHOLE:
            raise Unavailable(f"{self._client.origin}: an upload in one PUT cannot go on in the middle")
        with self._client.request("GET", self._location, headers={}, accept=(204,)) as response:
            arrived = _ARRIVED.fullmatch(response.headers.get("Range", ""))
            self._location = _location(self._client, response)
        last = int(arrived[1]) if arrived else 0
        self._sent = self._until = self._resumed = last + 1 if last else 0  # registries write 0-0 for nothing, too
        return self._sent

    def commit(self, digest: Digest) -> None:
        """Close the blob under its digest; raise Mismatch when the registry counted another one."""
        if self._manner is not Manner.WHOLE:
            _close(self._client, self._location, b"", digest)

    def _begin(self, at_hand: int) -> None:
        """Begin a request; of a blob whose size nobody knows it carries just what is at hand."""
        rest = at_hand if self._size is None else self._size - self._sent
        self._until = self._sent + min(self._stretch, rest)
        headers = {**_BYTES, "Content-Length": str(self._until - self._sent)}
        if self._manner is Manner.CHUNKED or self._sent:
            headers["Content-Range"] = f"{self._sent}-{self._until - 1}"
        self._outgoing = self._client.stream(self._method, self._location, headers)

    def _end(self) -> None:
        outgoing, self._outgoing = self._outgoing, None
        if outgoing is None:
            return
        with outgoing.finish() as response:
            if response.status not in (201, 202, 204):
                raise self._refused(response)
            response.read(_ERROR_LIMIT)
            if self._manner is not Manner.WHOLE:
                self._location = _location(self._client, response)

    @property
    def _method(self) -> str:
        return "PUT" if self._manner is Manner.WHOLE else "PATCH"

    def _refused(self, response: Response) -> Fault:
        said = failure(self._method, response, self._client.who)
        if response.status == 416 and self._resumed:
            return Unavailable(str(said))  # more of the broken request arrived after the registry was asked
        better = _BETTER.get(response.status)
        if better is None or better is self._manner or self._manner is Manner.WHOLE:
            return said
        self._learn(better)
        return TakenOtherwise(f"{self._client.origin}: answered {response.status}: blobs are sent as {better.value}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._hang_up()

    def _hang_up(self) -> None:
        if self._outgoing is not None:
            self._outgoing.abort()
            self._outgoing = None


class RemotePublisher:
    """A repository of a registry, to be written. Safe to share between threads."""

    def __init__(self, access: Access, reference: Reference) -> None:
        if reference.digest:
            raise Refused(f"{reference}: names a digest, which nobody can choose", remedy="push to a tag")
        self._reference, self._transport = reference, access.transport
        self._client = Client(access, access.itself(reference), reference, "pull,push")
        self._manner = Manner.STREAMED

    def pinned(self, digest: Digest) -> str:
        """Give the reference with its digest."""
        return str(self._reference.pinned(digest))

    def interrupt(self) -> None:
        """Break every connection in use."""
        self._transport.interrupt()

    def has(self, digest: Digest) -> bool:
        """Tell whether a blob is there already."""

        def ask() -> bool:
            url = self._client.url(f"blobs/{digest}")
            try:
                with self._client.request("HEAD", url, headers={}, accept=(200,)) as response:
                    return response.status == 200
            except NotFound:
                return False

        return patiently(ask)

    def mount(self, digest: Digest, repository: str) -> bool:
        """Take a blob over from another repository of the registry; False when it would rather have the bytes."""
        url = self._client.url(f"blobs/uploads/?mount={digest}&from={quote(repository)}")
        try:
            with self._client.request(
                "POST", url, headers={}, accept=(201, 202), body=b"", also_reads=repository
            ) as response:
                response.read(_ERROR_LIMIT)
                return response.status == 201
        except (Unauthorized, NotFound, Refused):
            return False

    @property
    def wants_digest_first(self) -> bool:
        """Whether this registry takes large blobs only under a digest that is known before."""
        return self._manner is Manner.WHOLE

    def begin(self, size: int | None, digest: Digest | None = None) -> RemoteUpload:
        """Begin a blob; both its size and its digest may be unknown, unless `wants_digest_first`."""
        location, manner = self._open(), self._manner
        if manner is Manner.WHOLE:
            location = _with_digest(location, digest)
        elif size is None:
            manner = Manner.CHUNKED  # one request must say how much it brings
        return RemoteUpload(self._client, location, size, manner, self._learn)

    def _learn(self, manner: Manner) -> None:
        self._manner = manner

    def put(self, content: bytes, digest: Digest) -> None:
        """Write a small blob whole."""
        patiently(lambda: _close(self._client, self._open(), content, digest))

    def put_manifest(self, manifest: Manifest) -> Digest:
        """Write the manifest under the reference's tag; raise Mismatch when the registry counted another digest."""
        content = manifest.to_bytes()
        digest = Digest.of(content)
        url = self._client.url(f"manifests/{self._reference.target}")

        def send() -> None:
            headers = {"Content-Type": manifest.media_type}
            with self._client.request("PUT", url, headers=headers, accept=(201,), body=content) as response:
                _cross_check(response, digest)

        patiently(send)
        return digest

    def _open(self) -> str:
        url = self._client.url("blobs/uploads/")
        with self._client.request("POST", url, headers={}, accept=(202,), body=b"") as response:
            location = _location(self._client, response)
            response.read(_ERROR_LIMIT)
        return location


def _close(client: Client, location: str, content: bytes, digest: Digest) -> None:
    with client.request("PUT", _with_digest(location, digest), headers=_BYTES, accept=(201,), body=content) as response:
        _cross_check(response, digest)


def _with_digest(location: str, digest: Digest | None) -> str:
    return f"{location}{'&' if '?' in location else '?'}digest={digest}"


def _cross_check(response: Response, digest: Digest) -> None:
    counted = response.headers.get("Docker-Content-Digest")
    response.read(_ERROR_LIMIT)
    if counted and counted.startswith("sha256:") and counted != str(digest):
        raise Mismatch(f"sent {digest}, but the registry counted {printable(counted)}")


def _location(client: Client, response: Response) -> str:
    return client.location(response)
