"""Where files of manifests come from: a path, a folder, a URL, standard input.

Tests: tests/webhook/test_documents.py
"""

import sys
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .node import BadDocument
from .stream import decode

_SUFFIXES = (".yaml", ".yml", ".json")
_SECONDS = 30
_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class File:
    """A file's name for messages, and its text."""

    name: str
    text: str


def read_files(names: Iterable[str], *, recursive: bool = False) -> Iterator[File]:
    """Yield the files that names stand for, as kubectl's `-f` reads them; raise BadDocument.

    `-` is standard input; a folder stands for its .yaml, .yml and .json files, with `recursive` those below too.
    """
    for name in names:
        if name == "-":
            yield File("-", decode(sys.stdin.buffer.read(), "-"))
        elif name.startswith(("http://", "https://")):
            yield File(name, decode(_download(name), name))
        elif Path(name).is_dir():
            yield from _read_folder(Path(name), recursive=recursive)
        else:
            yield _read(Path(name))


def _read_folder(folder: Path, *, recursive: bool) -> Iterator[File]:
    found = sorted(folder.rglob("*") if recursive else folder.iterdir())
    paths = [path for path in found if path.suffix in _SUFFIXES and path.is_file()]
    if not paths:
        hint = "give a folder with .yaml, .yml or .json files, or --recursive"
        raise BadDocument(f"{folder}: there are no manifests in it", hint=hint)
    yield from map(_read, paths)


def _read(path: Path) -> File:
    try:
        return File(str(path), decode(path.read_bytes(), str(path)))
    except OSError as error:
        raise BadDocument(f"{path}: {error.strerror}", hint="give a file that can be read") from error


def _download(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=_SECONDS) as answer:  # noqa: S310 - http and https alone get here
            content: bytes = answer.read(_BYTES + 1)
    except urllib.error.HTTPError as error:
        with error:  # it is the answer
            raise BadDocument(f"{url}: {error.code} {error.reason}", hint="see whether curl can read it") from error
    except (OSError, ValueError) as error:
        raise BadDocument(f"{url}: {getattr(error, 'reason', error)}", hint="see whether curl can read it") from error
    if len(content) > _BYTES:
        raise BadDocument(f"{url}: larger than {_BYTES >> 20} MiB", hint="download it and give a part of it")
    return content
