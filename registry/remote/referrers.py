"""What refers to an artifact: signatures, attestations, bills of materials (distribution-spec, "Listing Referrers").

Tests: tests/packer/test_copying.py
"""

import re
from functools import partial

from registry.access.access import Access
from registry.digest import Digest
from registry.errors import BadManifest, Refused, Unauthorized
from registry.http.codings import check_coding
from registry.manifest import INDEX_TYPE, SIZE_LIMIT, Descriptor, Index, parse_manifest
from registry.net.origin import Origin, redacted
from registry.reference import Reference

from .client import Client

_NEXT = re.compile(r'<([^>]+)>\s*;[^,]*rel="?next"?')
_MOST_PAGES = 20
_UNKNOWN = (400, 404, 405, 501)
"""How registries answer that do not know the API."""


def referrers_by_api(access: Access, reference: Reference, digest: Digest) -> tuple[Descriptor, ...] | None:
    """Return what a registry says refers to a digest; None where it does not know the API."""
    client = Client(access, access.upstream(reference), reference, "pull")
    url, found = client.url(f"referrers/{digest}"), list[Descriptor]()
    for _ in range(_MOST_PAGES):
        ask = partial(client.request, "GET", url, headers={"Accept": INDEX_TYPE}, accept=(200, *_UNKNOWN))
        try:
            response = access.patience.patiently(ask)
        except Unauthorized:  # manifests of the repository were read just now: it is this address that is not known
            return None
        with response as answer:
            if answer.status != 200:
                return None
            check_coding(answer.headers, str(reference))
            page = parse_manifest(answer.read(SIZE_LIMIT))
            if not isinstance(page, Index):
                raise BadManifest(f"{reference}: what the registry answers is no list of referrers")
            found += page.manifests
            more = _NEXT.search(answer.headers.get("Link", ""))
            if more is None:
                return tuple(found)
            url = client.target(answer, more[1])
            if Origin.of(url) != client.origin:
                raise Refused(f"{reference}: more referrers are said to be at {redacted(url)}, another host")
    raise BadManifest(f"{reference}: more than {_MOST_PAGES} pages of referrers")
