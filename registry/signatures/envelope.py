"""A Sigstore bundle with a DSSE envelope: what cosign 3 and model_signing write. Pure.

The statement in the envelope (in-toto, Statement v1) names what was signed by digests. It is believed after its
signature was verified, and not before.

protobuf-specs, sigstore_bundle.proto; github.com/secure-systems-lab/dsse, protocol.md
Tests: tests/registry/signatures/test_check.py
"""

import json
from base64 import b64decode
from binascii import Error as BadBase64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from registry.documents.referrers import BUNDLE_PREFIX

from .errors import BadSignature

_PAYLOAD_TYPE = "application/vnd.in-toto+json"
_STATEMENT = "https://in-toto.io/Statement/v1"
_OLD_STATEMENT = "https://in-toto.io/Statement/v0.1"
_MOST_SIGNATURES = 8


@dataclass(frozen=True, slots=True)
class Envelope:
    """A payload with its signatures. `signed` is what they were made over."""

    payload: bytes
    signed: bytes
    signatures: tuple[bytes, ...]
    has_certificate: bool

    @classmethod
    def parse(cls, content: bytes) -> "Envelope":
        """Parse a bundle; raise BadSignature for one that is none, or that holds no envelope."""
        try:
            bundle = json.loads(content)
            if not str(bundle["mediaType"]).startswith(BUNDLE_PREFIX):
                raise BadSignature("a bundle of a kind that is not known")
            material, envelope = bundle["verificationMaterial"], bundle["dsseEnvelope"]
            payload = b64decode(envelope["payload"], validate=True)
            kind = str(envelope["payloadType"])
            found = tuple(b64decode(one["sig"], validate=True) for one in envelope["signatures"][:_MOST_SIGNATURES])
            has_certificate = "certificate" in material or "x509CertificateChain" in material
        except (ValueError, KeyError, TypeError, AttributeError, BadBase64, RecursionError) as error:
            raise BadSignature(f"a bundle that cannot be read ({type(error).__name__})") from None
        if kind != _PAYLOAD_TYPE or not found:
            raise BadSignature("a bundle whose envelope holds no signed statement")
        return cls(payload, _pre_authentication(kind, payload), found, has_certificate)


def statement_of(payload: bytes) -> Mapping[str, Any]:
    """Return the statement in a payload whose signature was verified. Raises BadSignature."""
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or found.get("_type") not in (_STATEMENT, _OLD_STATEMENT):
        raise BadSignature("a signed payload that is no in-toto statement")
    return found


def subjects_of(statement: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the sha256 digests, in hexadecimal, of what a statement is about."""
    found = statement.get("subject")
    digests = [one.get("digest") for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    return tuple(str(one.get("sha256")) for one in digests if isinstance(one, dict))


def _pre_authentication(kind: str, payload: bytes) -> bytes:
    """Return what a signature of an envelope is made over (DSSE, PAE)."""
    name = kind.encode()
    return b"DSSEv1 %d %s %d %s" % (len(name), name, len(payload), payload)
