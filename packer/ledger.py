"""What was hashed and pushed before, remembered: an unchanged file need not be read to know that a registry has it."""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from time import time

from registry.digest import Digest
from registry.errors import Fault
from registry.modelpack import CHUNK_ALGORITHM, Chunks

from .scan import Found

_SETTLED_SECONDS = 2.0
"""A file that changed this short a time before is not remembered: its next change might show the same time."""

_TABLES = """
create table if not exists files (
  identity text primary key, digest text not null, chunk_bytes integer not null, chunks text not null
);
create table if not exists places (
  digest text not null, registry text not null, repository text not null, primary key (digest, registry)
);
"""


@dataclass(frozen=True, slots=True)
class Known:
    """A file's digest and chunks, as they were counted before."""

    digest: Digest
    chunks: Chunks | None


def default_path(environ: Mapping[str, str]) -> Path:
    """Give the ledger's place in this user's cache."""
    cache = environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME", "/")) / ".cache"
    return Path(cache) / "weighbridge" / "pushed.sqlite"


class Ledger:
    """Digests by file identity, and repositories by digest. Any thread may ask; a ledger that fails knows nothing."""

    def __init__(self, path: Path | None) -> None:
        """`path` None means a ledger that remembers nothing."""
        self._path = path
        if path is not None:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                with closing(self._connect(path)) as database:
                    database.executescript(_TABLES)
            except (OSError, sqlite3.Error):
                self._path = None

    def find(self, file: Found, chunk: int) -> Known | None:
        """Give what was counted for a file that is still the same, cut in chunks of the same size."""
        query = "select digest, chunks from files where identity = ? and chunk_bytes = ?"
        for digest, chunks in self._ask(query, (_identity(file), chunk)):
            try:
                digests = tuple(Digest(str(one), CHUNK_ALGORITHM) for one in json.loads(chunks))
                return Known(Digest.parse(digest), Chunks(chunk, digests) if digests else None)
            except (ValueError, TypeError, Fault):
                return None
        return None

    def note(self, file: Found, chunk: int, known: Known) -> None:
        """Remember what was counted for a file, unless it changed only just now."""
        if time() - max(file.status.st_mtime, file.status.st_ctime) < _SETTLED_SECONDS:
            return
        chunks = json.dumps([digest.hex for digest in known.chunks.digests] if known.chunks else [])
        row = (_identity(file), str(known.digest), chunk, chunks)
        self._ask("insert or replace into files values (?, ?, ?, ?)", row)

    def place(self, digest: Digest, registry: str) -> str | None:
        """Give a repository of `registry` that has a blob, if one is remembered."""
        query = "select repository from places where digest = ? and registry = ?"
        return next((str(row[0]) for row in self._ask(query, (str(digest), registry))), None)

    def note_places(self, digests: Iterable[Digest], registry: str, repository: str) -> None:
        """Remember that a repository has blobs."""
        rows = [(str(digest), registry, repository) for digest in digests]
        if self._path is not None:
            with suppress(sqlite3.Error), closing(self._connect(self._path)) as database, database:
                database.executemany("insert or replace into places values (?, ?, ?)", rows)

    def _ask(self, statement: str, values: tuple[str | int, ...]) -> list[tuple[str, ...]]:
        if self._path is None:
            return []
        try:
            with closing(self._connect(self._path)) as database, database:
                return database.execute(statement, values).fetchall()
        except sqlite3.Error:
            return []  # a memory, not a source of truth

    def _connect(self, path: Path) -> sqlite3.Connection:
        return sqlite3.connect(path, timeout=5)


def _identity(file: Found) -> str:
    status = file.status
    parts = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return " ".join(map(str, parts))
