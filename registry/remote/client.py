"""One registry's HTTP API: authorization, redirects and errors, for reads and writes.

Tests: tests/registry/remote/test_pull.py
"""

import json
from collections.abc import Collection, Mapping
from urllib.parse import quote, urljoin, urlsplit

from registry.access.access import Access
from registry.auth.authorizer import Authorizer
from registry.errors import Fault, NotFound, ProxyRefused, Refused, Unauthorized
from registry.http.failures import other_failure
from registry.http.redirects import RedirectRule, Redirects, drain
from registry.http.response import Response, StreamingRequest
from registry.mirrors.host import Host
from registry.net.origin import Origin, redacted
from registry.printable import printable
from registry.reference import Reference

_ERROR_LIMIT = 64 << 10
_API_VERSION = "Docker-Distribution-Api-Version"
"""A header that registries send (distribution's API), and proxies do not."""

_MOST_TRIES = 4
"""How often one request is sent: anonymously, with a token, with a new one, with the scope that the registry names."""


class Client:
    """Requests to one repository at one host. Secrets are sent to the host's own origin alone.

    A request to a mirror names the registry with `?ns=`, and carries the credentials for the mirror's own name.
    """

    def __init__(self, access: Access, host: Host, reference: Reference, actions: str) -> None:
        """`actions` is the token scope's last part: `pull` or `pull,push`."""
        self.base = f"{host.root}/{reference.repository}"
        self.origin = Origin.of(self.base)
        is_mirror = host.name.lower() != reference.host.lower()
        self._query = f"?ns={quote(reference.namespace, safe='')}" if is_mirror else ""
        self._headers = dict(host.headers)
        self._transport, self._rule = access.transport_to(host), RedirectRule(self.origin)
        name = (
            urlsplit(self.base).path.partition("/v2/")[2] or reference.repository
        )  # a mirror may keep it in a project
        self._scope = f"repository:{name}:{actions}"
        place = reference._replace(registry=host.name, repository=name) if is_mirror else reference
        self._authorizer = Authorizer(self._transport, self._rule, access.credentials, place)

    @property
    def who(self) -> str:
        """Return a text for messages: the user who asks."""
        return self._authorizer.who

    def url(self, path: str) -> str:
        """Return the absolute URL of a path under the repository."""
        return urljoin(f"{self.base}/", path) + self._query

    def target(self, response: Response, url: str) -> str:
        """Return the absolute URL of a link in an answer. Raises Refused where it may not be followed."""
        return self._rule.target(response.url, url)

    def location(self, response: Response, before: str = "") -> str:
        """Return the absolute URL of an answer's Location, relative to the request's URL (RFC 9110, 10.2.2).

        Without a Location, return `before`. Raises Refused when that is empty too, or when a redirect to the Location
        is forbidden.
        """
        location = response.headers.get("Location")
        if not location and before:
            return before
        if not location:
            raise Refused(f"{redacted(response.url)}: answered {response.status} without saying where to go on")
        return self.target(response, location)

    def request(  # noqa: PLR0913 - a request has that many parts
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        accept: Collection[int],
        body: bytes | None = None,
        also_reads: str = "",
    ) -> Response:
        """Send a request; return the answer if its status is one of `accept`, else raise the error that it means.

        `also_reads` names a second repository of the registry that the request reads from.
        Challenges are answered and redirects followed. Raises Unauthorized, NotFound, Refused, Unavailable.
        """
        scope = f"{self._scope} repository:{also_reads}:pull" if also_reads else self._scope
        redirects = Redirects(self._rule, method, url)
        while True:
            response = self._authorized(redirects.method, redirects.url, headers, body, scope)
            if response.status in accept:
                return response
            with response:
                if not redirects.follow(response):
                    raise self.failure(method, response)
            if redirects.method != method:  # a GET after a write (303)
                headers, body = {}, None

    def stream(self, method: str, url: str, headers: Mapping[str, str]) -> StreamingRequest:
        """Begin a request whose body follows. It cannot be sent twice, so the token is requested before."""
        return self._transport.stream(method, url, {**self._private(url, self._scope), **headers}, rule=self._rule)

    def moved(self, method: str, response: Response) -> str | None:
        """Return the URL to which a streamed request must be sent again, body and all; None for no such redirect.

        Raises Refused for a redirect that may not be followed.
        """
        hop = self._rule.next_hop(method, response)
        return hop[1] if hop and hop[0] == method else None

    def renewed(self, response: Response) -> bool:
        """Renew the token after a 401 or 403 to a streamed request; return whether there is a new one to send with.

        Raises Unauthorized when the registry demands what cannot be obtained.
        """
        if not self._is_own_refusal(response):
            return False
        sent = self._authorizer.header(self._scope)
        return self._authorizer.answer(response, self._scope, [sent]) is not None

    def failure(self, method: str, response: Response) -> Fault:
        """Return the error for an unwanted answer. A redirect's target answers for itself, not for the registry."""
        if Origin.of(response.url) == self.origin:
            return failure(method, response, self.who)
        said = f"{method} {redacted(response.url)}, where {self.origin} leads to: {response.status}"
        return other_failure(said, response.status, response.headers)

    def _authorized(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, scope: str
    ) -> Response:
        sent = dict(self._private(url, scope))
        refused: list[str | None] = []
        while True:
            response = self._transport.request(method, url, {**sent, **headers}, body, rule=self._rule)
            if not self._is_own_refusal(response):
                if "Authorization" in sent:
                    self._authorizer.taken(scope, sent["Authorization"])
                return response
            refused.append(sent.get("Authorization"))
            try:
                answer = self._authorizer.answer(response, scope, refused) if len(refused) < _MOST_TRIES else None
            except Fault:
                response.close()
                raise
            if answer is None:
                return response
            with response:
                drain(response)
            sent["Authorization"] = answer

    def _is_own_refusal(self, response: Response) -> bool:
        return response.status in (401, 403) and Origin.of(response.url) == self.origin

    def _private(self, url: str, scope: str) -> dict[str, str]:
        """Return the headers that only the host's own origin gets."""
        if Origin.of(url) != self.origin:
            return {}
        header = self._authorizer.header(scope)
        return {**self._headers, "Authorization": header} if header else self._headers


def failure(method: str, response: Response, who: str) -> Fault:
    """Return the error for an unwanted answer, with the registry's own words."""
    codes, words = _words(response)
    said = f"{method} {redacted(response.url)}: {response.status} {words}".rstrip()
    if response.proxy and response.url.startswith("http:"):
        if response.status == 407 or (response.status == 403 and not words and _API_VERSION not in response.headers):
            return ProxyRefused(f"the proxy {response.proxy} answered itself: {said}")
        said = f"{said} (through the proxy {response.proxy})"
    if response.status in (401, 403):
        return Unauthorized(f"{said} (asked as {who})")
    if response.status == 404:
        missing = NotFound(said)
        missing.codes = codes
        return missing
    if response.status == 400 and not words and response.url.startswith("http:"):
        return Refused(said, hint="use --no-plain-http if this registry speaks TLS")
    return other_failure(said, response.status, response.headers)


def _words(response: Response) -> tuple[tuple[str, ...], str]:
    """Return the codes, and the text, of the errors in a registry's JSON answer; nothing else is quoted.

    See distribution-spec, "Error Codes".
    """
    try:
        errors = json.loads(response.read(_ERROR_LIMIT))["errors"]
        codes = tuple(str(error.get("code", "")) for error in errors)
        words = "; ".join(f"{error.get('code', '')}: {error.get('message', '')}" for error in errors)
    except (Fault, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return (), ""
    return codes, printable(words)
