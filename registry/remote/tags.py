"""The tags of a repository (distribution-spec, "Listing Tags").

Tests: tests/puller/test_listing.py
"""

import json
from functools import partial

from registry.access.access import Access
from registry.errors import BadManifest
from registry.http.codings import check_coding
from registry.reference import Reference, is_tag

from .client import Client
from .pages import next_page

_PAGE = 1000
_PAGE_LIMIT = 4 << 20
_MOST_PAGES = 100


def tags_of(access: Access, reference: Reference) -> list[str]:
    """Return the tags of a reference's repository in the registry's order. Raises NotFound and the network's errors."""
    client = Client(access, access.upstream(reference), reference, "pull")
    url, found = client.url(f"tags/list?n={_PAGE}"), list[str]()
    for _ in range(_MOST_PAGES):
        with access.patience.patiently(partial(client.request, "GET", url, headers={}, accept=(200,))) as answer:
            check_coding(answer.headers, str(reference))
            found += _parse(answer.read(_PAGE_LIMIT), reference)
            more = next_page(client, answer)
        if more is None:
            return found
        url = more
    raise BadManifest(f"{reference}: lists more than {_MOST_PAGES * _PAGE} tags", hint="name the tag that you want")


def _parse(content: bytes, reference: Reference) -> list[str]:
    """Return the tags of one page; those that no reference can name are left out."""
    try:
        tags = json.loads(content)["tags"]
    except (ValueError, KeyError, TypeError, RecursionError):
        tags = ""
    if not isinstance(tags, list | None):
        raise BadManifest(f"{reference}: what the registry answers is no list of tags")
    return [tag for tag in tags or [] if isinstance(tag, str) and is_tag(tag)]
