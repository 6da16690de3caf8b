"""What a pull did, written beside the model; the next pull trusts it if no other user can have written it.

Tests: tests/puller/cache/test_cache.py
"""

import json
import time
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from registry.paths import unsafe_reason

VERSION = 4
DERIVED = "derived"

LIMIT_BYTES = 32 << 20
"""The largest receipt that is written or read."""

_MOST = 1 << 63
_MOST_NANOSECONDS = 1 << 70  # archives may tell times that no file system of today stores
_LAST_SECOND = 1 << 36  # the last date that every library can format


class FileRecord(NamedTuple):
    """A file as it was published: the digest of the layer that it came in, its size in bytes, and its modification
    time in nanoseconds since 1970. `proof` is what its bytes were verified against: the layer's digest, or the digests
    of some chunks (proof.py); DERIVED says that the puller wrote others in their place.
    """

    path: str
    layer: str
    size: int
    mtime_ns: int
    proof: str = "layer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A published model: `source` as it was requested, `pinned` with the digest that it resolved to.

    `selection` is what was selected of it. `inode` is its directory's, so that a receipt is valid for no other. `boot`
    is the id of the kernel that holds the data if it was not synced to disk, else empty. `links` are its symbolic
    links, each a path and a target. `published` is when, in seconds since 1970. `signers` signed it, as the policy with
    the mark `signature_mark` wants; both are empty where no policy asks.
    """

    source: str
    pinned: str
    digest: str
    selection: tuple[str, ...]
    files: tuple[FileRecord, ...]
    links: tuple[tuple[str, str], ...] = ()
    wire_bytes: int
    seconds: float
    published: int
    inode: int
    boot: str
    signers: tuple[str, ...] = ()
    signature_mark: str = ""

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    @property
    def date(self) -> str:
        """When it was published, in UTC, by RFC 3339."""
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.published))

    @property
    def names(self) -> frozenset[str]:
        """The path of every file and symbolic link."""
        return frozenset(file.path for file in self.files) | frozenset(path for path, _ in self.links)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object; `from_json` reads it back."""
        return {"version": VERSION, **asdict(self), "files": [file._asdict() for file in self.files]}

    @classmethod
    def from_json(cls, content: bytes | str) -> "Receipt | None":
        """Return the receipt, or None when it is invalid or of another version. Never raises."""
        try:
            document = json.loads(content)
            if document.pop("version") != VERSION:
                return None
            files = tuple(_file(entry) for entry in document.pop("files"))
            links = tuple((_path(path), _text(target)) for path, target in document.pop("links"))
            selection = tuple(map(_text, document.pop("selection")))
            signers = tuple(map(_text, document.pop("signers")))
            texts = {key: _text(document.pop(key)) for key in ("source", "pinned", "digest", "boot", "signature_mark")}
            numbers = {key: _count(document.pop(key)) for key in ("wire_bytes", "inode")}
            numbers["published"] = _count(document.pop("published"), most=_LAST_SECOND)
            seconds = float(document.pop("seconds"))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
            return None
        return cls(files=files, links=links, selection=selection, signers=signers, seconds=seconds, **texts, **numbers)  # type: ignore[arg-type] # checked above


def _file(entry: dict[str, Any]) -> FileRecord:
    return FileRecord(
        path=_path(entry["path"]),
        layer=_text(entry["layer"]),
        size=_count(entry["size"]),
        mtime_ns=_count(entry["mtime_ns"], least=-_MOST_NANOSECONDS, most=_MOST_NANOSECONDS),
        proof=_text(entry["proof"]),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError  # noqa: TRY004 - the document is invalid, whatever is wrong with it
    return value


def _path(value: object) -> str:
    """Return a path if it is a safe one inside the model; raise ValueError otherwise."""
    if unsafe_reason(_text(value)):
        raise ValueError
    return _text(value)


def _count(value: object, least: int = 0, most: int = _MOST) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value < most:
        raise ValueError
    return value
