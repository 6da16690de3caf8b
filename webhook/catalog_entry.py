"""One entry of the catalog: a source, or a mapping with one.

Tests: tests/webhook/test_catalog.py
"""

import re
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from registry.source import Source, parse_source

from .pod.mounts import parse_mount_path
from .refusals import BrokenEntry

# What most entries are, read without a YAML parser, which takes a millisecond for each: a plain scalar that every YAML
# parser reads as this text, because it has a slash in it and nothing that YAML gives a meaning to.
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@+/-]*/[A-Za-z0-9._:@+/-]*[A-Za-z0-9]")
_PLAIN_LINE = re.compile(rf"(source|mountPath|gpu): +(true|false|/?{_PLAIN.pattern})")


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """The source of a model's name."""

    source: Source
    gpu: bool = False
    mount_path: str | None = None


_KEYS = ("source", "gpu", "mountPath")


def parse_entry(text: str) -> Entry:
    """Parse an entry's text; raise BrokenEntry, or another Fault of the source."""
    value = _load(text)
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


def _load(text: str) -> Any:
    trimmed = text.strip(" \r\n")
    if _PLAIN.fullmatch(trimmed):
        return trimmed
    lines = [_PLAIN_LINE.fullmatch(line.rstrip(" \r")) for line in trimmed.split("\n")]
    pairs = [(line[1], line[2]) for line in lines if line]
    if lines and len(pairs) == len(lines) == len(dict(pairs)):
        words: dict[str, Any] = {"true": True, "false": False}
        return {key: words.get(value, value) for key, value in pairs}
    try:
        return YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise BrokenEntry(f"it is not valid YAML{where}") from error
    except (YAMLError, RecursionError, ValueError, LookupError, TypeError, AttributeError) as error:
        # the last four are what this parser raises for tags that do not fit their values
        raise BrokenEntry("it is not valid YAML") from error
