"""To which addresses a host may direct a client, by redirects, token realms and upload addresses: one rule for all.

1. A header must name an HTTP URL.
2. https never leads to http.
3. A host that is not on loopback leads to no loopback, link-local or unspecified address: a client of a registry must
   not send requests to services of its own machine on the registry's behalf. Names are judged by the address that is
   connected to.
4. The named host's own origin is exempt, because the operator chose it; so are hosts in a hosts.toml.

The sender decides at each hop which headers it sends; an answer is attributed to the host that sent it.
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
    """Requests to one named host, and to the targets of its redirects. Safe to share between threads.

    Its connections tell whether the host is on loopback: it may redirect there only if all of its answers came from
    there.
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
        """Return whether a connection for `url` must not go to an address of this machine."""
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
        """Return the method and the URL of the request that a redirect asks for; None when it is not to be followed.

        307 and 308 keep the method (RFC 9110, 15.4), 303 turns all but HEAD into GET; 301 and 302, whose meaning for
        writes is undefined in practice, are followed for reads only. Raises Refused.
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
        """Send a request to `url` and follow redirects; return the answer whose status is accepted.

        `send` takes a method and a URL. Raises what `failure` returns for any other answer, and Refused after too many
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
    """Read and discard a body, so that its connection can be used again; leave a long or broken one."""
    with suppress(Fault):
        response.read(_BODY_LIMIT)
