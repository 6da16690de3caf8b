"""Which signatures an artifact has, by whom they say they are: nothing of it is judged here.

Tests: tests/registry/signatures/test_found.py
"""

import json
from base64 import b64decode
from collections.abc import Iterator

from registry.digest import Digest
from registry.documents.referrers import BUNDLE_PREFIX
from registry.errors import Fault
from registry.manifest import Descriptor
from registry.printable import printable
from registry.repository import Repository

from . import cosign, model_signing
from .check import Signed

_LIMIT = 8 << 20


def found_signatures(repository: Repository, signed: Signed) -> tuple[str, ...]:
    """Return a text for each signature of an artifact: its form, and who made it by its own words.

    The last one says what could not be read.
    """
    texts, lacking = list[str](), ""
    try:
        texts.extend(_attached(repository, signed.digest))  # what was found before a fault stays
    except Fault as error:
        lacking = f"could not be read: {error}"
    if signed.signature_file is not None:
        texts.extend(_of_bundle(repository, signed.signature_file))
    return tuple(dict.fromkeys((*texts, lacking) if lacking else texts))


def _attached(repository: Repository, digest: Digest) -> Iterator[str]:
    for manifest in repository.attached(digest, (cosign.tag_for(digest),)):
        for layer in manifest.layers:
            if layer.media_type == cosign.PAYLOAD_TYPE:
                certificate = layer.annotations.get(cosign.CERTIFICATE, "")
                yield f"cosign, by {_named_in(certificate.encode()) if certificate else 'a key'}"
            elif layer.media_type.startswith(BUNDLE_PREFIX):
                yield from _of_bundle(repository, layer)


def _of_bundle(repository: Repository, layer: Descriptor) -> Iterator[str]:
    try:
        bundle = json.loads(repository.read(layer, _LIMIT))
        material = bundle["verificationMaterial"]
        statement = json.loads(b64decode(bundle["dsseEnvelope"]["payload"]))
        kind = {cosign.PREDICATE: "cosign bundle", model_signing.PREDICATE: "OpenSSF model signing"}
        form = kind.get(statement["predicateType"])
        certificate = b64decode(material.get("certificate", {}).get("rawBytes", ""), validate=True)
    except (Fault, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        yield "a bundle that cannot be read"
        return
    if form is None:
        return  # an attestation, which says something about the artifact
    yield f"{form}, by {_named_in(certificate) if certificate else 'a key'}"


def _named_in(certificate: bytes) -> str:
    """Return who a certificate names, as PEM or DER."""
    from cryptography import x509  # noqa: PLC0415 - most artifacts have none

    from .certificates import identity_of  # noqa: PLC0415 - as above

    try:
        load = x509.load_pem_x509_certificate if b"-----BEGIN" in certificate else x509.load_der_x509_certificate
        issuer, subjects = identity_of(load(certificate))
    except (ValueError, x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return "a certificate that cannot be read"
    return printable(f"the certificate of {', '.join(subjects) or 'nobody'} by {issuer or 'no issuer'}", 300)
