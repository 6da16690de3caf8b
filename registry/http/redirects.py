"""Where a host may lead whoever asks it, by redirects, token realms and the addresses of uploads: one rule for all.

1. What a header names must be an HTTP URL.
2. https never leads to http.
3. A host that is not on loopback leads to no loopback, link-local or unspecified address: nobody who asks a registry
   shall ask a service of the own machine for it. Names are judged by the address that they are connected to.
4. The named host's own origin is the operator's word, and exempt: hosts in a hosts.toml, too, are asked themselves.

Whoever sends decides at each hop what goes along, and an answer is the word of the host that gave it.
"""

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress

from registry.errors import Fault, Refused
from registry.net.addresses import is_local_host
from registry.net.origin import Origin, redacted, resolved

from .response import Response, StreamingRequest
from .transport import Transport

MAX_HOPS = 4
_KEEPING = (307, 308)
_MOVING = (301, 302)
_SEE_OTHER = 303
_READS = ("GET", "HEAD")
_BODY_LIMIT = 64 << 10


class GuardedTransport:
    """Requests to one named host, and to where it leads. Safe to share between threads.

    Whether the host is on loopback is the word of its connections: only when all of its answers came from there may it
    lead there.
    """

    def __init__(self, transport: Transport, origin: Origin) -> None:
        self.origin = origin
        self._transport = transport
        self._is_on_loopback: bool | None = None

    def request(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> Response:
        """Send a request and read the head of its answer, whatever its status; see Transport.request."""
        response = self._transport.request(method, url, headers, body, is_elsewhere=self.is_elsewhere(url))
        if self._is_on_loopback is not False and Origin.of(url) == self.origin:
            self._is_on_loopback = response.is_from_loopback
        return response

    def stream(self, method: str, url: str, headers: Mapping[str, str]) -> StreamingRequest:
        """Begin a request whose body follows; see Transport.stream."""
        return self._transport.stream(method, url, headers, is_elsewhere=self.is_elsewhere(url))

    def is_elsewhere(self, url: str) -> bool:
        """Return whether a connection for `url` must be refused at addresses of this machine."""
        return not self._is_on_loopback and Origin.of(url) != self.origin

    def target(self, base: str, location: str, what: str = "leads to") -> str:
        """Return the absolute URL to which the answer to `base` leads. Raises Refused."""
        url = resolved(base, location)
        if base.startswith("https:") and not url.startswith("https:"):
            raise Refused(f"{Origin.of(base)}: {what} {redacted(url)}, without TLS")
        if self.is_elsewhere(url) and is_local_host(Origin.of(url).host):
            raise Refused(f"{Origin.of(base)}: {what} {redacted(url)}, an address of this very machine")
        return url

    def next_hop(self, method: str, response: Response) -> tuple[str, str] | None:
        """Return the method and the URL of the request that a redirect asks for; None when it is none to follow.

        Methods are kept by 307 and 308 (RFC 9110, 15.4), 303 makes GET of all but HEAD, and 301 and 302, which make of
        a write what nobody knows, are followed by reads alone. Raises Refused.
        """
        location = response.headers.get("Location")
        keeps = response.status in _KEEPING or (response.status in (*_MOVING, _SEE_OTHER) and method in _READS)
        if not location or not (keeps or response.status == _SEE_OTHER):
            return None
        return (method if keeps else "GET"), self.target(response.url, location)

    def follow(
        self,
        method: str,
        url: str,
        send: Callable[[str, str], Response],
        *,
        accept: Collection[int],
        failure: Callable[[Response], Fault],
    ) -> Response:
        """Send to `url`, and on to where the answers lead; return the answer whose status is accepted.

        `send` takes a method and a URL. Raises what `failure` makes of any other answer, and Refused after too many
        redirects, and for those that the rule forbids.
        """
        for _ in range(MAX_HOPS + 1):
            response = send(method, url)
            if response.status in accept:
                return response
            with response:
                hop = self.next_hop(method, response)
                if hop is None:
                    raise failure(response)
                method, url = hop
                drain(response)
        raise Refused(f"{redacted(url)}: more than {MAX_HOPS} redirects")


def drain(response: Response) -> None:
    """Read a body that nobody wants, so that its connection can be used again; a long or broken one is left."""
    with suppress(Fault):
        response.read(_BODY_LIMIT)
