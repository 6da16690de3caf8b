"""OCI image layouts on disk, read (image-spec, image-layout.md).

Tests: tests/registry/layout/test_layout.py
"""

import os
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from oras.defaults import oci_image_index_file

from registry.digest import Digest, verified
from registry.documents.document import Document
from registry.documents.referrers import tag_of_referrers
from registry.errors import BadLayout, BadManifest, LayoutFailed, Mismatch, NotFound
from registry.http.retry import Patience
from registry.manifest import MANIFEST_TYPE, SIZE_LIMIT, Descriptor, Index, Manifest, parse_manifest
from registry.platforms import descend
from registry.repository import Resolved
from registry.source import LayoutSource

from .index import listed, tag_of

_MOST_LISTED = 1024


class LayoutBlobReader:
    """A range of a blob's file."""

    def __init__(self, path: Path, start: int, stop: int) -> None:
        self.start, self.stop, self._left = start, stop, stop - start
        self.host = str(path)
        with _served(self.host):
            self._file = path.open("rb", buffering=0)
            self._file.seek(start)

    def readinto(self, buffer: memoryview) -> int:
        """Fill the buffer; return 0 at the end."""
        with _served(self.host):
            count = self._file.readinto(buffer[: self._left])
        self._left -= count
        return count

    def abort(self) -> None:
        """Do nothing: reading a file does not wait for a connection."""

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class LayoutRepository:
    """One artifact of a layout, to be read. Safe to share between threads."""

    patience = Patience()
    """Seldom used: what fails on a disk fails again."""

    def __init__(self, source: LayoutSource) -> None:
        self._source = source

    def resolve(self) -> Resolved:
        """Resolve the source: by digest, by tag, or to the only artifact of the layout."""
        descriptor = self.named(read_index(self._source.directory))
        content = self.read(descriptor, SIZE_LIMIT)
        return descend(descriptor.digest, content, str(self._source), lambda inner: self.read(inner, SIZE_LIMIT))

    def document(self, target: Digest | str | None = None) -> Document:
        """Return a manifest or an index as it is; see DocumentSource.document."""
        wanted = self._source
        if target is not None:
            tag, digest = (None, target) if isinstance(target, Digest) else (target, None)
            wanted = LayoutSource(self._source.directory, tag, digest)
        descriptor = LayoutRepository(wanted).named(read_index(wanted.directory))
        return Document.parse(self.read(descriptor, SIZE_LIMIT), descriptor.digest.algorithm)

    def referrers(self, digest: Digest) -> tuple[Digest, ...]:
        """Return what refers to a digest: manifests that the layout lists without a tag, or under the tag for lists.

        Of a manifest that is not there, or cannot be read, nobody knows what it refers to.
        """
        index = read_index(self._source.directory)
        untagged = list[Digest]()
        for entry in (one for one in index.manifests if not tag_of(one)):
            with suppress(NotFound, BadManifest, Mismatch):  # other tools list what is no manifest
                document = self.document(entry.digest)
                untagged += [document.digest] if document.subject == digest else []
        listed = [one for one in index.manifests if tag_of(one) == tag_of_referrers(digest)]
        found = [child.digest for one in listed for child in self.document(one.digest).children]
        return tuple(dict.fromkeys([*found, *untagged]))

    @property
    def notices(self) -> tuple[str, ...]:
        """Nothing: a layout is all there is."""
        return ()

    @property
    def is_encrypted(self) -> bool:
        """False: files are read."""
        return False

    def pinned(self, digest: Digest) -> str:
        """Return the source with its digest."""
        return str(LayoutSource(self._source.directory, self._source.tag, digest))

    def interrupt(self) -> None:
        """Do nothing: there are no connections."""

    def disconnect(self) -> None:
        """Do nothing: there are no connections."""

    def report_corrupt(self, _: Collection[str]) -> bool:
        """Return False: there is no other host."""
        return False

    def read(self, descriptor: Descriptor, limit: int) -> bytes:
        """Return a small blob whole and verified."""
        descriptor.check_size(limit)
        path = self.path(descriptor)
        with _served(str(path)), path.open("rb") as file:
            content = file.read(descriptor.size + 1)
        return verified(str(descriptor.digest), content, descriptor.size, descriptor.digest)

    def attached(self, digest: Digest, tags: Collection[str]) -> Iterator[Manifest]:
        """Yield the manifests that the layout lists under one of `tags`, or that name the digest as their subject."""
        names = {*tags, tag_of_referrers(digest)}
        for entry in read_index(self._source.directory).manifests[:_MOST_LISTED]:
            is_named, document = tag_of(entry) in names, self._readable(entry)
            if isinstance(document, Index):
                inner = map(self._readable, document.manifests[:_MOST_LISTED] if is_named else ())
                yield from (one for one in inner if isinstance(one, Manifest))
            elif document is not None:
                subject = document.subject
                if is_named or (subject is not None and subject.digest == digest):
                    yield document

    def _readable(self, entry: Descriptor) -> Manifest | Index | None:
        """Return a document; None for what is missing, or no manifest, which must not hide what else is attached."""
        with suppress(NotFound, BadManifest, Mismatch):
            return parse_manifest(self.read(entry, SIZE_LIMIT))
        return None

    def open(self, descriptor: Descriptor, start: int, stop: int) -> LayoutBlobReader:
        """Open bytes `start` to `stop` of a blob."""
        return LayoutBlobReader(self.path(descriptor), start, stop)

    def path(self, descriptor: Descriptor) -> Path:
        """Return the path of a blob that is there in its size. Raises NotFound, BadLayout, Mismatch."""
        path = blob_path(self._source.directory, descriptor.digest)
        try:
            found = path.stat()
        except OSError:
            raise NotFound(f"{self._source}: the blob {descriptor.digest} is missing") from None
        if not stat.S_ISREG(found.st_mode) or not os.access(path, os.R_OK):
            raise BadLayout(f"{self._source}: the blob {descriptor.digest} is no file that can be read")
        size = found.st_size
        if size != descriptor.size:
            raise Mismatch(f"{descriptor.digest}: {size} bytes on disk, {descriptor.size} were promised")
        return path

    def named(self, index: Index) -> Descriptor:
        """Return the one entry of the layout's index that the source names. Raises NotFound with those there are."""
        wanted = self._source
        matches = listed(index, wanted)
        if wanted.digest and not matches:
            matches = self._unlisted(wanted.digest)
        if len(matches) == 1:
            return matches[0]
        tags = ", ".join(sorted({tag_of(entry) or str(entry.digest) for entry in index.manifests})) or "nothing"
        raise NotFound(f"{wanted}: {len(matches)} artifacts answer to it", hint=f"the layout holds: {tags}")

    def _unlisted(self, digest: Digest) -> list[Descriptor]:
        """Return a manifest that the layout does not list itself: that of one platform, in an index that it lists."""
        try:
            found = blob_path(self._source.directory, digest).stat()
        except OSError:
            return []
        is_file = stat.S_ISREG(found.st_mode)
        return [Descriptor(media_type=MANIFEST_TYPE, digest=digest, size=found.st_size)] if is_file else []


def blob_path(directory: Path, digest: Digest) -> Path:
    """Return the path of a blob."""
    return directory / "blobs" / digest.algorithm / digest.hex


def read_index(directory: Path) -> Index:
    """Read a layout's index; raise BadLayout."""
    return index_as_it_is(directory)[1]


def index_as_it_is(directory: Path) -> tuple[bytes, Index]:
    """Return the bytes of a layout's index, and what they say; raise BadLayout."""
    path = directory / oci_image_index_file
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise BadLayout(f"{path}: is no file")
        with path.open("rb") as file:
            content = file.read(SIZE_LIMIT + 1)
        document = parse_manifest(content)
    except OSError as error:
        raise BadLayout(f"{directory}: has no {oci_image_index_file} ({error.strerror})") from None
    except BadManifest as error:
        raise BadLayout(f"{path}: {error}") from None
    if not isinstance(document, Index):
        raise BadLayout(f"{directory}: its {oci_image_index_file} is no index")
    return content, document


@contextmanager
def _served(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LayoutFailed(f"{path}: {error.strerror}", hint="check the disk, and who may read it") from error
