"""Cosign's classic signatures by a certificate of Fulcio: what cosign 1 and 2 write without a key.

The layer's annotations hold the certificate, and the transparency log's promise to include the signature (Rekor's
signed entry timestamp). There is no proof of inclusion, which `sigstore` demands of bundles: so the promise stands in
the place of its log entry here, and all else is judged by `sigstore` as ever, off-line.

github.com/sigstore/cosign, specs/SIGNATURE_SPEC.md ("Bundle", "Certificate")
Tests: tests/registry/signatures/test_check.py
"""

import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from cryptography import x509

from registry.manifest import Descriptor

from .certificates import judge
from .cosign import BUNDLE, CERTIFICATE
from .errors import BadSignature
from .keys import Key, PublicKey
from .rule import Rule

if TYPE_CHECKING:
    from sigstore.models import Bundle
    from sigstore.verify import Verifier
    from sigstore.verify.policy import VerificationPolicy

_KINDS = {"kind": "hashedrekord", "apiVersion": "0.0.1"}


@dataclass(frozen=True, slots=True)
class _Promise:
    """The log's promise, as an entry of the log: its time, and what is signed."""

    log: bytes
    signature: bytes
    signed: bytes
    time: int

    @property
    def _inner(self) -> SimpleNamespace:
        kind = SimpleNamespace(kind=_KINDS["kind"], version=_KINDS["apiVersion"])
        return SimpleNamespace(integrated_time=self.time, inclusion_promise=self.signature, kind_version=kind)

    def _verify(self, keyring: Any) -> None:
        keyring.verify(key_id=self.log, signature=self.signature, data=self.signed)


def classic_signer(layer: Descriptor, payload: bytes, signature: bytes, rule: Rule) -> str:
    """Return who signed a payload, by the certificate in its layer's annotations and the rule's signatories.

    Raises UnknownSigner, BadSignature, BadSignaturePolicy.
    """
    try:
        pem = layer.annotations[CERTIFICATE].encode()
        certificate = x509.load_pem_x509_certificate(pem)
        bundle = json.loads(layer.annotations[BUNDLE])
        promise, entry = _promise_of(bundle), json.loads(b64decode(bundle["Payload"]["body"]))
        is_of_this = _is_of(entry, payload, signature, certificate)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadSignature(
            f"a signature by a certificate, without what the transparency log says of it ({type(error).__name__})"
        ) from None

    def verify(verifier: "Verifier", policy: "VerificationPolicy") -> None:
        material = SimpleNamespace(timestamp_verification_data=None)
        judged = SimpleNamespace(
            signing_certificate=certificate, log_entry=promise, verification_material=material, signature=signature
        )
        verifier._verify_common_signing_cert(cast("Bundle", judged), policy)  # noqa: SLF001 - see the module's text

    _, who = judge(rule, verify)
    if not is_of_this or not PublicKey(cast("Key", certificate.public_key())).signed(payload, signature):
        raise BadSignature("a signature by a good certificate, of something else")
    return who


def _promise_of(bundle: Mapping[str, Any]) -> _Promise:
    payload = bundle["Payload"]
    told = {name: payload[name] for name in ("body", "integratedTime", "logID", "logIndex")}
    signed = json.dumps(told, sort_keys=True, separators=(",", ":")).encode()  # as RFC 8785 has such values
    return _Promise(
        log=bytes.fromhex(told["logID"]),
        signature=b64decode(bundle["SignedEntryTimestamp"], validate=True),
        signed=signed,
        time=int(told["integratedTime"]),
    )


def _is_of(entry: Mapping[str, Any], payload: bytes, signature: bytes, certificate: x509.Certificate) -> bool:
    """Return whether the log's entry is of this signature by this certificate over this payload (CVE-2022-36056)."""
    spec = entry["spec"]
    logged = x509.load_pem_x509_certificate(b64decode(spec["signature"]["publicKey"]["content"]))
    return (
        all(entry[name] == value for name, value in _KINDS.items())
        and spec["data"]["hash"] == {"algorithm": "sha256", "value": hashlib.sha256(payload).hexdigest()}
        and spec["signature"]["content"] == b64encode(signature).decode()
        and logged == certificate
    )
