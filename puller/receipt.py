"""What a pull did, written beside the model and believed by the next pull."""

import json
from dataclasses import asdict, dataclass
from typing import Any

_VERSION = 1


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file as it was published: the digest of the layer that it came in, its size in bytes, and its modification
    time in nanoseconds since 1970.
    """

    path: str
    layer: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A published model: `source` as it was asked for, and `pinned` to the digest that it led to.

    `choice` is what was chosen of it. `inode` is its directory's, so that a receipt speaks for no other one. `boot` is
    the id of the kernel that holds the data if it was not synced to disk, else empty.
    """

    source: str
    pinned: str
    digest: str
    choice: tuple[str, ...]
    files: tuple[FileRecord, ...]
    wire_bytes: int
    seconds: float
    inode: int
    boot: str

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    def to_json(self) -> dict[str, Any]:
        """Give the JSON object; `from_json` reads it back."""
        return {"version": _VERSION, **asdict(self)}

    @classmethod
    def from_json(cls, text: str) -> "Receipt | None":
        """Read a receipt; None when the text is none of this version, for then it says nothing."""
        try:
            document = json.loads(text)
            if document.pop("version") != _VERSION:
                return None
            files = tuple(FileRecord(**file) for file in document.pop("files"))
            return cls(files=files, choice=tuple(document.pop("choice")), **document)
        except (ValueError, TypeError, KeyError, AttributeError):
            return None
