"""The next page of a listing (RFC 8288, as distribution-spec uses it).

Tests: tests/puller/test_listing.py
"""

import re

from registry.errors import Refused
from registry.http.response import Response
from registry.net.origin import Origin, redacted

from .client import Client

_NEXT = re.compile(r'<([^>]+)>\s*;[^,]*rel="?next"?')


def next_page(client: Client, response: Response) -> str | None:
    """Return the URL of the page after an answer's, or None for the last. Raises Refused for one at another host."""
    more = _NEXT.search(response.headers.get("Link", ""))
    if more is None:
        return None
    url = client.target(response, more[1])
    if Origin.of(url) != client.origin:
        raise Refused(f"{redacted(response.url)}: its next page is said to be at {redacted(url)}, another host")
    return url
