"""To which addresses a host may direct a client, by redirects, token realms and upload addresses: one rule for all.

1. A header must name an HTTP URL.
2. https never leads to http.
3. A host that is not on loopback leads to no loopback, link-local or unspecified address: a client of a registry must
   not send requests to services of its own machine on the registry's behalf. Names are judged by the address that is
   connected to.
4. The named host's own origin is exempt, because the operator chose it; so are hosts in a hosts.toml.

The sender decides at each hop which headers it sends; an answer is attributed to the host that sent it.
"""

from contextlib import suppress

from registry.errors import Fault, Refused
from registry.net.addresses import is_local_host
from registry.net.origin import Origin, redacted, resolved

from .response import Response

MAX_HOPS = 4
_KEEPING = (307, 308)
_MOVING = (301, 302)
_SEE_OTHER = 303
_READS = ("GET", "HEAD")
_BODY_LIMIT = 64 << 10


class RedirectRule:
    """Where one named host may lead. Safe to share between threads.

    The transport records whether the host answers from loopback: it may lead there only if all of its answers came
    from there.
    """

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self._is_on_loopback: bool | None = None

    def record(self, response: Response) -> None:
        """Record whether an answer of the host itself came from loopback."""
        if self._is_on_loopback is not False and Origin.of(response.url) == self.origin:
            self._is_on_loopback = response.is_from_loopback

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


class Redirects:
    """The redirects of one request: `method` and `url` are those of the request to send now."""

    def __init__(self, rule: RedirectRule, method: str, url: str) -> None:
        self._rule, self._left = rule, MAX_HOPS
        self.method, self.url = method, url

    def follow(self, response: Response) -> bool:
        """Set `method` and `url` from a redirect, and read its body; return False when there is none to follow.

        Raises Refused after too many redirects, and for those that the rule forbids.
        """
        hop = self._rule.next_hop(self.method, response)
        if hop is None:
            return False
        self.method, self.url = hop
        if not self._left:
            raise Refused(f"{redacted(self.url)}: more than {MAX_HOPS} redirects")
        self._left -= 1
        drain(response)
        return True


def drain(response: Response) -> None:
    """Read and discard a body, so that its connection can be used again; leave a long or broken one."""
    with suppress(Fault):
        response.read(_BODY_LIMIT)
