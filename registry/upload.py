"""Write artifacts to a registry (distribution-spec, "Pushing")."""

from typing import Self
from urllib.parse import quote

from .client import Access, Client, failure
from .digest import Digest
from .errors import Mismatch, NotFound, Refused, Unauthorized
from .exchange import Outgoing, Response
from .manifest import Manifest
from .reference import Reference
from .retry import patiently

_BYTES = {"Content-Type": "application/octet-stream"}
_ERROR_LIMIT = 64 << 10


class RemoteUpload:
    """A blob that is sent while its digest is still being counted: POST, one PATCH, PUT with the digest."""

    def __init__(self, client: Client, location: str, size: int) -> None:
        self._client, self._location = client, location
        self._outgoing: Outgoing | None = client.stream("PATCH", location, {**_BYTES, "Content-Length": str(size)})

    def write(self, content: memoryview) -> None:
        """Send the next bytes."""
        if self._outgoing is None:
            raise ValueError("this upload is closed")
        self._outgoing.write(content)

    def commit(self, digest: Digest) -> None:
        """Close the blob under its digest; raise Mismatch when the registry counted another one."""
        if self._outgoing is None:
            raise ValueError("this upload is closed")
        with self._outgoing.finish() as response:
            self._outgoing = None
            if response.status not in (201, 202, 204):
                raise failure("PATCH", response, self._client.who)
            location = _location(self._client, response)
            response.read(_ERROR_LIMIT)
        _close(self._client, location, b"", digest)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._outgoing is not None:
            self._outgoing.abort()
            self._outgoing = None


class RemotePublisher:
    """A repository of a registry, to be written. Safe to share between threads."""

    def __init__(self, access: Access, reference: Reference) -> None:
        if reference.digest:
            raise Refused(f"{reference}: names a digest, which nobody can choose", remedy="push to a tag")
        self._reference = reference
        self._client = Client(access, reference, "pull,push")

    def pinned(self, digest: Digest) -> str:
        """Give the reference with its digest."""
        return str(self._reference.pinned(digest))

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

    def begin(self, size: int) -> RemoteUpload:
        """Begin a blob of `size` bytes whose digest is not known yet."""
        return RemoteUpload(self._client, self._open(), size)

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
    glue = "&" if "?" in location else "?"
    url = f"{location}{glue}digest={digest}"
    with client.request("PUT", url, headers=_BYTES, accept=(201,), body=content) as response:
        _cross_check(response, digest)


def _cross_check(response: Response, digest: Digest) -> None:
    counted = response.headers.get("Docker-Content-Digest")
    response.read(_ERROR_LIMIT)
    if counted and counted.startswith("sha256:") and counted != str(digest):
        raise Mismatch(f"sent {digest}, but the registry counted {counted}")


def _location(client: Client, response: Response) -> str:
    location = response.headers.get("Location")
    if not location:
        raise Refused(f"{client.origin}: opened an upload without saying where")
    return client.url(location)
