"""Redirects, followed hop by hop: whoever sends decides at each what goes along."""

from collections.abc import Callable, Collection
from urllib.parse import urljoin

from .errors import Fault, Refused
from .exchange import Response
from .origin import redacted

MAX_HOPS = 4
_STATUSES = (301, 302, 303, 307, 308)
_BODY_LIMIT = 64 << 10


def follow(
    url: str,
    send: Callable[[str], Response],
    *,
    accept: Collection[int],
    failure: Callable[[Response], Fault],
    most: int = MAX_HOPS,
) -> Response:
    """Send to `url`, and on to where the answers lead, at most so often; give the answer whose status is accepted.

    Raises what `failure` makes of any other answer, and Refused after too many redirects.
    """
    for _ in range(most + 1):
        response = send(url)
        if response.status in accept:
            return response
        with response:
            location = response.headers.get("Location")
            if not most or response.status not in _STATUSES or not location:
                raise failure(response)
            url = urljoin(url, location)
            response.read(_BODY_LIMIT)
    raise Refused(f"{redacted(url)}: more than {most} redirects")
