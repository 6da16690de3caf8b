"""The manifest that a model was made from, kept beside it: with it the files can be verified off-line.

ROOM/manifest/HEX   the manifest, an index above it, and the config, each under its sha256 or sha512

Any user may write them: each is read by a digest, and verified against it.

Tests: tests/puller/store/test_claims.py
"""

import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from puller.errors import BadDestination
from registry.digest import Digest, verified
from registry.errors import NotFound
from registry.http.retry import Patience
from registry.manifest import SIZE_LIMIT, Descriptor, Manifest
from registry.platforms import descend
from registry.repository import Resolved
from registry.source import Source

from .filesystem import discard, write_whole
from .trust import read_state
from .work_dir import make_shared

_FOLDER = "manifest"


class KeptRepository:
    """A repository that has only the manifest and the config. All methods raise NotFound for the rest."""

    patience = Patience()
    """Not used: a retry would find nothing else."""

    def __init__(self, room: Path, source: Source, digest: Digest) -> None:
        self._folder, self._source, self._digest = room / _FOLDER, source, digest

    def resolve(self) -> Resolved:
        """Return the manifest of the digest; see Repository.resolve."""
        content = self._read(self._digest)
        return descend(self._digest, content, str(self._source), lambda inner: self._read(inner.digest))

    def read(self, descriptor: Descriptor, limit: int) -> bytes:
        """Return the config, verified."""
        descriptor.check_size(limit)
        return verified(str(descriptor.digest), self._read(descriptor.digest), descriptor.size, descriptor.digest)

    def open(self, descriptor: Descriptor, start: int, stop: int) -> NoReturn:
        """Raise NotFound: blobs are not kept."""
        raise NotFound(f"{descriptor.digest}: bytes {start} to {stop} are not kept")

    def attached(self, digest: Digest, tags: Collection[str]) -> Iterator[Manifest]:
        """Yield nothing: signatures are not kept."""
        del digest, tags
        yield from ()

    def report_corrupt(self, hosts: Collection[str]) -> bool:  # noqa: ARG002 - there are no hosts
        """Return False: there is no other host."""
        return False

    @property
    def is_encrypted(self) -> bool:
        """False: files are read."""
        return False

    def pinned(self, digest: Digest) -> str:  # noqa: ARG002 - the source names it
        """Return the source, which is pinned."""
        return str(self._source)

    def interrupt(self) -> None:
        """Do nothing: no call waits for a network."""

    def disconnect(self) -> None:
        """Do nothing: there are no connections."""

    def _read(self, digest: Digest) -> bytes:
        found = read_state(self._folder / digest.hex, SIZE_LIMIT)
        if found is None or Digest.of(found[0], digest.algorithm) != digest:
            raise NotFound(f"{digest}: is not kept")
        return found[0]


def keep(room: Path, documents: Iterable[tuple[Digest, bytes]]) -> None:
    """Write documents, and remove all others of this user's. If that fails, the next pull asks the registry."""
    folder = room / _FOLDER
    wanted = dict(documents)
    with suppress(OSError, BadDestination):
        make_shared(folder, room.stat())
        for digest, content in wanted.items():
            if read_state(folder / digest.hex, len(content)) is None:
                write_whole(folder / digest.hex, content, folder / f"{digest.hex}-{os.getpid()}")
        for old in {entry.name for entry in os.scandir(folder)} - {digest.hex for digest in wanted}:
            if (folder / old).lstat().st_uid == os.geteuid():
                discard(folder / old)
