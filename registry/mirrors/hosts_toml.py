"""A parser of hosts.toml (containerd, docs/hosts.md): the hosts of one registry, in the order in which they are tried.

The `server` comes last: without one, that is the registry itself. Unknown keys are ignored, so that files for newer
versions can be read.
"""

import re
from dataclasses import replace
from pathlib import Path
from posixpath import normpath
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

from registry.errors import BadMirrors
from registry.net.tls import Tls
from registry.reference import api_host

from .host import Host

MIRROR_CONNECT_SECONDS = 5.0
"""How long connecting to a mirror may take, unless its file sets that: another host is left to ask."""

_REGISTRY = re.compile(r"_default|localhost|.*[.:_].*")
_CAPABILITIES = {"pull", "resolve", "push", "referrers"}
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_OUR_HEADERS = {"Host", "Range", "Accept-Encoding", "Connection", "Content-Length", "Transfer-Encoding"}
_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h))")  # Go's time.ParseDuration, without signs
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def parse_hosts(content: bytes, file: Path, upstream: Host) -> tuple[Host, ...]:
    """Parse the hosts.toml at `file`; the paths in it are relative to its folder.

    `upstream` is the registry, as it is reached without configuration. Raises BadMirrors, which names the key.
    """
    return hosts_of(Table(str(file), file.parent, "", read_toml(content, str(file))), upstream)


def parse_registries(text: str, place: str, directory: Path) -> dict[str, "Table"]:
    """Parse one text for many registries: for each a table, by its folder's name, with the content of its hosts.toml.

    Errors name the text by `place`; paths in a table are relative to the registry's folder below `directory`.
    Raises BadMirrors.
    """
    top = Table(place, directory, "", read_toml(text.encode(errors="surrogateescape"), place))
    found = {}
    for name, table in top.table.items():
        if not isinstance(table, dict) or not _REGISTRY.fullmatch(name):  # unquoted, TOML makes tables at each dot
            raise top.fault(f'"{name}"', 'a table under a registry\'s name, in quotes: ["registry.example.com"]')
        found[name] = top._replace(folder=directory / name, path=f'"{name}".', table=table)
    return found


def read_toml(content: bytes, place: str) -> dict[str, Any]:
    """Parse TOML; raise BadMirrors if it is invalid."""
    import tomllib  # noqa: PLC0415 - few pulls have mirrors, and it would make all of them start later

    try:
        return tomllib.loads(content.decode())
    except (ValueError, RecursionError) as error:  # TOMLDecodeError and UnicodeDecodeError are such
        raise BadMirrors(f"{place}: not TOML: {error}") from None


def hosts_of(top: "Table", upstream: Host) -> tuple[Host, ...]:
    """Return the hosts that a registry's table names, the `upstream` among them. Raises BadMirrors."""
    hosts = [_mirror(entry, url) for url, entry in top.tables("host")]
    hosts.append(_server(top, upstream))
    found: dict[str, Host] = {}
    for host in hosts:
        if host.can_pull:
            found.setdefault(host.root, host)
    if not found:
        raise top.fault("capabilities", "a host that has pull")
    return tuple(found.values())


