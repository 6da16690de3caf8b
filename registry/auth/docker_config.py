"""One docker config: what docker, podman, kubectl and the clouds' helpers write.

`auths` with `auth`, `username` and `password`, `identitytoken` or `registrytoken`; keys that are hosts, URLs, or hosts
with a path; `credHelpers` and `credsStore`.

Tests: tests/registry/auth/test_credentials.py
"""

import json
import stat
from base64 import b64decode
from binascii import Error as BadBase64
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from registry.errors import BadCredentials

from .credential import Credential
from .docker_keys import normal

_SIZE_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class Config:
    """A file's entries and programs, by their keys in plain form; `is_named` says whether the user named the file."""

    auths: Mapping[str, Credential] = field(default_factory=dict)
    helpers: Mapping[str, str] = field(default_factory=dict)
    store: str = ""
    is_named: bool = True
    file: str = ""


def parse_config(file: Path, *, is_named: bool) -> Config:
    """Read a docker config. Raises OSError when the file cannot be read, and BadCredentials."""
    if not is_named and not stat.S_ISREG(file.stat().st_mode):
        return Config()  # a pipe would block, and a folder is no config
    with file.open("rb") as opened:
        text = opened.read(_SIZE_LIMIT)
    try:
        content = json.loads(text)
        auths = {normal(key): _credential(entry, file) for key, entry in _table(content, "auths").items() if entry}
        return Config(
            auths={key: found for key, found in auths.items() if found},
            helpers={normal(key): str(name) for key, name in _table(content, "credHelpers").items()},
            store=str(content.get("credsStore") or ""),
            is_named=is_named,
            file=str(file),
        )
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        # Not the error's own text: a JSON error may quote a secret.
        raise BadCredentials(f"{file}: not a docker config ({type(error).__name__})") from None


def _table(content: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    table = content.get(key) or {}
    if not isinstance(table, dict):
        raise TypeError(key)
    return table


def _credential(entry: Mapping[str, Any], file: Path) -> Credential | None:
    username, password = str(entry.get("username") or ""), str(entry.get("password") or "")
    if entry.get("auth"):
        try:
            username, _, password = b64decode(entry["auth"]).decode().partition(":")
        except BadBase64:
            raise ValueError("auth") from None
    credential = Credential(
        username,
        password.rstrip("\0"),  # some writers pad with NUL
        str(entry.get("identitytoken") or ""),
        str(entry.get("registrytoken") or ""),
        source=str(file),
    )
    return _sound(credential) if credential != Credential() else None


def _sound(credential: Credential) -> Credential:
    """Return the credential; raise ValueError if no request can carry it."""
    (credential.username + credential.password + credential.identity_token).encode()
    if not credential.registry_token.isascii() or not credential.registry_token.isprintable():
        raise ValueError("registrytoken")
    return credential
