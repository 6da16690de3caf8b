"""The catalog: model names and their sources, from the ConfigMap that is mounted as files."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from registry.errors import Fault
from registry.source import Source, parse_source

from .pod.mounts import parse_mount_path
from .refusals import BrokenEntry

_KEYS = ("source", "gpu", "mountPath")
_log = logging.getLogger(__name__)

Stamp = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """The source of a model's name."""

    source: Source
    gpu: bool = False
    mount_path: str | None = None


@dataclass(frozen=True, slots=True)
class Catalog:
    """Entries by name, and the reasons why others could not be read."""

    entries: Mapping[str, Entry] = field(default_factory=dict)
    broken: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, texts: Mapping[str, str]) -> "Catalog":
        """Parse one YAML text for each name; a broken one does not affect the others."""
        entries: dict[str, Entry] = {}
        broken: dict[str, str] = {}
        for name, text in texts.items():
            try:
                entries[name] = _parse_entry(text)
            except Fault as error:
                broken[name] = str(error)
        return cls(entries, broken)


class CatalogDirectory:
    """A catalog on disk that is read again when its files change."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._held: tuple[Stamp, Catalog] = ((), Catalog())

    def current(self) -> Catalog:
        """Return the current catalog; no directory means no entries.

        Safe to call from many threads: at worst, two of them read the same change.
        """
        stamp, catalog = self._held
        try:
            now = self._stamp()
            if now != stamp:
                catalog = Catalog.read({name: self._text(name) for name, *_ in now})
                self._held = (now, catalog)
        except OSError as error:
            # The kubelet may be swapping the files: keep the last good catalog.
            _log.warning("the catalog in %s could not be read again: %s", self._directory, error)
        return catalog

    def _text(self, name: str) -> str:
        # Bytes that are no text make only their own entry invalid.
        return (self._directory / name).read_text("utf-8", errors="replace")

    def _stamp(self) -> Stamp:
        if not self._directory.is_dir():
            return ()
        files = sorted(path for path in self._directory.iterdir() if not path.name.startswith("."))
        stats = [(path.name, path.stat()) for path in files if path.is_file()]
        return tuple((name, stat.st_ino, stat.st_mtime_ns, stat.st_size) for name, stat in stats)


def _parse_entry(text: str) -> Entry:
    try:
        value: Any = YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        raise BrokenEntry(f"it is no YAML: {' '.join(str(error).split())}") from error
    if isinstance(value, str):
        return Entry(source=parse_source(value.strip()))
    if not isinstance(value, dict):
        raise BrokenEntry("wanted a source, or a mapping with the key source")
    for key in value:
        if key not in _KEYS:
            raise BrokenEntry(f"unknown key {key!r}: there are {', '.join(_KEYS)}")
    if not isinstance(value.get("source"), str):
        raise BrokenEntry("source: wanted a source")
    gpu, mount_path = value.get("gpu", False), value.get("mountPath")
    if not isinstance(gpu, bool):
        raise BrokenEntry(f"gpu: wanted true or false, not {gpu!r}")
    return Entry(
        source=parse_source(value["source"].strip()),
        gpu=gpu,
        mount_path=None if mount_path is None else parse_mount_path(str(mount_path)),
    )
