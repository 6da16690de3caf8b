"""The mirrors that pods are told of: the table of one registry, in a text that whoever may read pods can read."""

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from registry.errors import BadMirrors

from .directory import folder_names
from .host import Host
from .hosts_toml import hosts_of, parse_registries

_PLACE = "mirrors"
_SECRET = re.compile(r"authorization|cookie|key|token|secret|password", re.IGNORECASE)


def check_text(text: str) -> None:
    """Check that a text is valid for every registry in it, and holds no secret; raise BadMirrors."""
    for name, table in parse_registries(text, _PLACE, Path("/")).items():
        if any("@" in url for url in _urls(table.table)):
            raise BadMirrors(f'"{name}": a URL with a user or a password would be shown to all who may read pods')
        for host in hosts_of(table, Host(root="https://registry.invalid/v2")):
            _check_public(host)


def _urls(table: dict[str, Any]) -> Iterator[str]:
    """Yield the URLs of a registry's table: the server's, and those of its hosts."""
    hosts = table.get("host")
    yield from (str(url) for url in (table.get("server"), *(hosts if isinstance(hosts, dict) else ())))


@lru_cache(maxsize=256)
def text_for(text: str, registry: str) -> str:
    """Return the part of a text that concerns a registry: its table, or that of `_default`; empty if there is none."""
    if not text:
        return ""
    tables = parse_registries(text, _PLACE, Path("/"))
    name = next((name for name in folder_names(registry) if name in tables), None)
    if name is None:
        return ""
    return text if len(tables) == 1 else f"{json.dumps(name)} = {_written(tables[name].table)}"


def _check_public(host: Host) -> None:
    for name, _ in host.headers:
        if _SECRET.search(name):
            raise BadMirrors(
                f"{host.root}: the header {name} would be shown to all who may read pods",
                hint="leave it out: pods send the credentials of their own pull secrets",
            )
    if "@" in host.proxy:
        raise BadMirrors(f"{host.root}: a URL with a password would be shown to all who may read pods")


def _written(value: Any) -> str:
    """Return a value as inline TOML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_written(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str | bool) else str(value)
