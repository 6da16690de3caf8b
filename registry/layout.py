"""OCI image layouts on disk, read and written (image-spec, image-layout.md)."""

import fcntl
import json
import os
import stat
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from oras.defaults import (
    oci_image_index_file,
    oci_layout_file,
    oci_layout_version_pin,
    oci_ref_name_annotation,
)

from .digest import Digest, verified
from .errors import BadLayout, BadManifest, LayoutFailed, Mismatch, NotFound, Refused
from .listing import listed, tag_of
from .manifest import INDEX_TYPE, MANIFEST_TYPE, SIZE_LIMIT, Descriptor, Index, Manifest, parse_manifest
from .repository import Resolved
from .retry import Patience
from .source import LayoutSource
from .variants import choose, parse_single

_DEFAULT_TAG = "latest"


class LayoutBody:
    """A stretch of a blob's file."""

    def __init__(self, path: Path, start: int, stop: int) -> None:
        self.start, self.stop, self._left = start, stop, stop - start
        self.giver = str(path)
        self._file = path.open("rb", buffering=0)
        self._file.seek(start)

    def readinto(self, buffer: memoryview) -> int:
        """Fill the buffer; 0 at the end."""
        count = self._file.readinto(buffer[: self._left])
        self._left -= count
        return count

    def abort(self) -> None:
        """Do nothing: a file is not waited for."""

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class LayoutRepository:
    """One artifact of a layout, to be read. Safe to share between threads."""

    patience = Patience()
    """Seldom needed: what fails on a disk fails again."""

    def __init__(self, source: LayoutSource) -> None:
        self._source = source

    def resolve(self) -> Resolved:
        """Look the source up: by digest, by tag, or the only artifact there is."""
        descriptor = self._find(_read_index(self._source.directory))
        content = self.read(descriptor, SIZE_LIMIT)
        documents = [(descriptor.digest, content)]
        found = choose(parse_manifest(content), str(self._source))
        if isinstance(found, Descriptor):
            content = self.read(found, SIZE_LIMIT)
            documents.append((found.digest, content))
            found = parse_single(content, str(self._source))
        return Resolved(digest=descriptor.digest, manifest=found, documents=tuple(documents))

    def pinned(self, digest: Digest) -> str:
        """Give the source with its digest."""
        return str(LayoutSource(self._source.directory, self._source.tag, digest))

    def interrupt(self) -> None:
        """Do nothing: files are not waited for."""

    def distrust(self, _: Collection[str]) -> bool:
        """Have nobody else to ask: a file stays as it is."""
        return False

    def read(self, descriptor: Descriptor, limit: int) -> bytes:
        """Give a small blob whole and verified."""
        if descriptor.size > limit:
            raise BadManifest(f"{descriptor.digest}: {descriptor.size} bytes where at most {limit} are read")
        with self._checked(descriptor).open("rb") as file:
            content = file.read(descriptor.size + 1)
        return verified(str(descriptor.digest), content, descriptor.size, descriptor.digest)

    def open(self, descriptor: Descriptor, start: int, stop: int) -> LayoutBody:
        """Begin to read bytes `start` to `stop` of a blob."""
        return LayoutBody(self._checked(descriptor), start, stop)

    def _checked(self, descriptor: Descriptor) -> Path:
        path = _blob(self._source.directory, descriptor.digest)
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

    def _find(self, index: Index) -> Descriptor:
        wanted = self._source
        matches = listed(index, wanted)
        if wanted.digest and not matches:
            matches = self._unlisted(wanted.digest)
        if len(matches) == 1:
            return matches[0]
        tags = ", ".join(sorted({tag_of(entry) or str(entry.digest) for entry in index.manifests})) or "nothing"
        raise NotFound(f"{wanted}: {len(matches)} artifacts answer to it", remedy=f"the layout holds: {tags}")

    def _unlisted(self, digest: Digest) -> list[Descriptor]:
        """Give a manifest that only another one leads to: one platform's, of an index that the layout lists."""
        path = _blob(self._source.directory, digest)
        return [Descriptor(media_type=MANIFEST_TYPE, digest=digest, size=path.stat().st_size)] if path.is_file() else []


