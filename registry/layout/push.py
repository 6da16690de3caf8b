"""OCI image layouts on disk, written (image-spec, image-layout.md).

Tests: tests/packer/test_push.py
"""

import fcntl
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from oras.defaults import (
    oci_image_index_file,
    oci_layout_file,
    oci_layout_version_pin,
    oci_ref_name_annotation,
)

from registry.digest import Digest
from registry.documents.document import Document
from registry.errors import BadLayout, BadReference, Mismatch
from registry.http.retry import Patience
from registry.manifest import Descriptor, Index
from registry.source import LayoutSource

from .disk import INCOMING, replace, sync, sync_folder, writing
from .index import with_entry
from .pull import LayoutRepository, blob_path, index_as_it_is, read_index

_DEFAULT_TAG = "latest"
_EMPTY = Index(manifests=())
_ABANDONED_SECONDS = 24 * 3600.0


class LayoutUpload:
    """A blob that is written to a temporary file, and renamed when it is complete."""

    def __init__(self, directory: Path, size: int | None) -> None:
        handle, name = tempfile.mkstemp(prefix=INCOMING, dir=directory / "blobs" / "sha256")
        self._directory, self._path, self._size = directory, Path(name), size
        self._file = os.fdopen(handle, "wb", buffering=0)

    @property
    def least_bytes(self) -> int:
        """0: a file grows by any number of bytes."""
        return 0

    def write(self, content: memoryview) -> None:
        """Append the next bytes."""
        left = memoryview(content)
        with writing(self._directory):
            while left:
                left = left[self._file.write(left) :]

    def resume(self) -> int:
        """Return the offset of the next byte."""
        return self._file.tell()

    def commit(self, digest: Digest) -> None:
        """Rename the file to the blob's digest, once its bytes are on the disk: what has that name is whole."""
        if self._size not in (None, self._file.tell()):
            raise Mismatch(f"{digest}: {self._file.tell()} bytes were written, {self._size} were announced")
        with writing(self._directory):
            os.fchmod(self._file.fileno(), 0o644)
            sync(self._file.fileno())
            target = blob_path(self._directory, digest)
            target.parent.mkdir(exist_ok=True)
            self._path.rename(target)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._file.close()
            self._path.unlink(missing_ok=True)


class LayoutPusher:
    """A layout to write to; created if it does not exist. Safe to share between threads."""

    patience = Patience()
    """Seldom used: what fails on a disk fails again."""

    def __init__(self, source: LayoutSource) -> None:
        if source.digest:
            raise BadReference(f"{source}: names a digest, which cannot be chosen", hint="push to a tag")
        self._source = source
        directory = source.directory
        _check_place(directory)
        with writing(directory):
            directory.mkdir(parents=True, exist_ok=True)
            if not (directory / oci_layout_file).exists():
                replace(directory / oci_layout_file, {"imageLayoutVersion": oci_layout_version_pin})
            (directory / "blobs" / "sha256").mkdir(parents=True, exist_ok=True)
            _remove_unfinished(directory)

    def pinned(self, digest: Digest) -> str:
        """Return the source with its digest."""
        return str(LayoutSource(self._source.directory, self._source.tag or _DEFAULT_TAG, digest))

    def interrupt(self) -> None:
        """Do nothing: there are no connections."""

    def check(self) -> None:
        """Do nothing: the layout's folders were made."""

    def has(self, digest: Digest, size: int) -> bool:
        """Return whether the layout has a blob whole: a copy that was broken off leaves a file that is too short."""
        try:
            found = blob_path(self._source.directory, digest).stat()
        except OSError:  # if that is more than absence, the write tells
            return False
        return stat.S_ISREG(found.st_mode) and found.st_size == size

    def mount(self, digest: Digest, size: int, repository: str) -> bool:  # noqa: ARG002 - a layout has no repositories
        """Return False: a layout is one repository."""
        return False

    @property
    def wants_digest_first(self) -> bool:
        """False: the file is renamed when it is complete."""
        return False

    def begin(self, size: int | None, digest: Digest | None = None) -> LayoutUpload:  # noqa: ARG002 - see above
        """Begin a blob whose digest is not known yet."""
        with writing(self._source.directory):
            return LayoutUpload(self._source.directory, size)

    def put(self, content: bytes, digest: Digest) -> None:
        """Write a small blob at once."""
        with self.begin(len(content)) as upload:
            upload.write(memoryview(content))
            upload.commit(digest)

    @property
    def tag(self) -> str:
        """The tag of the source."""
        return self._source.tag or _DEFAULT_TAG

    def put_document(self, document: Document, tag: str | None = None) -> Digest:
        """Write a document as it is, and its tag, if it has one, into the index; move a tag that exists."""
        self.put(document.content, document.digest)
        if tag is not None:
            self._list(document, {oci_ref_name_annotation: tag})
        return document.digest

    def put_referrer(self, document: Document, subject: Digest) -> None:  # noqa: ARG002 - the document names it itself
        """Write a document, and list it without a tag."""
        self.put(document.content, document.digest)
        self._list(document, {})

    def stored(self, target: str) -> Document:
        """Return the document under a tag or a digest; see Pusher.stored."""
        repository = LayoutRepository(self._source)
        return repository.document(Digest.parse(target) if ":" in target else target)

    def _list(self, document: Document, annotations: dict[str, str]) -> None:
        """Add a document to the index."""
        entry = Descriptor(
            media_type=document.media_type,
            digest=document.digest,
            size=len(document.content),
            annotations=annotations,
        )
        directory = self._source.directory
        with writing(directory), _locked(directory):
            exists = (directory / oci_image_index_file).exists()
            old, index = index_as_it_is(directory) if exists else (_EMPTY.to_bytes(), _EMPTY)
            _sync_blobs(directory)
            replace(directory / oci_image_index_file, with_entry(old, index, entry))


def _check_place(directory: Path) -> None:
    """Raise BadLayout where no layout can be written: at a file, among other files, beside a broken index.

    What a first push leaves that was killed, or that another process is making just now, is no other file.
    """
    hint = "name a new or empty folder, or a layout"
    with writing(directory):
        if not directory.exists():
            return
        if not directory.is_dir():
            raise BadLayout(f"{directory}: is a file", hint=hint)
        names = {path.name for path in directory.iterdir()}
    others = {name for name in names if name != "blobs" and not name.startswith(INCOMING)}
    if others and oci_layout_file not in names:
        raise BadLayout(f"{directory}: is no OCI layout, and not empty", hint=hint)
    if oci_image_index_file in names:
        read_index(directory)  # fail before the blobs are written, not after


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _remove_unfinished(directory: Path) -> None:
    """Remove files whose process was killed: nobody wrote to them for a day."""
    for path in (*directory.glob(f"{INCOMING}*"), *(directory / "blobs" / "sha256").glob(f"{INCOMING}*")):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
                path.unlink()


def _sync_blobs(directory: Path) -> None:
    """Wait until the names of all blobs are on the disk, and the layout's own, which may be new."""
    blobs = directory / "blobs"
    for folder in (*(one for one in blobs.iterdir() if one.is_dir()), blobs, directory.absolute().parent):
        sync_folder(folder)
