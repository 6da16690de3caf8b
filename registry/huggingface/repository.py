"""Read model repositories of the Hugging Face hub, presented as a registry would present an artifact.

1. Ask the hub which commit the revision is, and which files it has. From here on only the commit counts.
2. Read the files that git itself holds: they are small; each is verified by its blob id, then hashed for a digest.
3. Make the manifest, with one layer for each file.
Large files are then read in ranges like any blob, and verified by the sha256 in the hub's commit.

Tests: tests/puller/test_hub.py
"""

import threading
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from registry.access.access import Access
from registry.digest import Digest, verified
from registry.errors import BadHubAnswer
from registry.http.codings import check_coding
from registry.http.ranges import Ranges
from registry.http.redirects import RedirectRule, Redirects
from registry.http.response import Response
from registry.http.retry import Patience
from registry.manifest import Descriptor, Manifest
from registry.net.origin import Origin
from registry.process.threads import Lane, run
from registry.repository import BlobReader, Resolved
from registry.source import HubSource

from .api import HuggingFace
from .snapshot import HubFile, Listing, Snapshot, blob_digest

_PLAIN_LIMIT = 32 << 20
"""The size limit of a file that git itself holds: the hub accepts 10 MiB."""

_KEPT_BYTES = 16 << 20
"""How many bytes of such files are kept in memory, so that they are not downloaded twice."""

_AT_ONCE = 8


class RangedBlobReader:
    """A range of a file, read from the hub or from its store for large files."""

    def __init__(self, response: Response, start: int, stop: int) -> None:
        self._response, self.start, self.stop = response, start, stop
        self.host = str(Origin.of(response.url))

    def readinto(self, buffer: memoryview) -> int:
        """Fill the buffer; return 0 at the end. Raises Unavailable when the connection breaks."""
        return self._response.readinto(buffer)

    def abort(self) -> None:
        """Break the connection."""
        self._response.abort()

    def close(self) -> None:
        """Free the connection."""
        self._response.close()


class KeptBlobReader:
    """A range of a small file that is in memory."""

    def __init__(self, content: bytes, host: str, start: int, stop: int) -> None:
        self._left = memoryview(content)[start:stop]
        self.host, self.start, self.stop = host, start, stop

    def readinto(self, buffer: memoryview) -> int:
        """Fill the buffer; return 0 at the end."""
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count

    def abort(self) -> None:
        """Do nothing: reading memory does not block."""

    def close(self) -> None:
        """Do nothing: the repository keeps it."""


class _Kept:
    """Small files in memory, up to a limit. Safe to share between threads."""

    def __init__(self) -> None:
        self._contents: dict[Digest, bytes] = {}
        self._room = _KEPT_BYTES
        self._lock = threading.Lock()

    def put(self, digest: Digest, content: bytes) -> None:
        """Keep a file, unless there is no room."""
        with self._lock:
            if digest not in self._contents and len(content) <= self._room:
                self._contents[digest] = content
                self._room -= len(content)

    def get(self, digest: Digest) -> bytes | None:
        """Return a file, or None."""
        return self._contents.get(digest)


