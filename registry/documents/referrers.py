"""How signatures and the like are found that refer to an artifact: by lists, and by tags. Pure.

Tests: tests/packer/test_copying.py
"""

import json
from collections.abc import Iterable
from typing import Any

from registry.digest import Digest
from registry.manifest import INDEX_TYPE, Descriptor, Index

from .document import Document

COSIGN_SUFFIXES = (".sig", ".att", ".sbom")
"""What cosign appends to a digest's tag for signatures, attestations and bills of materials."""

BUNDLE_PREFIX = "application/vnd.dev.sigstore.bundle"
"""How the types of Sigstore's bundles begin, whatever their version."""

_SIGNATURES = (BUNDLE_PREFIX, "application/vnd.dev.cosign.")


def tag_of_referrers(digest: Digest) -> str:
    """Return the tag under which registries without the API list referrers (distribution-spec, "Referrers Tag Schema").

    cosign appends its own suffixes to it.
    """
    return f"{digest.algorithm[:32]}-{digest.hex[:64]}"


def most_likely_signed(listed: Iterable[Descriptor]) -> list[Descriptor]:
    """Return referrers in the order in which to look for signatures: by their types, as the list has these.

    Nobody has checked the types: who lies about them changes the order, and nothing else.
    """
    return sorted(listed, key=_likelihood)


def _likelihood(one: Descriptor) -> int:
    return 0 if one.artifact_type.startswith(_SIGNATURES) else 1 + bool(one.artifact_type)


def listed_with(listed: Document | None, referrer: Document) -> Document | None:
    """Return a list of referrers with one more; None where it is in it already."""
    entries: list[dict[str, Any]] = json.loads(listed.content)["manifests"] if listed and listed.children else []
    if any(one["digest"] == str(referrer.digest) for one in entries):
        return None
    document = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [*entries, _entry(referrer)]}
    return Document.parse(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode())


def _entry(document: Document) -> dict[str, Any]:
    """Return the descriptor of a referrer, with its type and annotations."""
    stated = {"mediaType": document.media_type, "digest": str(document.digest), "size": len(document.content)}
    if not isinstance(document.parsed, Index):
        stated["artifactType"] = document.kind
        stated |= {"annotations": dict(document.parsed.annotations)} if document.parsed.annotations else {}
    return stated
