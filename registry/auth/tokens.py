"""Requests for tokens, to the realm of a challenge (distribution's token specification; its OAuth 2 variant).

Tests: tests/registry/auth/test_authorizer.py
"""

import json
import math
import re
from base64 import b64encode
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

from registry.errors import Fault, Refused, Unauthorized, Unavailable
from registry.http.codings import check_coding
from registry.http.failures import other_failure
from registry.http.redirects import RedirectRule, Redirects
from registry.http.response import Response
from registry.http.transport import Transport
from registry.net.origin import Origin, redacted

from .challenges import Challenge
from .credential import Credential

_ANSWER_LIMIT = 1 << 20
_MARGIN_SECONDS = 10.0
_LIFE_SECONDS = 60.0  # where the server names none (distribution's token specification)
_ABSOLUTE = re.compile(r"https?://", re.IGNORECASE)
_TOKEN = re.compile(r"[!-~]+")  # what a header can carry
_REFUSALS = (400, 401, 403)


class Realm:
    """A token server, and the credential of one caller."""

    def __init__(
        self, transport: Transport, rule: RedirectRule, challenge: Challenge, credential: Credential | None, who: str
    ) -> None:
        """Raise Refused for a realm to which the registry must not direct the user's password."""
        self._transport, self._rule, self._credential, self._who = transport, rule, credential, who
        self._url = _address(challenge, rule)
        self._service = challenge.parameters.get("service", "")

    def ask(self, scope: str, clock: Callable[[], float]) -> tuple[str, float]:
        """Return the header with a token for `scope`, and when it expires. Raises Unauthorized, Unavailable."""
        with self._request(scope) as answer:
            where = redacted(answer.url)
            check_coding(answer.headers, where)
            content = answer.read(_ANSWER_LIMIT)
        text, life = _parse(content, where)
        return f"Bearer {text}", clock() + max(life - _MARGIN_SECONDS, life / 2)

    def _request(self, scope: str) -> Response:
        method, url, headers, body = self._composed(scope)
        origin, redirects = Origin.of(url), Redirects(self._rule, method, url)
        while True:
            sent = body if redirects.method == "POST" else None
            response = self._transport.request(redirects.method, redirects.url, headers, sent, rule=self._rule)
            if response.status == 200:
                return response
            with response:
                if not redirects.follow(response):
                    raise self._failure(url, response, scope)
            if Origin.of(redirects.url) != origin:  # the request carries the password, meant for this origin alone
                raise Refused(f"{origin}: redirects token requests to another host, {redacted(redirects.url)}")

    def _failure(self, url: str, response: Response, scope: str) -> Fault:
        if response.status in _REFUSALS:
            return Unauthorized(f"{redacted(url)}: gives {self._who} no token for {scope!r}")
        said = f"{redacted(url)}: answered {response.status} when asked for a token"
        return other_failure(said, response.status, response.headers)

    def _composed(self, scope: str) -> tuple[str, str, dict[str, str], bytes | None]:
        """Return method, URL, headers and body.

        Several scopes are a parameter each in a query, and one with blanks in a form, which may name none twice (RFC
        6749, 3.2 and 3.3).
        """
        credential, service = self._credential, [("service", self._service)] if self._service else []
        if credential and credential.identity_token:
            form = [("grant_type", "refresh_token"), ("refresh_token", credential.identity_token)]
            body = urlencode([*service, ("scope", scope), *form, ("client_id", "weighbridge")]).encode()
            return "POST", self._url, {"Content-Type": "application/x-www-form-urlencoded"}, body
        headers = {"Authorization": basic(credential)} if credential and credential.username else {}
        query = [*service, *(("scope", one) for one in scope.split(" "))]
        glue = "&" if urlsplit(self._url).query else "?"
        return "GET", f"{self._url}{glue}{urlencode(query)}", headers, None


def is_usable(challenge: Challenge, rule: RedirectRule) -> bool:
    """Return whether a challenge names a realm that we may ask."""
    try:
        _address(challenge, rule)
    except Refused:
        return False
    return True


def basic(credential: Credential) -> str:
    """Return the header with a user and a password (RFC 7617)."""
    pair = f"{credential.username}:{credential.password}"
    return f"Basic {b64encode(pair.encode()).decode()}"


def _address(challenge: Challenge, rule: RedirectRule) -> str:
    realm = challenge.parameters.get("realm", "")
    if not _ABSOLUTE.match(realm):
        raise Refused(f"{rule.origin}: names no URL where tokens are given")
    return rule.target(str(rule.origin), realm, "wants its token fetched from").partition("#")[0]


def _parse(content: bytes, where: str) -> tuple[str, float]:
    """Parse a token and its lifetime in seconds."""
    try:
        answer: dict[str, Any] = json.loads(content)
        text = answer.get("token") or answer["access_token"]
        life = float(answer.get("expires_in") or _LIFE_SECONDS)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise Unavailable(f"{where}: answered no token") from None
    if not isinstance(text, str) or not _TOKEN.fullmatch(text):
        raise Unavailable(f"{where}: answered a token that no header can carry")
    return text, life if math.isfinite(life) else _LIFE_SECONDS
