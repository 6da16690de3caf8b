"""Which identity answers for a registry, and until when its credential is good.

1. The ServiceAccount's token, for the one registry that it is meant for.
2. The identity of the cloud that runs the registry, where the environment describes one. Azure and Google give one to
   every pod by an endpoint on the node, which is asked last: where there is no such endpoint, there is no identity.

A credential is shared by all repositories of a registry, and renewed before it expires or when the registry refuses it.
The module of a cloud is imported when a registry of that cloud asks for credentials.

Tests: tests/registry/identity/test_identities.py
"""

import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, Protocol

from registry.auth.credential import Credential
from registry.errors import Fault, IdentityRefused, Unavailable
from registry.http.transport import Transport

if TYPE_CHECKING:
    from .endpoint import Endpoints

from .hosts import ECR_PUBLIC, Cloud, cloud_of
from .service_account import ServiceAccountIdentity

_MARGIN_SECONDS = 300.0


class Identity(Protocol):
    """Something that the pod is, for one registry."""

    @property
    def who(self) -> str:
        """Return a text for messages: the identity and where it comes from."""
        ...

    def credential(self, endpoints: "Endpoints", /) -> tuple[Credential, float]:
        """Return a credential for the registry, and for how many seconds it is good. Raises Fault."""
        ...


class Found(NamedTuple):
    """An identity that a registry calls for. `is_likely` is false where only a node's endpoint may know one."""

    identity: Identity
    is_likely: bool


def identity_for(
    registry: str, environ: Mapping[str, str], token: ServiceAccountIdentity | None = None
) -> Found | None:
    """Return the identity that opens a registry, or None where there is none. Pure. Raises BadIdentity."""
    if token is not None and token.registry == registry:
        return Found(token, is_likely=True)
    cloud = cloud_of(registry)
    if cloud is Cloud.AMAZON:
        from .amazon import amazon_identity  # noqa: PLC0415 - see above

        amazon = amazon_identity(registry, environ)
        return Found(amazon, is_likely=True) if amazon else None
    if cloud is Cloud.AZURE:
        from .azure import azure_identity, is_described  # noqa: PLC0415 - see above

        return Found(azure_identity(registry, environ), is_described(environ))
    if cloud is Cloud.GOOGLE:
        from .google import VARIABLES, google_identity  # noqa: PLC0415 - see above

        return Found(google_identity(environ), any(environ.get(name) for name in VARIABLES))
    return None


class Identities:
    """The credentials that the pod's identities get; safe to share between threads."""

    def __init__(
        self,
        environ: Mapping[str, str],
        transport: Transport,
        token: ServiceAccountIdentity | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._environ, self._token, self._clock = environ, token, clock
        self._transport = transport
        self._endpoints: Endpoints | None = None
        self._note = transport.trace.note
        self._kept: dict[str, Credential] = {}
        self._without: dict[str, str] = {}
        self._lock = threading.Lock()

    def is_meant_for(self, registry: str) -> bool:
        """Return whether the ServiceAccount's token is meant for a registry: it then comes before every other."""
        return self._token is not None and self._token.registry == registry

    def find(self, registry: str, refused: Credential | None = None) -> Credential | None:
        """Return a credential for a registry, or None where no identity opens it.

        One that the registry `refused`, and one that is about to expire, are replaced. Raises IdentityRefused,
        BadIdentity, Unavailable.
        """
        with self._lock:
            kept = self._kept.get(registry)
            if kept is not None and kept != refused and self._clock() < kept.lapses_at:
                return kept
            if registry in self._without:
                return None
            self._kept.pop(registry, None)
            found = identity_for(registry, self._environ, self._token)
            if found is None:
                self._lack(registry, f"no identity of {cloud_of(registry)} is in the environment")
                return None
            credential = self._asked(found, registry)
            if credential is not None:
                self._kept[registry] = credential
            return credential

    def _asked(self, found: Found, registry: str) -> Credential | None:
        try:
            credential, life = found.identity.credential(self._endpoints_once())
        except Fault as error:
            if not _means_none(error, found, registry):
                raise
            self._lack(registry, str(error))
            return None
        return replace(credential, lapses_at=self._clock() + max(life - _MARGIN_SECONDS, life / 2))

    @property
    def lacking(self) -> tuple[str, ...]:
        """Why registries of a cloud got no credential; the message of a refusal says it."""
        return tuple(f"{registry}: {why}" for registry, why in self._without.items() if why)

    def _lack(self, registry: str, why: str) -> None:
        self._without[registry] = why if cloud_of(registry) else ""
        if cloud_of(registry):
            self._note(f"{registry}: {why}")

    def _endpoints_once(self) -> "Endpoints":
        from .endpoint import Endpoints  # noqa: PLC0415 - see above

        if self._endpoints is None:
            self._endpoints = Endpoints(self._transport)
        return self._endpoints


def identities_of(environ: Mapping[str, str], transport: Transport, token: tuple[str, str] | None) -> Identities:
    """Return the identities of a program; `token` is a registry and the file with a ServiceAccount's token for it."""
    return Identities(environ, transport, ServiceAccountIdentity(*token) if token else None)


def _means_none(error: Fault, found: Found, registry: str) -> bool:
    """Return whether a failure means that the program has no identity here, so that it asks anonymously.

    Google's metadata server is up a few seconds after a pod's start, so a silent one may come; a name that is not
    known means another cloud.
    """
    if isinstance(error, IdentityRefused):
        return not found.is_likely or registry == ECR_PUBLIC
    if found.is_likely or not isinstance(error, Unavailable):
        return False
    return cloud_of(registry) is not Cloud.GOOGLE or isinstance(error.__cause__, socket.gaierror)