class Table(NamedTuple):
    """A table of the file, and its path there."""

    said_in: str
    """The file's name in errors."""

    folder: Path
    """The folder to which the paths in it are relative."""

    path: str
    table: dict[str, Any]

    def fault(self, key: str, wanted: str) -> BadMirrors:
        """Return the error for a wrong key, which says what is wanted; its value is not quoted: it may be a secret."""
        where = f"{self.path}{key}".rstrip(".")
        return BadMirrors(f"{self.said_in}: {where}: wanted {wanted}")

    def tables(self, key: str) -> list[tuple[str, "Table"]]:
        """Return the tables at a key, in the file's order."""
        outer = self.table.get(key, {})
        if not isinstance(outer, dict):
            raise self.fault(key, "a table")
        for name, inner in outer.items():
            if not isinstance(inner, dict):
                raise self.fault(f'{key}."{name}"', "a table")
        return [(name, self._replace(path=f'{self.path}{key}."{name}".', table=inner)) for name, inner in outer.items()]

    def text(self, key: str) -> str:
        """Return the string at a key; empty if there is none."""
        value = self.table.get(key, "")
        if not isinstance(value, str):
            raise self.fault(key, "a string")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return the string, or the list of strings, at a key."""
        value = self.table.get(key, [])
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
            raise self.fault(key, "a string or a list of strings")
        return tuple(values)

    def switch(self, key: str) -> bool:
        """Return the boolean at a key; False if there is none."""
        value = self.table.get(key, False)
        if not isinstance(value, bool):
            raise self.fault(key, "true or false")
        return value

    def place(self, name: str) -> str:
        """Return the path of a file that the table names."""
        return str(self.folder / name)


def _mirror(entry: Table, url: str) -> Host:
    host = _host(entry, _root(entry, "", url))
    return host if host.connect_seconds is not None else replace(host, connect_seconds=MIRROR_CONNECT_SECONDS)


def _server(top: Table, upstream: Host) -> Host:
    """Return the host that is asked last: without an address of its own it is the registry, trusted with everything."""
    address = top.text("server")
    if address:
        return _host(top, _root(top, "server", address))
    return replace(_host(top, upstream.root), can_pull=True, can_resolve=True)


def _host(entry: Table, root: str) -> Host:
    capabilities = {text.lower() for text in entry.texts("capabilities")} or _CAPABILITIES
    if not capabilities <= _CAPABILITIES:
        raise entry.fault("capabilities", f"some of {', '.join(sorted(_CAPABILITIES))}")
    return Host(
        root=root,
        can_pull="pull" in capabilities,
        can_resolve="resolve" in capabilities,
        headers=_headers(entry),
        tls=Tls(
            ca_files=tuple(entry.place(name) for name in entry.texts("ca")),
            client=_client(entry),
            skip_verify=entry.switch("skip_verify") if "skip_verify" in entry.table else None,
        ),
        proxy=_proxy(entry),
        connect_seconds=_seconds(entry, "dial_timeout"),
    )


def _root(entry: Table, key: str, text: str) -> str:
    """Return the URL of the API's root: with /v2 at its end unless the file sets `override_path`."""
    parts = _url(entry, key, text if "://" in text else f"https://{text}")
    if parts.scheme not in ("http", "https"):
        raise entry.fault(key, "an http:// or https:// URL")
    host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else str(parts.hostname)
    authority = api_host(host) + (f":{parts.port}" if parts.port else "")
    path = f"/{normpath(parts.path or '/').strip('/')}".rstrip("/")
    if not entry.switch("override_path") and not path.endswith("/v2"):
        path += "/v2"
    return f"{parts.scheme}://{authority}{path}"


def _url(entry: Table, key: str, text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        is_right = bool(parts.hostname) and parts.port != 0
    except ValueError:  # an invalid port or IPv6 address
        is_right = False
    if not is_right or not text.isascii() or not text.isprintable() or " " in text:
        raise entry.fault(key, "a URL")
    return parts


def _client(entry: Table) -> tuple[str, str] | None:
    """Return the files of a certificate and of its key: the same file, or a pair; each may be in a list."""
    wanted = "one client certificate: a file, or a pair of files"
    value = entry.table.get("client", [])
    pairs = [value] if isinstance(value, str) else value
    if not isinstance(pairs, list) or len(pairs) > 1:
        raise entry.fault("client", wanted)
    for pair in pairs:
        match pair:
            case str(both) | [str(both), ""]:
                return entry.place(both), entry.place(both)
            case [str(certificate), str(key)]:
                return entry.place(certificate), entry.place(key)
            case _:
                raise entry.fault("client", wanted)
    return None


def _headers(entry: Table) -> tuple[tuple[str, str], ...]:
    table = entry.table.get("header", {})
    if not isinstance(table, dict):
        raise entry.fault("header", "a table")
    headers = entry._replace(path=f"{entry.path}header.", table=table)
    found = []
    for name in table:
        value = ", ".join(headers.texts(name))  # RFC 9110, 5.3: a list and several lines are one
        if not _HEADER_NAME.fullmatch(name) or not value.isascii() or not value.isprintable():
            raise headers.fault(name, "a header that HTTP can carry")
        if name.title() in _OUR_HEADERS:
            raise headers.fault(name, "no header that each request sets itself")
        found.append((name.title(), value))
    return tuple(found)


def _proxy(entry: Table) -> str:
    address = entry.text("proxy")
    if address and _url(entry, "proxy", address).scheme != "http":
        raise entry.fault("proxy", "an http:// URL; other proxies are not spoken to")
    return address


def _seconds(entry: Table, key: str) -> float | None:
    text = entry.text(key)
    if not text:
        return None
    parts = _DURATION.findall(text)
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    if "".join(number + unit for number, unit in parts) != text or seconds <= 0:
        raise entry.fault(key, "a duration such as 500ms or 1m30s")
    return seconds
