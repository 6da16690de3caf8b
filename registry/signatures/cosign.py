"""Signatures of cosign for a digest: under its tag (classic), and as attached bundles. Pure.

github.com/sigstore/cosign, specs/SIGNATURE_SPEC.md and BUNDLE_SPEC.md
Tests: tests/registry/signatures/test_check.py
"""

import json
from base64 import b64decode
from binascii import Error as BadBase64
from collections.abc import Mapping

from registry.digest import Digest
from registry.manifest import Descriptor

from .envelope import subjects_of
from .errors import BadSignature

PAYLOAD_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json"
SIGNATURE = "dev.cosignproject.cosign/signature"
CERTIFICATE = "dev.sigstore.cosign/certificate"
BUNDLE = "dev.sigstore.cosign/bundle"
PREDICATE = "https://sigstore.dev/cosign/sign/v1"


def tag_for(digest: Digest) -> str:
    """Return the tag under which cosign keeps the signatures of a digest."""
    return f"{digest.algorithm}-{digest.hex}.sig"


def signature_of(layer: Descriptor) -> bytes:
    """Return the signature that a layer of cosign's manifest carries; raise BadSignature."""
    try:
        return b64decode(layer.annotations.get(SIGNATURE, ""), validate=True)
    except (ValueError, BadBase64):
        raise BadSignature("a signature that is not base64") from None


def check_payload(payload: bytes, digest: Digest) -> None:
    """Raise BadSignature unless a verified payload is about `digest`."""
    try:
        found = json.loads(payload)["critical"]["image"]["docker-manifest-digest"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise BadSignature("a signed payload that names no digest") from None
    if found != str(digest):
        raise BadSignature("a good signature, of another digest")


def check_statement(statement: Mapping[str, object], digest: Digest) -> None:
    """Raise BadSignature unless a verified statement of cosign is about `digest`."""
    if statement.get("predicateType") != PREDICATE:
        raise BadSignature("a good signature of a statement that is no signature of cosign")
    if digest.algorithm != "sha256" or digest.hex not in subjects_of(statement):
        raise BadSignature("a good signature, of another digest")
