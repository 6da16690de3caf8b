"""The configuration of registries' hosts: a directory like containerd's, or one text for all registries.

A directory holds a folder for each registry, named `HOST_PORT_`, `HOST:PORT`, `HOST`, or `_default` for all others; of
these the first that exists counts. A folder without a hosts.toml may hold Docker's files: CAs as `*.crt`, a client
certificate as `*.cert` and `*.key`. In a text, tables take the place of the folders.

Stricter than containerd: a file that cannot be read is an error, where containerd goes on without it.

Tests: tests/registry/mirrors/test_hosts_toml.py
"""

import re
from dataclasses import replace
from pathlib import Path

from registry.errors import BadMirrors
from registry.net.tls import Tls

from .host import Host
from .hosts_toml import hosts_of, parse_hosts, parse_registries

_FILE = "hosts.toml"
_TEXT = "mirrors"
_SIZE_LIMIT = 1 << 20
_PORT = re.compile(r"(.+):(\d+)")


def find_hosts(directory: Path | None, namespace: str, upstream: Host, text: str = "") -> tuple[Host, ...]:
    """Return the hosts to ask for a registry's content, in order; `upstream` alone where none is configured.

    `namespace` is the registry as references name it. `text` takes precedence over the directory. Raises BadMirrors.
    """
    if text:
        registries = parse_registries(text, _TEXT, directory or Path("/"))
        name = next((name for name in folder_names(namespace) if name in registries), None)
        if name is not None:
            return hosts_of(registries[name], upstream)
    return _hosts_in(directory, namespace, upstream) if directory else (upstream,)


def _hosts_in(directory: Path, namespace: str, upstream: Host) -> tuple[Host, ...]:
    try:
        folders = (directory / name for name in folder_names(namespace))
        folder = next((folder for folder in folders if folder.exists()), None)
        if folder is None:
            return (upstream,)
        file = folder / _FILE
        content = _read(file) if file.is_file() else b""
        return parse_hosts(content, file, upstream) if content else (replace(upstream, tls=_docker_files(folder)),)
    except OSError as error:
        raise BadMirrors(f"{error.filename or directory}: {error.strerror or error}") from error


def folder_names(namespace: str) -> tuple[str, ...]:
    """Return the names that a registry's folder may have, in the order in which they are tried."""
    match = _PORT.fullmatch(namespace)
    return (*((f"{match[1]}_{match[2]}_",) if match else ()), namespace, "_default")


def _read(file: Path) -> bytes:
    with file.open("rb") as opened:
        content = opened.read(_SIZE_LIMIT + 1)
    if len(content) > _SIZE_LIMIT:
        raise BadMirrors(f"{file}: more than {_SIZE_LIMIT} bytes are not read")
    return content


def _docker_files(folder: Path) -> Tls:
    """Return the TLS settings from the file names in a folder of Docker's form."""
    certificates = sorted(folder.glob("*.cert"))
    if len(certificates) > 1:
        raise BadMirrors(f"{folder}: holds {len(certificates)} client certificates, and one is read")
    client = None
    for certificate in certificates:
        key = certificate.with_suffix(".key")
        client = (str(certificate), str(key if key.exists() else certificate))
    return Tls(ca_files=tuple(map(str, sorted(folder.glob("*.crt")))), client=client)
