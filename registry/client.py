"""One registry's HTTP API: authorization, redirects and errors, for the rooms that read and write it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import urljoin

from .auth import Authorizer
from .credentials import Credentials
from .errors import Fault, NotFound, Refused, Unauthorized, Unavailable
from .exchange import Outgoing, Response
from .origin import Origin, redacted
from .reference import Reference, is_loopback
from .transport import Transport

_REDIRECTS = (301, 302, 303, 307, 308)
_MAX_HOPS = 5
_TEMPORARY = (408, 425, 429, 500, 502, 503, 504)
_ERROR_LIMIT = 64 << 10
_WORDS_LIMIT = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What reaches registries: connections, credentials, and which registries speak plain HTTP.

    As a context manager it hangs up when its block ends.
    """

    transport: Transport
    credentials: Credentials
    plain_http: tuple[str, ...] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.transport.close()

    def base_url(self, reference: Reference) -> str:
        """Give the URL under which the repository's API stands."""
        plain = reference.registry in self.plain_http or is_loopback(reference.registry)
        return f"{'http' if plain else 'https'}://{reference.host}/v2/{reference.repository}"


class Client:
    """Requests to one repository. Authorization goes to the registry's own origin and nowhere else."""

    def __init__(self, access: Access, reference: Reference, actions: str) -> None:
        """`actions` is the token scope's last part: `pull` or `pull,push`."""
        self.base = access.base_url(reference)
        self.origin = Origin.of(self.base)
        self._transport = access.transport
        self._scope = f"repository:{reference.repository}:{actions}"
        self._authorizer = Authorizer(access.transport, self.origin, access.credentials.find(reference))

    @property
    def who(self) -> str:
        """Say as whom the registry is asked."""
        return self._authorizer.who

    def url(self, path: str) -> str:
        """Give the absolute URL of a path under the repository, or of an upload's Location as it came."""
        return urljoin(f"{self.base}/", path)

    def request(  # noqa: PLR0913 - a request has that many parts
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        accept: Iterable[int],
        body: bytes | None = None,
        also_reads: str = "",
    ) -> Response:
        """Send a request; give the answer when its status is one of `accept`, else raise what it means.

        `also_reads` names a second repository of the registry that the request reads from.
        Challenges are answered, redirects of reads followed. Raises Unauthorized, NotFound, Refused, Unavailable.
        """
        for _ in range(_MAX_HOPS):
            scope = f"{self._scope} repository:{also_reads}:pull" if also_reads else self._scope
            response = self._authorized(method, url, headers, body, scope)
            if response.status in accept:
                return response
            with response:
                location = response.headers.get("Location")
                if method not in ("GET", "HEAD") or response.status not in _REDIRECTS or not location:
                    raise failure(method, response, self.who)
                url = urljoin(url, location)
                response.read(_ERROR_LIMIT)
        raise Refused(f"{redacted(url)}: more than {_MAX_HOPS} redirects")

    def stream(self, method: str, url: str, headers: Mapping[str, str]) -> Outgoing:
        """Begin a request whose body follows. It cannot be sent twice, so the token is asked for before."""
        return self._transport.stream(method, url, {**headers, **self._authorization(url, self._scope)})

    def _authorized(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, scope: str
    ) -> Response:
        sent = self._authorization(url, scope)
        response = self._transport.request(method, url, {**headers, **sent}, body)
        if response.status != 401 or Origin.of(url) != self.origin:
            return response
        with response:
            response.read(_ERROR_LIMIT)
            challenges = response.headers.get_all("WWW-Authenticate") or []
        answer = self._authorizer.answer(challenges, scope, sent.get("Authorization"))
        return self._transport.request(method, url, {**headers, "Authorization": answer}, body)

    def _authorization(self, url: str, scope: str) -> dict[str, str]:
        if Origin.of(url) != self.origin:
            return {}
        header = self._authorizer.header(scope)
        return {"Authorization": header} if header else {}


def failure(method: str, response: Response, who: str) -> Fault:
    """Say what an unwanted answer means, with the registry's own words."""
    said = f"{method} {redacted(response.url)}: {response.status} {_words(response)}".rstrip()
    if response.status in (401, 403):
        return Unauthorized(f"{said} (asked as {who})")
    if response.status == 404:
        return NotFound(said)
    if response.status in _TEMPORARY:
        return Unavailable(
            said,
            retry_after_seconds=_retry_after(response.headers.get("Retry-After")),
            is_overload=response.status in (429, 503),
        )
    return Refused(said)


def _words(response: Response) -> str:
    """Read the errors of a registry's JSON answer (distribution-spec, "Error Codes"); nothing else is quoted."""
    try:
        errors = json.loads(response.read(_ERROR_LIMIT))["errors"]
        words = "; ".join(f"{error.get('code', '')}: {error.get('message', '')}" for error in errors)
    except (Fault, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ""
    return "".join(letter for letter in words[:_WORDS_LIMIT] if letter.isprintable())


def _retry_after(text: str | None) -> float | None:
    return float(text) if text and text.isdecimal() else None
