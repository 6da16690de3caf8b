"""Docker configs in, the right credential for a repository out.

Reads what docker, podman, kubectl and the clouds' helpers write: `auths` with `auth`, `username` and `password`,
`identitytoken` or `registrytoken`; keys that are hosts, URLs, or hosts with a path; `credHelpers` and `credsStore`.

Files that the user named are read at once, and a fault in one is an error. Files at other tools' default paths are read
when a registry sends a challenge. A fault in one of these means no credential: it is reported then, and again with the
registry's refusal.
"""

import json
import stat
from base64 import b64decode
from binascii import Error as BadBase64
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, Protocol, Self

from oras.defaults import registry as hub

from registry.errors import BadCredentials
from registry.reference import Reference

from .credential_helpers import ask_helper
from .docker_keys import matches, normal

_SIZE_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential. Its `repr` shows no secret."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)
    source: str = field(default="", compare=False)
    """Where it was found, for --debug: a file, a credential helper that a file names, or an identity."""

    lapses_at: float = field(default=float("inf"), compare=False)
    """Until when an identity's credential is good, by the clock of time.monotonic."""


@dataclass(frozen=True, slots=True)
class _Config:
    auths: Mapping[str, Credential] = field(default_factory=dict)
    helpers: Mapping[str, str] = field(default_factory=dict)
    store: str = ""
    is_named: bool = True
    file: str = ""


class Identities(Protocol):
    """What gives credentials for what a program is, where none is configured (registry/identity/)."""

    @property
    def lacking(self) -> tuple[str, ...]:
        """Why there were none."""
        ...

    def is_meant_for(self, registry: str) -> bool:
        """Return whether a token is meant for this registry before any that is configured."""
        ...

    def find(self, registry: str, refused: Credential | None) -> Credential | None:
        """Return a credential for a registry, another than the one that it refused, or None."""
        ...


class Credentials:
    """The credentials of several docker configs, merged: of two with one key the first wins."""

    def __init__(
        self,
        configs: Iterable[_Config] = (),
        found: Iterable[Path] = (),
        lacking: Iterable[str] = (),
        say: Callable[[str], None] = lambda _: None,
        identities: Identities | None = None,
    ) -> None:
        """`found` are files that the user did not name; `lacking` names missing files that may be missing."""
        self._identities = identities
        self._configs, self._found = list(configs), list(found)
        self._lacking, self._say = list(lacking), say
        self._lock = Lock()

    @classmethod
    def load(
        cls,
        files: Iterable[Path],
        found: Iterable[Path] = (),
        *,
        may_lack: bool = False,
        say: Callable[[str], None] = lambda _: None,
        identities: Identities | None = None,
    ) -> Self:
        """Read the docker configs that the user named; raise BadCredentials for one that cannot be read.

        `found` are those of the user's other tools, which come after them. With `may_lack` a named one may be missing,
        as pull secrets may for the kubelet. `say` is called with a line for each file or entry that is skipped.
        `identities` are asked where no docker config has a credential.
        """
        configs, lacking = [], []
        for file in files:
            try:
                configs.append(_parse(file, is_named=True))
            except FileNotFoundError:
                if not may_lack:
                    raise BadCredentials(f"{file}: no such file", hint="name a docker config, or none") from None
                lacking.append(f"no credentials are in {file}: no such file")
            except OSError as error:
                raise BadCredentials(f"{file}: cannot be read ({error.strerror or error})") from None
        for words in lacking:
            say(words)
        return cls(configs, found, lacking, say, identities)

    @property
    def lacking(self) -> tuple[str, ...]:
        """What could not be read or proved; the message of a refusal names it."""
        return (*self._lacking, *(self._identities.lacking if self._identities else ()))

    def find(self, reference: Reference, refused: Credential | None = None) -> Credential | None:
        """Return the credential with the longest key that covers the repository, else an identity's, or None.

        A credential helper counts as an entry for the registry, at its config's position in the order. A token that is
        meant for the registry comes first. `refused` is the credential that the registry accepts no longer: an
        identity renews it. Raises BadCredentials, BadIdentity, Unauthorized, Unavailable.
        """
        registry = reference.registry
        if self._identities is not None and self._identities.is_meant_for(registry):
            return self._identities.find(registry, refused)
        configured = self.configured(reference)
        if configured is None and self._identities is not None:
            return self._identities.find(registry, refused)
        return configured

    def configured(self, reference: Reference) -> Credential | None:
        """Return the credential that a docker config has; see `find`. Raises BadCredentials."""
        with self._lock:
            self._read_found()
            host = normal(reference.registry)
            place = f"{host}/{reference.repository}"
            keys = [place[:end] for end in range(len(place), 0, -1) if end == len(place) or place[end] == "/"]
            for key in keys:
                for config in self._configs:
                    credential = config.auths.get(key)
                    if credential is None and key == host:
                        credential = self._ask(config, host)
                    if credential is not None:
                        return credential
            return self._by_pattern(keys)

    def _by_pattern(self, keys: Sequence[str]) -> Credential | None:
        """Return the credential of a key with `*` in its host, as the kubelet reads those of pull secrets; or None."""
        for key in keys:
            for config in self._configs:
                for pattern, credential in config.auths.items():
                    if matches(pattern, key):
                        return credential
        return None

    def _read_found(self) -> None:
        files, self._found = self._found, []
        for file in files:
            try:
                self._configs.append(_parse(file, is_named=False))
            except (FileNotFoundError, NotADirectoryError):
                continue
            except (OSError, BadCredentials) as error:
                why = error.strerror if isinstance(error, OSError) else "it is no docker config"
                self._pass_over(f"no credentials are taken from {file}: {why}")

    def _ask(self, config: _Config, host: str) -> Credential | None:
        helper = config.helpers.get(host, config.store)
        if not helper:
            return None
        try:
            answer = ask_helper(helper, hub.index_server if host == hub.index_name else host)
        except BadCredentials as error:
            if config.is_named:
                raise
            self._pass_over(str(error))
            return None
        source = f"docker-credential-{helper}, named in {config.file}"
        return Credential(*answer, source=source) if answer else None

    def _pass_over(self, words: str) -> None:
        if words not in self._lacking:
            self._lacking.append(words)
            self._say(words)


def default_files(environ: Mapping[str, str]) -> list[Path]:
    """Return the docker configs that this user's other tools write: docker and oras, podman and skopeo, helm."""
    home = Path(environ.get("HOME", "/"))
    configured = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    files = [Path(environ["REGISTRY_AUTH_FILE"])] if environ.get("REGISTRY_AUTH_FILE") else []
    files.append(Path(environ.get("DOCKER_CONFIG") or home / ".docker") / "config.json")
    if environ.get("XDG_RUNTIME_DIR"):
        files.append(Path(environ["XDG_RUNTIME_DIR"]) / "containers/auth.json")
    files.append(configured / "containers/auth.json")
    files.append(Path(environ.get("HELM_REGISTRY_CONFIG") or configured / "helm/registry/config.json"))
    return files


def _parse(file: Path, *, is_named: bool) -> _Config:
    """Read a docker config. Raises OSError when the file cannot be read, and BadCredentials."""
    if not is_named and not stat.S_ISREG(file.stat().st_mode):
        return _Config()  # a pipe would block, and a folder is no config
    with file.open("rb") as opened:
        text = opened.read(_SIZE_LIMIT)
    try:
        content = json.loads(text)
        auths = {normal(key): _credential(entry, file) for key, entry in _table(content, "auths").items() if entry}
        return _Config(
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