class HubRepository:
    """A model repository of the hub. Safe to share between threads."""

    def __init__(self, source: HubSource, access: Access) -> None:
        self._source = source
        self._hub = HuggingFace(access.hub_endpoint, access.transport)
        self._origin = Origin.of(self._hub.endpoint)
        self._transport, self._patience = access.transport, access.patience
        self._rule = RedirectRule(self._origin)
        self._ranges = Ranges(self._request)
        self._kept = _Kept()
        self._found: Snapshot | None = None
        self._lock = threading.Lock()

    def resolve(self) -> Resolved:
        """Resolve the revision; see Repository.resolve, and the hub's errors."""
        manifest = self._snapshot.manifest
        return Resolved(digest=Digest.of(manifest.to_bytes()), manifest=manifest)

    @property
    def patience(self) -> Patience:
        """How long temporary failures are retried."""
        return self._patience

    def pinned(self, digest: Digest) -> str:  # noqa: ARG002 - the commit pins it
        """Return the source at its commit."""
        return str(self._snapshot.source)

    def read(self, descriptor: Descriptor, limit: int) -> bytes:
        """Return a small file, or the config, whole and verified."""
        descriptor.check_size(limit)
        kept = self._in_memory(descriptor)
        if kept is None:
            kept = self._patience.patiently(lambda: self._whole(self._path(descriptor), descriptor.size))
        return verified(str(descriptor.digest), kept, descriptor.size, descriptor.digest)

    def attached(self, digest: Digest, tags: Collection[str]) -> Iterator[Manifest]:
        """Yield nothing: nothing is attached to repositories of the hub, whose signatures are files."""
        del digest, tags
        yield from ()

    def open(self, descriptor: Descriptor, start: int, stop: int) -> BlobReader:
        """Request bytes `start` to `stop` of a file; the body is the whole file when the server supports no ranges."""
        kept = self._in_memory(descriptor)
        if kept is not None:
            return KeptBlobReader(kept, str(self._origin), start, stop)
        return RangedBlobReader(*self._ranges.open(self._url(self._path(descriptor)), descriptor, start, stop))

    def download_file(self, descriptor: Descriptor, folder: Path) -> Path:
        """Download a whole file with `huggingface_hub`, by hf_xet where both sides can (puller.transfer.whole_file)."""
        return self._hub.download(self._source, self._path(descriptor), folder)

    def interrupt(self) -> None:
        """Break every connection in use."""
        self._transport.interrupt()

    def disconnect(self) -> None:
        """Close every idle connection."""
        self._transport.close()

    @property
    def is_encrypted(self) -> bool:
        """Whether the hub speaks TLS."""
        return self._origin.scheme == "https"

    def report_corrupt(self, hosts: Collection[str]) -> bool:  # noqa: ARG002 - there is no other host
        """Return False: there is no other host."""
        return False

    @property
    def _snapshot(self) -> Snapshot:
        with self._lock:
            if self._found is None:
                # 1
                listing = self._patience.patiently(lambda: self._hub.look_up(self._source))
                self._source = listing.source
                # 2 and 3
                self._found = self._identified(listing)
            return self._found

    def _identified(self, listing: Listing) -> Snapshot:
        """Return the snapshot, after reading the files that have no digest yet."""
        for file in listing.files:
            if file.digest is None and file.size > _PLAIN_LIMIT:
                raise BadHubAnswer(
                    f"{listing.source}: {file.path!r} has no sha256, and {file.size} bytes: over {_PLAIN_LIMIT}",
                    hint="store the file with LFS or Xet, as the hub wants it of files over 10 MiB",
                )
        found = run([Lane(_AT_ONCE, listing.files)], self._identify, self.interrupt)
        digests = {file.path: digest for file, digest in found}
        return Snapshot(listing.source, tuple((file, digests[file.path]) for file in listing.files))

    def _identify(self, file: HubFile) -> Digest:
        if file.digest is not None:
            return file.digest
        content = self._patience.patiently(lambda: self._whole(file.path, file.size))
        digest = blob_digest(file, content)
        self._kept.put(digest, content)
        return digest

    def _in_memory(self, descriptor: Descriptor) -> bytes | None:
        """Return a small file that is kept, or the config, which no file holds; else None."""
        config = self._snapshot.config
        return config if descriptor.digest == Digest.of(config) else self._kept.get(descriptor.digest)

    def _path(self, descriptor: Descriptor) -> str:
        return self._snapshot.path(descriptor.digest)

    def _url(self, path: str) -> str:
        return self._hub.url(self._source, path)

    def _whole(self, path: str, size: int) -> bytes:
        with self._request("GET", self._url(path), headers={}, accept=(200,)) as response:
            check_coding(response.headers, path)
            return response.read(size)

    def _request(self, method: str, url: str, *, headers: Mapping[str, str], accept: Collection[int]) -> Response:
        redirects = Redirects(self._rule, method, url)
        while True:
            sent = {**headers, **self._private(redirects.url)}
            response = self._transport.request(redirects.method, redirects.url, sent, rule=self._rule)
            if response.status in accept:
                return response
            with response:
                if not redirects.follow(response):
                    raise self._hub.failure(response.url, response.status, response.headers)

    def _private(self, url: str) -> dict[str, str]:
        """Return the headers that only the hub's own origin gets."""
        return self._hub.authorization if Origin.of(url) == self._origin else {}
