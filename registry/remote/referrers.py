"""What refers to an artifact: signatures, attestations, bills of materials (distribution-spec, "Listing Referrers").

Tests: tests/packer/test_copying.py
"""

from collections.abc import Iterator

from registry.digest import Digest
from registry.errors import BadManifest, NotFound, Refused, Unauthorized
from registry.http.codings import check_coding
from registry.http.response import Response
from registry.manifest import INDEX_TYPE, SIZE_LIMIT, Descriptor, Index, parse_manifest
from registry.net.origin import redacted

from .client import Client
from .pages import next_page

_MOST_PAGES = 20
_UNKNOWN = (400, 404, 405, 406, 501)
"""How registries answer that do not know the API."""


def referrers_by_api(client: Client, name: str, digest: Digest, limit: int = SIZE_LIMIT) -> Iterator[Descriptor]:
    """Yield what a registry says refers to a digest; raise NotFound, before the first, where it does not know the API.

    Such a registry, or a proxy before it, may also answer well with a page that is no list at all. `name` is for
    messages; a page of more than `limit` bytes is not read.
    """
    url = client.url(f"referrers/{digest}")
    for number in range(_MOST_PAGES):
        try:
            response = client.request("GET", url, headers={"Accept": INDEX_TYPE}, accept=(200, *_UNKNOWN))
        except Unauthorized as error:  # manifests of the repository were read just now: the address is not known
            raise NotFound(str(error)) if not number else error from error
        with response as answer:
            if answer.status != 200:
                said = f"{name}: {redacted(url)} answered {answer.status}"
                raise Refused(said) if number else NotFound(said)
            page = _page(answer, name, limit, is_first=not number)
            more = next_page(client, answer)
        yield from page.manifests
        if more is None:
            return
        url = more
    raise BadManifest(f"{name}: more than {_MOST_PAGES} pages of referrers")


def _page(answer: Response, name: str, limit: int, *, is_first: bool) -> Index:
    """Return one page of the list. Raises NotFound for a first one that is no list, and BadManifest for a later one."""
    check_coding(answer.headers, name)
    content = answer.read(limit)
    try:
        page = parse_manifest(content)
    except BadManifest as error:
        raise NotFound(f"{name}: answers no list of referrers ({error})") if is_first else error from error
    if isinstance(page, Index):
        return page
    said = f"{name}: what the registry answers is no list of referrers"
    raise NotFound(said) if is_first else BadManifest(said)
