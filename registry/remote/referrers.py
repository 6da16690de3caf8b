"""What refers to an artifact: signatures, attestations, bills of materials (distribution-spec, "Listing Referrers").

Tests: tests/packer/test_copying.py
"""

from registry.digest import Digest
from registry.errors import BadManifest, Unauthorized
from registry.http.codings import check_coding
from registry.manifest import INDEX_TYPE, SIZE_LIMIT, Descriptor, Index, parse_manifest

from .client import Client
from .pages import next_page

_MOST_PAGES = 20
_UNKNOWN = (400, 404, 405, 501)
"""How registries answer that do not know the API."""


def referrers_by_api(
    client: Client, name: str, digest: Digest, limit: int = SIZE_LIMIT
) -> tuple[Descriptor, ...] | None:
    """Return what a registry says refers to a digest; None where it does not know the API.

    `name` is for messages; a page of more than `limit` bytes is not read.
    """
    url, found = client.url(f"referrers/{digest}"), list[Descriptor]()
    for _ in range(_MOST_PAGES):
        try:
            response = client.request("GET", url, headers={"Accept": INDEX_TYPE}, accept=(200, *_UNKNOWN))
        except Unauthorized:  # manifests of the repository were read just now: it is this address that is not known
            return None
        with response as answer:
            if answer.status != 200:
                return None
            check_coding(answer.headers, name)
            page = parse_manifest(answer.read(limit))
            if not isinstance(page, Index):
                raise BadManifest(f"{name}: what the registry answers is no list of referrers")
            found += page.manifests
            more = next_page(client, answer)
        if more is None:
            return tuple(found)
        url = more
    raise BadManifest(f"{name}: more than {_MOST_PAGES} pages of referrers")
