"""CNCF distribution, the registry that most registries are measured by."""

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .process import Process

_READY_SECONDS = 30
_LISTENING = re.compile(r"listening on 127\.0\.0\.1:(\d+)")

_ENVIRON = {"OTEL_TRACES_EXPORTER": "none"}  # else it looks for a collector

USER, PASSWORD = "porter", "ferry-toll"
_HTPASSWD = f"{USER}:$2b$04$KGc8vS6fSYN8gEJCt957oOqPniFf891BHOHLIGcmASWN6J3q8uRRO\n"
"""The one pair that `basic_auth` lets in, hashed ahead: the standard library has no bcrypt."""


@dataclass(frozen=True)
class Registry:
    """A registry that answers."""

    address: str
    """127.0.0.1:PORT"""

    storage: Path
    """Where it keeps blobs, for tests that harm them."""

    process: Process


def basic_auth(folder: Path) -> dict[str, Any]:
    """Return the `auth` section that asks for USER and PASSWORD."""
    path = folder / "htpasswd"
    path.write_text(_HTPASSWD)
    return {"htpasswd": {"realm": "weighbridge tests", "path": str(path)}}


def token_auth(realm: str, jwks: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return the `auth` section that takes bearer tokens from `realm`, signed with a key of `jwks`."""
    path = folder / "jwks.json"
    path.write_text(json.dumps(jwks))
    return {"token": {"realm": realm, "service": "registry", "issuer": "weighbridge tests", "jwks": str(path)}}


def registry_configuration(
    storage: Path, address: str, *, auth: Mapping[str, Any] | None = None, tls: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the configuration of a registry that listens at `address`, in the form of its config file."""
    http: dict[str, Any] = {"addr": address, "secret": "of no worth: one process"}
    return {
        "version": "0.1",
        "log": {"accesslog": {"disabled": False}, "formatter": "text"},
        "storage": {
            "filesystem": {"rootdirectory": str(storage)},
            "delete": {"enabled": True},
            "maintenance": {"uploadpurging": {"enabled": False}},
        },
        "http": http | ({"tls": tls} if tls else {}),
    } | ({"auth": auth} if auth else {})


@contextmanager
def running_registry(
    program: Path,
    folder: Path,
    *,
    auth: dict[str, Any] | None = None,
    tls: dict[str, Any] | None = None,
    upstream: str = "",
) -> Iterator[Registry]:
    """Run a registry on a loopback port until the block ends.

    `auth` comes from basic_auth or token_auth; `tls` names the files `certificate` and `key`, and as `clientcas` whose
    clients are let in. With `upstream`, the URL of another registry, it is a pull-through cache of that one.
    """
    storage = folder / "storage"
    config = folder / "config.json"  # JSON is YAML
    config.write_text(json.dumps(registry_configuration(storage, "127.0.0.1:0", auth=auth, tls=tls) | _proxy(upstream)))
    with Process([program, "serve", config], folder / "registry.log", _ENVIRON) as process:
        port = process.wait_until(lambda: _LISTENING.search(process.said()), _READY_SECONDS)[1]
        address = f"127.0.0.1:{port}"
        if tls is None:
            process.wait_until(lambda: _answers(f"http://{address}/v2/"), _READY_SECONDS)
        yield Registry(address, storage, process)


def _proxy(upstream: str) -> dict[str, Any]:
    return {"proxy": {"remoteurl": upstream}} if upstream else {}


def _answers(url: str) -> bool:
    """Return whether the API answers, be it that it asks for credentials."""
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except urllib.error.HTTPError as error:
        error.close()
        return error.code == 401
    except OSError:
        return False
