"""The catalog: model names and their sources, from the ConfigMap that is mounted as files."""

import logging
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from registry.errors import Fault
from registry.reference import Reference
from registry.source import OciSource

from .catalog_entry import Entry, parse_entry
from .values.near import Names

_REFRESH_SECONDS = 1.0
_BATCH = 50
_REST_SECONDS = 0.001
# The link that the kubelet renames over its predecessor: the one thing of a mounted ConfigMap that changes.
_DATA = "..data"
_log = logging.getLogger(__name__)

T = TypeVar("T")
Stamp = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True)
class Catalog:
    """Entries by name, and the reasons why others could not be read."""

    entries: Mapping[str, Entry] = field(default_factory=dict)
    broken: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, texts: Mapping[str, str]) -> "Catalog":
        """Parse one YAML text for each name; a broken one does not affect the others."""
        return cls.of({name: parse_entry_or_reason(text) for name, text in texts.items()})

    @classmethod
    def of(cls, parsed: Mapping[str, Entry | str]) -> "Catalog":
        """Return the catalog of entries, and of reasons why others are none."""
        return cls(
            {name: entry for name, entry in parsed.items() if isinstance(entry, Entry)},
            {name: reason for name, reason in parsed.items() if isinstance(reason, str)},
        )

    def near(self, name: str) -> tuple[str, ...]:
        """Return up to three names that come near `name`, the nearest first, in a time that does not grow with all."""
        return self._names.near(name)

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        """The references of all entries that are in registries, each once."""
        sources = (entry.source for entry in self.entries.values())
        return tuple(dict.fromkeys(source.reference for source in sources if isinstance(source, OciSource)))

    @cached_property
    def registries(self) -> frozenset[str]:
        """The registries of all entries."""
        return frozenset(reference.registry for reference in self.references)

    @cached_property
    def _names(self) -> Names:
        return Names(self.entries)


def parse_entry_or_reason(text: str) -> Entry | str:
    """Return the entry of a text, or the reason why it is none."""
    try:
        return parse_entry(text)
    except Fault as error:
        return str(error)


class CatalogDirectory:
    """A catalog on disk. One thread reads it again when its files change; admissions take what was read last."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._stamp: Stamp = ()
        self._texts: dict[str, str] = {}
        self._parsed: dict[str, Entry | str] = {}
        self._current = Catalog()
        self.refresh()

    def current(self) -> Catalog:
        """Return the catalog that was read last; no directory means no entries. Touches no file."""
        return self._current

    def follow(self) -> None:
        """Refresh the catalog once a second, in a thread that ends with the process."""
        threading.Thread(target=self._follow, name="catalog", daemon=True).start()

    def refresh(self) -> None:
        """Read the catalog again if its files changed. One thread at a time may call this."""
        try:
            stamp = self._read_stamp()
            if stamp != self._stamp:
                self._swap(self._read_texts())
                self._stamp = stamp
        except OSError as error:
            # The kubelet may be swapping the files: keep the last good catalog.
            _log.warning("the catalog in %s could not be read again: %s", self._directory, error)

    def _follow(self) -> None:
        pause = threading.Event()
        while not pause.wait(_REFRESH_SECONDS):
            self.refresh()

    def _swap(self, texts: dict[str, str]) -> None:
        # Of ten thousand entries few change at a time.
        self._parsed = {
            name: self._parsed[name] if self._texts.get(name) == text else parse_entry_or_reason(text)
            for name, text in _unhurried(texts.items())
        }
        self._texts = texts
        catalog = Catalog.of(self._parsed)
        # counted and sorted here, and not in the first admission that asks
        catalog.near("")
        catalog.registries  # noqa: B018 - kept from now on
        self._current = catalog

    def _files(self) -> list[Path]:
        if not self._directory.is_dir():
            return []
        found = sorted(path for path in self._directory.iterdir() if not path.name.startswith("."))
        return [path for path in _unhurried(found) if path.is_file()]

    def _read_texts(self) -> dict[str, str]:
        # Bytes that are no text make only their own entry invalid.
        return {path.name: path.read_text("utf-8", errors="replace") for path in _unhurried(self._files())}

    def _read_stamp(self) -> Stamp:
        data = self._directory / _DATA
        # A directory that no kubelet keeps has no such link, and each file may change in place.
        watched = [data] if data.is_symlink() else self._files()
        stats = [(path.name, path.stat()) for path in watched]
        return tuple((name, stat.st_ino, stat.st_mtime_ns, stat.st_size) for name, stat in stats)


def _unhurried(items: Iterable[T]) -> Iterator[T]:
    """Yield all items with rests between, in which admissions have the interpreter to themselves."""
    for number, item in enumerate(items):
        if number % _BATCH == _BATCH - 1:
            time.sleep(_REST_SECONDS)
        yield item
