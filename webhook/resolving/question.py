"""One question to one registry: what is behind a reference? The only place of admission that opens sockets.

Nothing secret goes along, neither credentials nor the headers of mirrors, but for repositories that the operator
named: for these the webhook shows its own identity in the cloud that runs the registry, if it has one. Redirects of
manifests are not followed.

Tests: tests/webhook/resolving/test_resolver.py
"""

import json
import threading
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

from registry.access.access import Access
from registry.auth.credentials import Credentials
from registry.digest import Digest
from registry.errors import BadManifest, Fault, Mismatch, NotFound, Refused
from registry.http.codings import check_coding
from registry.http.response import Response
from registry.http.transport import Transport
from registry.identity.hosts import cloud_of
from registry.identity.identities import identities_of
from registry.manifest import ACCEPT, Index, Manifest, parse_manifest
from registry.net.dial import Lookup, look_up
from registry.net.limits import Limits, ending_within
from registry.reference import Reference
from registry.remote.client import Client

from .answer import Facts, facts_of
from .policy import Policy
from .signed import is_judged, judge

_MANIFEST_LIMIT = 2 << 20
"""The manifest of a model of 700 GB has less than 1 MiB; JSON takes up to fifty times its size when it is read."""

_MANIFEST_SHARE = 0.6
"""Of the time of a question, where the rest is for signatures: a registry that hides these still tells its digest."""

_ERROR_LIMIT = 16 << 10
_LARGE_BYTES = 64 << 10
_MOVED = (301, 302, 303, 307, 308)
_ABSENT = frozenset({"MANIFEST_UNKNOWN", "NAME_UNKNOWN", "NOT_FOUND"})
"""Error codes of registries (distribution-spec, "Error Codes"; the last is Harbor's)."""

_one_by_one = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionSettings:
    """How registries are asked: those that speak HTTP, and how names are looked up.

    `environ` has the webhook's own identity in a cloud, if it has one; `signatures` is the operator's policy, or empty
    where admission judges none.
    """

    plain_http: tuple[str, ...] = ()
    lookup: Lookup = look_up
    environ: Mapping[str, str] = field(default_factory=dict)
    signatures: str = ""


class Questioner:
    """Asks one registry. Safe to share between threads."""

    def __init__(self, registry: str, policy: Callable[[], Policy], settings: QuestionSettings, seconds: float) -> None:
        """A question takes `seconds` at most; `policy` returns the rules of now."""
        self._registry, self._policy, self._settings, self._seconds = registry, policy, settings, seconds
        transport = Transport(
            proxies={},
            timeout_seconds=seconds,
            limits=Limits(exchange_seconds=seconds),
            lookup=self._guarded,
        )
        self._access = Access(transport=transport, credentials=Credentials.load([], []), plain_http=settings.plain_http)
        # Endpoints of a cloud are named by our own environment: no user leads there.
        self._endpoints = Transport(proxies={}, timeout_seconds=seconds, limits=Limits(exchange_seconds=seconds))
        identities = identities_of(settings.environ, self._endpoints, None)
        self._own = replace(self._access, credentials=Credentials(identities=identities))

    def ask(self, reference: Reference) -> Facts:
        """Return the facts of a reference.

        Raises NotFound where the registry itself says so, Unauthorized, Unavailable, and other Faults.
        """
        is_ours = cloud_of(reference.registry) is not None and self._policy().is_operators(reference)
        access = self._own if is_ours else self._access
        limits, policy = self._access.transport.limits, self._settings.signatures
        judged = bool(policy) and is_judged(policy, reference)
        with ending_within(self._seconds * (_MANIFEST_SHARE if judged else 1), limits):
            digest, document = self._manifest(access, reference)
        facts = facts_of(digest, document)
        if not judged:
            return facts
        with ending_within(self._seconds * (1 - _MANIFEST_SHARE), limits):
            return replace(facts, signature=judge(access, reference, digest, document, policy))

    def _manifest(self, access: Access, reference: Reference) -> tuple[Digest, Manifest | Index]:
        client = Client(access, access.upstream(reference), reference, "pull")
        url, headers = client.url(f"manifests/{reference.target}"), {"Accept": ", ".join(ACCEPT)}
        with client.request("GET", url, headers=headers, accept=(200, 404, *_MOVED)) as response:
            if response.status == 404:
                raise _absence(response)
            if response.status != 200:
                raise Refused("the registry redirects manifests")
            return _parsed(_read(response, str(reference)), reference)

    def close(self) -> None:
        """Close the connections that are kept."""
        self._access.transport.close()
        self._endpoints.close()

    def _guarded(self, host: str, port: int, **options: Any) -> list[tuple[Any, ...]]:
        policy = self._policy()
        if not policy.may_look_up(self._registry, host):
            raise Refused("the registry leads to a host of another site")
        found = self._settings.lookup(host, port, **options)
        allowed = [one for one in found if policy.may_connect(host, str(one[4][0]))]
        if found and not allowed:
            raise Refused("the registry's name leads to an address that is not asked")
        return allowed


def _read(response: Response, name: str) -> bytes:
    check_coding(response.headers, name)
    if (response.length or 0) > _MANIFEST_LIMIT:
        raise BadManifest(f"{name}: more than {_MANIFEST_LIMIT} bytes are not read at admission")
    content = response.read(_MANIFEST_LIMIT)
    promised = response.headers.get("Docker-Content-Digest", "")
    if promised.startswith("sha256:") and promised != str(Digest.of(content)):
        raise Mismatch(f"{name}: announced with another digest than its own")
    return content


def _parsed(content: bytes, reference: Reference) -> tuple[Digest, Manifest | Index]:
    wanted = reference.digest
    digest = Digest.of(content, wanted.algorithm) if wanted else Digest.of(content)
    if wanted not in (None, digest):
        raise Mismatch(f"{reference}: the registry answered another manifest")
    with _one_by_one if len(content) > _LARGE_BYTES else nullcontext():
        return digest, parse_manifest(content)


def _absence(response: Response) -> Fault:
    """Return what a 404 means: an ingress or a proxy without the registry behind it answers so, too."""
    try:
        errors = json.loads(response.read(_ERROR_LIMIT))["errors"]
        codes = {error["code"] for error in errors}
    except (Mismatch, ValueError, KeyError, TypeError, RecursionError):
        codes = set()
    return NotFound("the registry does not have it") if codes & _ABSENT else Refused("404, and no registry's answer")
