"""Signatures by a certificate of Fulcio: judged off-line, by the operator's trust root.

The package `sigstore` does it: the certificate's chain at the time of signing, its entry in the certificate log, the
signature's entry in the transparency log (Rekor) with proof and checkpoint, time stamps, and a bundle's envelope.
Here it is only said who may sign.

Tests: tests/registry/signatures/test_check.py
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from registry.printable import printable

from .errors import BadSignature, BadSignaturePolicy, ExpiredCertificate, UnknownSigner, WrongIdentity
from .rule import Rule, Signatory

if TYPE_CHECKING:
    from cryptography import x509
    from sigstore.verify import Verifier
    from sigstore.verify.policy import VerificationPolicy

T = TypeVar("T")

_ISSUER, _OLD_ISSUER = "1.3.6.1.4.1.57264.1.8", "1.3.6.1.4.1.57264.1.1"
"""Where Fulcio writes the issuer of the identity token (fulcio, docs/oid-info.md): as DER, and as text."""


_EXPIRED = re.compile(r"expired at time of signing|not valid at validation time")
"""What `sigstore` and `cryptography` say of a certificate outside of its life."""


@dataclass(slots=True)
class _AnyOf:
    """A policy as `sigstore` has it: the certificate is that of one of the signatories."""

    signatories: tuple[Signatory, ...]
    who: str = field(default="", init=False)
    is_known: bool = field(default=True, init=False)

    def verify(self, cert: "x509.Certificate") -> None:
        """Note who the certificate names; raise VerificationError unless that is a signatory."""
        from sigstore.errors import VerificationError  # noqa: PLC0415 - see the module's text

        issuer, subjects = identity_of(cert)
        named = printable(f"{', '.join(subjects) or 'nobody'} by {issuer or 'no issuer'}", 300)
        self.who = named
        self.is_known = any(one.matches(issuer, subject) for one in self.signatories for subject in subjects)
        if not self.is_known:
            raise VerificationError(f"it is that of {named}")


def signed_payload(bundle: bytes, rule: Rule) -> tuple[bytes, str]:
    """Return the payload of a bundle's envelope, and who signed it, by the rule's signatories and trust root.

    Raises UnknownSigner, BadSignature, BadSignaturePolicy.
    """

    def verify(verifier: "Verifier", policy: "VerificationPolicy") -> bytes:
        from sigstore.models import Bundle  # noqa: PLC0415 - see `judge`

        return verifier.verify_dsse(Bundle.from_json(bundle), policy)[1]

    return judge(rule, verify)


def judge(rule: Rule, verify: Callable[["Verifier", "VerificationPolicy"], T]) -> tuple[T, str]:
    """Call `verify` with the rule's trust root and signatories; return its result, and who signed.

    Raises UnknownSigner, BadSignature, BadSignaturePolicy.
    """
    try:
        from sigstore.errors import Error, VerificationError  # noqa: PLC0415 - few pulls need it: it costs 0.2 s
        from sigstore.models import TrustedRoot  # noqa: PLC0415 - as above
        from sigstore.verify import Verifier  # noqa: PLC0415 - as above
        from sigstore_models.trustroot.v1 import TrustedRoot as Root  # noqa: PLC0415 - as above
    except ImportError:
        raise BadSignaturePolicy(
            "the policy names signatories, and the package sigstore, which judges certificates, is not installed",
            hint="install weighbridge[keyless], or name keys",
        ) from None
    try:
        verifier = Verifier(trusted_root=TrustedRoot(Root.from_json(rule.trust_root)))
    except (ValueError, Error) as error:
        raise BadSignaturePolicy(f"the trust root cannot be read: {printable(str(error), 200)}") from None
    policy = _AnyOf(rule.signatories)
    try:
        return verify(verifier, policy), policy.who
    except VerificationError as error:
        if not policy.is_known:
            raise WrongIdentity(f"a signature by the certificate of {policy.who}") from None
        kind = ExpiredCertificate if _EXPIRED.search(str(error)) else UnknownSigner
        raise kind(f"a signature by a certificate that is not accepted: {printable(str(error), 300)}") from None
    except (Error, ValueError) as error:
        raise BadSignature(f"a signature that cannot be read: {printable(str(error), 200)}") from None


def identity_of(certificate: "x509.Certificate") -> tuple[str, tuple[str, ...]]:
    """Return the issuer of the identity token and the subjects that a certificate names. Raises ValueError."""
    return _issuer(certificate), tuple(_subjects(certificate))


def _issuer(certificate: "x509.Certificate") -> str:
    values = {one.oid.dotted_string: one.value.public_bytes() for one in certificate.extensions}
    der = values.get(_ISSUER, b"")
    if der[:1] == b"\x0c" and len(der) >= 2:  # a UTF8String
        start = 2 if der[1] < 0x80 else 2 + (der[1] & 0x7F)
        return bytes(der[start:]).decode(errors="replace")
    return bytes(values.get(_OLD_ISSUER, b"")).decode(errors="replace")


def _subjects(certificate: "x509.Certificate") -> Iterator[str]:
    from cryptography import x509  # noqa: PLC0415 - as above

    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return
    yield from names.get_values_for_type(x509.RFC822Name)
    yield from names.get_values_for_type(x509.UniformResourceIdentifier)
