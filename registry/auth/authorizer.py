"""Answer a registry's challenges: anonymous, basic, and bearer tokens (distribution-spec; RFC 9110, 11; RFC 6750).

A token belongs to one scope of one registry. It is requested when the registry demands one, shared by all threads, and
discarded when it is refused or about to expire. Its text leaves this module only in a header.

1. Credentials are read when the registry sends its first challenge, not before.
2. A token is requested with our own scope. After the registry or its token server refused that, the challenge's scope
   is tried: gateways that rewrite names accept only their own.
3. A token that the registry accepted before and refuses now expired early: one new token is tried, then the refusal
   is final.
"""

import re
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from registry.errors import Unauthorized
from registry.http.redirects import RedirectRule
from registry.http.response import Response
from registry.http.transport import Transport
from registry.printable import printable
from registry.reference import Reference

from .challenges import Challenge, parse_challenges
from .credential import Credential
from .credentials import Credentials
from .tokens import Realm, basic, is_usable

_SCOPE = re.compile(r"repository:[a-z0-9._/-]{1,255}:[a-z*]+(?:,[a-z*]+)*")


@dataclass(slots=True)
class _Token:
    header: str
    lapses_at: float = float("inf")
    was_taken: bool = False


class Authorizer:
    """The Authorization header for one registry, by scope, kept fresh for any number of threads.

    A scope is written as in a token request; several are separated by spaces.
    """

    def __init__(
        self,
        transport: Transport,
        rule: RedirectRule,
        credentials: Credentials,
        place: Reference,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Credentials are looked up by `place`."""
        self._transport, self._rule, self._origin, self._clock = transport, rule, rule.origin, clock
        self._credentials, self._place = credentials, place
        self._credential: Credential | None = None
        self._refused: Credential | None = None
        self._has_looked = False
        self._challenge: Challenge | None = None
        self._tokens: dict[str, _Token] = {}
        self._rewritten: dict[str, str] = {}
        self._lock = threading.Lock()

    def header(self, scope: str) -> str | None:
        """Return the header to send, or None while the registry has not asked for one."""
        with self._lock:
            token = self._tokens.get(scope)
            if token is None and self._challenge is None:
                return None
            if token is None or self._clock() >= token.lapses_at:
                token = self._tokens[scope] = self._obtain(scope)
            return token.header

    def taken(self, scope: str, header: str) -> None:
        """Record that the registry accepted a header."""
        token = self._tokens.get(scope)
        if token is not None and not token.was_taken and token.header == header:
            token.was_taken = True

    def answer(self, response: Response, scope: str, refused: Sequence[str | None]) -> str | None:
        """Return the header that answers a 401 or a 403; None when no better one is known.

        `refused` are the headers that the registry refused for this very request, the last one in `response`; none is
        sent twice. Raises Unauthorized when the registry demands what cannot be obtained.
        """
        challenges = parse_challenges(response.headers.get_all("WWW-Authenticate") or [])
        with self._lock:
            known = self._tokens.pop(scope, None)
            if known is not None and known.header not in refused:  # another thread was quicker
                self._tokens[scope] = known
                return known.header
            was_taken = known is not None and known.was_taken
            if was_taken and self._credential is not None and self._credential.lapses_at < float("inf"):
                self._refused, self._has_looked = self._credential, False
            if response.status == 401:
                self._challenge = self._choose(challenges) or self._challenge
            if self._challenge is not None:
                is_renewable = response.status == 401 or was_taken
                return self._better(scope, refused, _scope_of(challenges), is_renewable=is_renewable)
        if response.status != 401:
            return None
        asked = ", ".join(challenge.scheme for challenge in challenges) or "nothing"
        raise Unauthorized(f"{self._origin}: asks for credentials in no form that is known: {printable(asked)}")

    @property
    def who(self) -> str:
        """Return a text for messages: the user who asks, and which credentials could not be read."""
        who = self._credential.who if self._credential is not None else "an anonymous caller"
        return "; ".join((who, *self._credentials.lacking)) if self._has_looked else who

    def _better(self, scope: str, refused: Sequence[str | None], rewritten: str, *, is_renewable: bool) -> str | None:
        if len(refused) == 1 and is_renewable:
            token = self._obtain(scope, rewritten)
            if token.header not in refused:
                self._tokens[scope] = token
                return token.header
        if refused[-1] is not None and self._rewrite(scope, rewritten):
            with suppress(Unauthorized):
                token = self._obtain(scope)
                if token.header not in refused:
                    self._tokens[scope] = token
                    return token.header
        self._rewritten.pop(scope, None)
        return None

    def _rewrite(self, scope: str, rewritten: str) -> bool:
        """Use another scope from now on; return False when there is none."""
        if not rewritten or rewritten == self._rewritten.get(scope, scope):
            return False
        self._rewritten[scope] = rewritten
        return True

    def _choose(self, challenges: Sequence[Challenge]) -> Challenge | None:
        """Return the challenge to answer: one with a realm for tokens, else one for a user, else the first."""
        bearer = [one for one in challenges if one.scheme == "bearer"]
        usable = [one for one in bearer if is_usable(one, self._rule)]
        plain = [one for one in challenges if one.scheme == "basic"]
        return next(iter((*usable, *plain, *bearer)), None)

    def _obtain(self, scope: str, rewritten: str = "") -> _Token:
        """Return a new token; request it with the challenge's scope where our own scope is refused."""
        challenge, credential = self._challenge, self._look()
        until = credential.lapses_at if credential else float("inf")
        if credential and credential.registry_token:
            return _Token(f"Bearer {credential.registry_token}", until)
        if challenge is not None and challenge.scheme == "bearer":
            realm = Realm(self._transport, self._rule, challenge, credential, self.who)
            try:
                return _Token(*realm.ask(self._rewritten.get(scope, scope), self._clock))
            except Unauthorized:
                if not self._rewrite(scope, rewritten):
                    raise
            return _Token(*realm.ask(rewritten, self._clock))
        if not credential or not credential.username:
            raise Unauthorized(f"{self._origin}: asks for a user and a password, and none is known ({self.who})")
        return _Token(basic(credential), until)

    def _look(self) -> Credential | None:
        is_lapsed = self._credential is not None and self._clock() >= self._credential.lapses_at
        if not self._has_looked or is_lapsed:
            self._credential = self._credentials.find(self._place, self._refused)
            self._has_looked = True
            source = self._credential.source if self._credential else "none, by no docker config and no identity"
            self._transport.trace.note(f"{self._origin}: credential of {self.who}: {source}")
        return self._credential


def _scope_of(challenges: Sequence[Challenge]) -> str:
    """Return the scope that a challenge names, if it has the form of registries' scopes."""
    for challenge in challenges:
        scope = challenge.parameters.get("scope", "")
        if challenge.scheme == "bearer" and scope and all(_SCOPE.fullmatch(one) for one in scope.split(" ")):
            return scope
    return ""
