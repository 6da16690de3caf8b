"""Docker configs in, the right credential for a repository out.

For a registry's host each file has, in docker's order, the program of `credHelpers`, else that of `credsStore`, and its
entry in `auths` where the program has nothing or does not run. Longer keys, with a path, go before.

Files that the user named are read at once, and a fault in one is an error. Files at other tools' default paths are read
when a registry sends a challenge. A fault in one of these means no credential: it is reported then, and again with the
registry's refusal.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Protocol, Self

from oras.defaults import registry as hub

from registry.errors import BadCredentials
from registry.reference import Reference

from .credential import Credential
from .credential_helpers import ask_helper
from .docker_config import Config, parse_config
from .docker_keys import matches, normal


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
        configs: Iterable[Config] = (),
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
                configs.append(parse_config(file, is_named=True))
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
                    entry = config.auths.get(key)
                    credential = (self._ask(config, host) or entry) if key == host else entry
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
                self._configs.append(parse_config(file, is_named=False))
            except (FileNotFoundError, NotADirectoryError):
                continue
            except (OSError, BadCredentials) as error:
                why = error.strerror if isinstance(error, OSError) else "it is no docker config"
                self._pass_over(f"no credentials are taken from {file}: {why}")

    def _ask(self, config: Config, host: str) -> Credential | None:
        helper = config.helpers.get(host, config.store)
        if not helper:
            return None
        try:
            answer = ask_helper(helper, hub.index_server if host == hub.index_name else host)
        except BadCredentials as error:
            if config.is_named and host not in config.auths:
                raise
            self._pass_over(str(error))
            return None
        source = f"docker-credential-{helper}, named in {config.file}"
        return Credential(*answer, source=source) if answer and any(answer) else None  # "" of both is no answer

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