class LayoutUpload:
    """A blob that is written beside the others and takes its name when it is whole."""

    def __init__(self, directory: Path, size: int | None) -> None:
        handle, name = tempfile.mkstemp(prefix=".incoming-", dir=directory / "blobs" / "sha256")
        self._directory, self._path, self._size = directory, Path(name), size
        self._file = os.fdopen(handle, "wb", buffering=0)

    def write(self, content: memoryview) -> None:
        """Append the next bytes."""
        left = memoryview(content)
        with _writing(self._directory):
            while left:
                left = left[self._file.write(left) :]

    def resume(self) -> int:
        """Give the offset of the next byte."""
        return self._file.tell()

    def commit(self, digest: Digest) -> None:
        """Give the blob its name."""
        if self._size not in (None, self._file.tell()):
            raise Mismatch(f"{digest}: {self._file.tell()} bytes were written, {self._size} were announced")
        os.fchmod(self._file.fileno(), 0o644)
        self._path.rename(_blob(self._directory, digest))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)


class LayoutPublisher:
    """A layout to be written; made where there is none. Safe to share between threads."""

    patience = Patience()
    """Seldom needed: what fails on a disk fails again."""

    def __init__(self, source: LayoutSource) -> None:
        if source.digest:
            raise Refused(f"{source}: names a digest, which nobody can choose", remedy="push to a tag")
        self._source = source
        directory = source.directory
        if directory.exists() and any(directory.iterdir()) and not (directory / oci_layout_file).exists():
            raise BadLayout(f"{directory}: is no OCI layout, and not empty", remedy="name a new or empty folder")
        with _writing(directory):
            (directory / "blobs" / "sha256").mkdir(parents=True, exist_ok=True)
            if not (directory / oci_layout_file).exists():
                _replace(directory / oci_layout_file, {"imageLayoutVersion": oci_layout_version_pin})

    def pinned(self, digest: Digest) -> str:
        """Give the source with its digest."""
        return str(LayoutSource(self._source.directory, self._source.tag or _DEFAULT_TAG, digest))

    def interrupt(self) -> None:
        """Do nothing: files are not waited for."""

    def has(self, digest: Digest) -> bool:
        """Tell whether a blob is there already."""
        return _blob(self._source.directory, digest).exists()

    def mount(self, digest: Digest, repository: str) -> bool:  # noqa: ARG002 - a layout has no repositories
        """Do nothing: a layout has each blob once."""
        return self.has(digest)

    @property
    def wants_digest_first(self) -> bool:
        """Never: a file takes its name when it is whole."""
        return False

    def begin(self, size: int | None, digest: Digest | None = None) -> LayoutUpload:  # noqa: ARG002 - see above
        """Begin a blob whose digest is not known yet."""
        with _writing(self._source.directory):
            return LayoutUpload(self._source.directory, size)

    def put(self, content: bytes, digest: Digest) -> None:
        """Write a small blob whole."""
        with self.begin(len(content)) as upload:
            upload.write(memoryview(content))
            upload.commit(digest)

    def put_manifest(self, manifest: Manifest) -> Digest:
        """Write the manifest, and its tag into the index; a tag that was there before moves."""
        content = manifest.to_bytes()
        digest = Digest.of(content)
        self.put(content, digest)
        tag = self._source.tag or _DEFAULT_TAG
        entry = Descriptor(
            media_type=manifest.media_type,
            digest=digest,
            size=len(content),
            annotations={oci_ref_name_annotation: tag},
        )
        directory = self._source.directory
        with _writing(directory), _locked(directory):
            exists = (directory / oci_image_index_file).exists()
            others = [old for old in _read_index(directory).manifests if tag_of(old) != tag] if exists else []
            manifests = [old.to_json() for old in (*others, entry)]
            _replace(
                directory / oci_image_index_file,
                {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": manifests},
            )
        return digest


def _blob(directory: Path, digest: Digest) -> Path:
    return directory / "blobs" / digest.algorithm / digest.hex


def _read_index(directory: Path) -> Index:
    try:
        with (directory / oci_image_index_file).open("rb") as file:
            document = parse_manifest(file.read(SIZE_LIMIT + 1))
    except OSError as error:
        raise BadLayout(f"{directory}: has no {oci_image_index_file} ({error.strerror})") from None
    if not isinstance(document, Index):
        raise BadLayout(f"{directory}: its {oci_image_index_file} is no index")
    return document


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def _writing(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LayoutFailed(f"{directory}: {error.strerror}") from error


def _replace(path: Path, document: dict[str, Any]) -> None:
    handle, name = tempfile.mkstemp(prefix=".incoming-", dir=path.parent)
    with os.fdopen(handle, "w") as file:
        json.dump(document, file, separators=(",", ":"))
        os.fchmod(file.fileno(), 0o644)
    Path(name).rename(path)
