"""Answer a registry's challenges: anonymous, basic, and bearer tokens (distribution-spec; RFC 7235; RFC 6750).

A token belongs to one scope of one registry, is asked for when the registry demands one, is used by all threads,
and is thrown away when it is refused or about to lapse. Its text never leaves this module but in a header.
"""

import json
import re
import threading
import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from .credentials import Credential
from .errors import Refused, Unauthorized, Unavailable
from .exchange import Response
from .origin import Origin, redacted
from .transport import Transport

_ANSWER_LIMIT = 1 << 20
_MARGIN_SECONDS = 10.0
_LIFE_SECONDS = 60.0  # where the server does not say (distribution's token specification)
_PARAMETER = re.compile(r'([a-zA-Z_]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a 401 asks for."""

    scheme: str
    parameters: dict[str, str]

    @classmethod
    def parse_all(cls, headers: list[str]) -> "list[Challenge]":
        """Read every WWW-Authenticate header; those of no known form are left out."""
        challenges = []
        for header in headers:
            scheme, _, rest = header.strip().partition(" ")
            found = {name.lower(): quoted or bare for name, quoted, bare in _PARAMETER.findall(rest)}
            challenges.append(cls(scheme.lower(), found))
        return challenges


@dataclass(frozen=True, slots=True)
class _Token:
    header: str
    lapses_at: float


class Authorizer:
    """The Authorization header for one registry, by scope, kept fresh for any number of threads.

    A scope is written as in a token request; several are separated by spaces.
    """

    def __init__(
        self,
        transport: Transport,
        origin: Origin,
        credential: Credential | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transport, self._origin, self._credential, self._clock = transport, origin, credential, clock
        self._challenge: Challenge | None = None
        self._tokens: dict[str, _Token] = {}
        self._lock = threading.Lock()

    def header(self, scope: str) -> str | None:
        """Give the header to send, or None while the registry has not asked for one."""
        with self._lock:
            token = self._tokens.get(scope)
            if token is None and self._challenge is None:
                return None
            if token is None or self._clock() >= token.lapses_at:
                token = self._tokens[scope] = self._obtain(scope)
            return token.header

    def answer(self, headers: list[str], scope: str, refused: str | None) -> str:
        """Give the header that answers a 401's WWW-Authenticate `headers`.

        `refused` is the header that the registry just refused; the same one is never sent twice.
        Raises Unauthorized when there is nothing better to say.
        """
        with self._lock:
            known = self._tokens.pop(scope, None)
            if known is None or known.header == refused:  # else another thread was quicker
                self._challenge = self._choose(headers)
                known = self._obtain(scope)
            if known.header == refused:
                raise Unauthorized(f"{self._origin}: refused the credentials of {self.who}")
            self._tokens[scope] = known
            return known.header

    def _choose(self, headers: list[str]) -> Challenge:
        challenges = Challenge.parse_all(headers)
        for scheme in ("bearer", "basic"):
            for challenge in challenges:
                if challenge.scheme == scheme:
                    return challenge
        raise Unauthorized(f"{self._origin}: asks for credentials in no form that is known: {', '.join(headers)!r}")

    def _obtain(self, scope: str) -> _Token:
        challenge, credential = self._challenge, self._credential
        if credential and credential.registry_token:
            return _Token(f"Bearer {credential.registry_token}", float("inf"))
        if challenge is not None and challenge.scheme == "bearer":
            return self._ask_realm(challenge, scope)
        if not credential or not credential.username:
            raise Unauthorized(f"{self._origin}: asks for a user and a password, and none is known for it")
        return _Token(_basic(credential), float("inf"))

    def _ask_realm(self, challenge: Challenge, scope: str) -> _Token:
        realm = challenge.parameters.get("realm", "")
        self._check_realm(realm)
        service = challenge.parameters.get("service", "")
        query = [*([("service", service)] if service else []), *(("scope", one) for one in scope.split(" "))]
        with self._request_token(realm, query) as answer:
            if answer.status in (400, 401, 403):
                raise Unauthorized(f"{redacted(realm)}: gives {self.who} no token for {scope!r}")
            if answer.status != 200:
                raise Unavailable(f"{redacted(realm)}: answered {answer.status} when asked for a token")
            content = answer.read(_ANSWER_LIMIT)
        return _parse_token(content, redacted(realm), self._clock())

    def _request_token(self, realm: str, query: list[tuple[str, str]]) -> Response:
        credential = self._credential
        if credential and credential.identity_token:
            form = [("grant_type", "refresh_token"), ("refresh_token", credential.identity_token)]
            body = urlencode([*query, *form, ("client_id", "weighbridge")]).encode()
            return self._transport.request("POST", realm, {"Content-Type": "application/x-www-form-urlencoded"}, body)
        headers = {"Authorization": _basic(credential)} if credential and credential.username else {}
        glue = "&" if urlsplit(realm).query else "?"
        return self._transport.request("GET", f"{realm}{glue}{urlencode(query)}", headers)

    def _check_realm(self, realm: str) -> None:
        """Refuse realms to which a registry could lure us with the user's password."""
        origin = Origin.of(realm)
        if self._origin.scheme == "https" and origin.scheme != "https":
            raise Refused(f"{self._origin}: wants its token fetched without TLS from {redacted(realm)}")
        if origin.is_loopback and not self._origin.is_loopback:
            raise Refused(f"{self._origin}: wants its token fetched from this very machine, {redacted(realm)}")

    @property
    def who(self) -> str:
        """Say as whom the registry is asked."""
        if self._credential is None:
            return "an anonymous caller"
        return f"user {self._credential.username!r}" if self._credential.username else "the token's owner"


def _basic(credential: Credential) -> str:
    pair = f"{credential.username}:{credential.password}"
    return f"Basic {b64encode(pair.encode()).decode()}"


def _parse_token(content: bytes, realm: str, now: float) -> _Token:
    try:
        answer: dict[str, Any] = json.loads(content)
        text = answer.get("token") or answer["access_token"]
        life = float(answer.get("expires_in") or _LIFE_SECONDS)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Unavailable(f"{realm}: answered no token") from None
    return _Token(f"Bearer {text}", now + max(life - _MARGIN_SECONDS, life / 2))
