"""Docker configs in, the right credential for a repository out.

Reads what docker, podman, kubectl and the clouds' helpers write: `auths` with `auth`, `username` and `password`,
`identitytoken` or `registrytoken`; keys that are hosts, URLs, or hosts with a path; `credHelpers` and `credsStore`.
"""

import json
from base64 import b64decode
from binascii import Error as BadBase64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from oras.defaults import registry as hub

from .errors import BadCredentials
from .reference import Reference

HELPER_SECONDS = 30
_SIZE_LIMIT = 1 << 20
_TOKEN_USER = "<token>"  # noqa: S105 - what helpers answer as the user name beside an identity token


@dataclass(frozen=True, slots=True)
class Credential:
    """How to prove who asks. Its `repr` shows no secret."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class _Config:
    auths: Mapping[str, Credential]
    helpers: Mapping[str, str]
    store: str


class Credentials:
    """The credentials of several docker configs, merged: of two for one place the first given wins."""

    def __init__(self, configs: Iterable[_Config] = ()) -> None:
        self._configs = tuple(configs)

    @classmethod
    def load(cls, files: Iterable[Path]) -> Self:
        """Read docker config files; one that does not exist is passed over. Raises BadCredentials."""
        return cls(_parse(file) for file in files if file.is_file())

    def find(self, reference: Reference) -> Credential | None:
        """Give the credential with the longest key that covers the repository, or None for nobody."""
        place = f"{_normal(reference.registry)}/{reference.repository}"
        keys = [place[:end] for end in range(len(place), 0, -1) if end == len(place) or place[end] == "/"]
        for key in keys:
            for config in self._configs:
                if key in config.auths:
                    return config.auths[key]
        host = _normal(reference.registry)
        for config in self._configs:
            helper = config.helpers.get(host, config.store)
            found = _ask_helper(helper, host) if helper else None
            if found:
                return found
        return None


def default_files(environ: Mapping[str, str]) -> list[Path]:
    """Give the docker configs that this user's other tools read."""
    home = Path(environ.get("HOME", "/"))
    files = [Path(environ["REGISTRY_AUTH_FILE"])] if environ.get("REGISTRY_AUTH_FILE") else []
    files.append(Path(environ.get("DOCKER_CONFIG") or home / ".docker") / "config.json")
    if environ.get("XDG_RUNTIME_DIR"):
        files.append(Path(environ["XDG_RUNTIME_DIR"]) / "containers/auth.json")
    return files


def _normal(key: str) -> str:
    key = key.removeprefix("https://").removeprefix("http://").rstrip("/")
    key = key.removesuffix("/v1").removesuffix("/v2").lower()
    host, slash, path = key.partition("/")
    return (hub.index_name if host in (hub.index_hostname, hub.default_v2_registry["host"]) else host) + slash + path


def _parse(file: Path) -> _Config:
    try:
        with file.open("rb") as opened:
            content = json.loads(opened.read(_SIZE_LIMIT))
        auths = {_normal(key): _credential(entry) for key, entry in _table(content, "auths").items() if entry}
        return _Config(
            auths={key: found for key, found in auths.items() if found},
            helpers={_normal(key): str(name) for key, name in _table(content, "credHelpers").items()},
            store=str(content.get("credsStore") or ""),
        )
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        # Not the error's own text: a JSON error may quote the secret that it stumbled over.
        raise BadCredentials(f"{file}: not a docker config ({type(error).__name__})") from None


def _table(content: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    table = content.get(key) or {}
    if not isinstance(table, dict):
        raise TypeError(key)
    return table


def _credential(entry: Mapping[str, Any]) -> Credential | None:
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
    )
    return credential if credential != Credential() else None


def _ask_helper(name: str, host: str) -> Credential | None:
    import subprocess  # noqa: PLC0415 - few pulls need a helper, and it would make all of them start later

    server = hub.index_server if host == hub.index_name else host
    try:
        answer = subprocess.run(
            [f"docker-credential-{name}", "get"],
            input=server.encode(),
            capture_output=True,
            timeout=HELPER_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BadCredentials(
            f"the credential helper docker-credential-{name} did not run ({type(error).__name__})",
            remedy="install it on the PATH, or write the credentials into the docker config itself",
        ) from None
    if answer.returncode != 0:
        return None  # how helpers say that they hold nothing for this host
    try:
        entry = json.loads(answer.stdout)
        user, secret = str(entry["Username"]), str(entry["Secret"])
    except (ValueError, KeyError, TypeError):
        raise BadCredentials(f"the credential helper docker-credential-{name} answered no credential") from None
    return Credential(identity_token=secret) if user == _TOKEN_USER else Credential(user, secret)
