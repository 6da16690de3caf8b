"""A database of files hashed and blobs pushed: an unchanged file that a registry has is not read again.

Tests: tests/packer/test_push.py
"""

import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing, suppress
from pathlib import Path

from registry.digest import Digest
from registry.errors import Fault

from .contents.content import Content
from .layer_blob import LayerBlob

_SETTLED_SECONDS = 2.0
"""A file changed more recently than this is not recorded: its next change might get the same time stamp."""

_TABLES = """
create table if not exists blobs (
  identity text not null, codec text not null, chunk integer not null,
  digest text not null, size integer not null, diff_id text not null, annotations text not null,
  primary key (identity, codec)
);
create table if not exists places (
  digest text not null, registry text not null, repository text not null, primary key (digest, registry)
);
"""


def default_path(environ: Mapping[str, str]) -> Path:
    """Return the ledger's path in this user's cache."""
    cache = environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME", "/")) / ".cache"
    return Path(cache) / "weighbridge" / "pushed.sqlite"


class Ledger:
    """Digests by files' identities, repositories by digest. Safe to share between threads; a failing one is empty."""

    def __init__(self, path: Path | None, clock: Callable[[], float] = time.time) -> None:
        """A `path` of None means a ledger that records nothing; `clock` tells the time of files."""
        self._path, self._clock = path, clock
        if path is not None:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                with closing(self._connect(path)) as database:
                    database.executescript(_TABLES)
            except (OSError, sqlite3.Error):
                self._path = None

    def find(self, content: Content, codec: str) -> LayerBlob | None:
        """Return the recorded blob of unchanged content, for a codec and the same chunk size, or None."""
        query = "select digest, size, diff_id, annotations from blobs where identity = ? and codec = ? and chunk = ?"
        for digest, size, diff_id, annotations in self._ask(query, (content.identity(codec), codec, content.chunk)):
            try:
                told = dict(json.loads(annotations))
                return LayerBlob(Digest.parse(digest), int(size), Digest.parse(diff_id), codec, told)
            except (ValueError, TypeError, Fault):
                return None
        return None

    def note(self, content: Content, counted: LayerBlob) -> None:
        """Record the blob of content, unless a file of it changed only just now."""
        if self._clock() - content.changed < _SETTLED_SECONDS:
            return
        told = json.dumps(dict(counted.annotations))
        known = (content.identity(counted.codec), counted.codec, content.chunk)
        row = (*known, str(counted.digest), counted.size, str(counted.diff_id), told)
        self._ask("insert or replace into blobs values (?, ?, ?, ?, ?, ?, ?)", row)

    def place(self, digest: Digest, registry: str) -> str | None:
        """Return a repository of `registry` that has a blob, if one is recorded."""
        query = "select repository from places where digest = ? and registry = ?"
        return next((str(row[0]) for row in self._ask(query, (str(digest), registry))), None)

    def note_places(self, digests: Iterable[Digest], registry: str, repository: str) -> None:
        """Record that a repository has blobs."""
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
            return []  # a cache, not a source of truth

    def _connect(self, path: Path) -> sqlite3.Connection:
        return sqlite3.connect(path, timeout=5)
