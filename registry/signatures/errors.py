"""What can be wrong with signatures, each failure with its code and its hint.

registry.errors.Fault
├── BadSignaturePolicy         signature-policy.invalid  a policy, or a key of it, that cannot be followed
└── BadSignature               signature.invalid         signatures that are broken, or of something else
    ├── SignatureMissing       signature.missing         no signature at all
    └── UnknownSigner          signature.untrusted       signatures by nobody whom the policy names
        ├── WrongIdentity      signature.identity        certificates of others than the policy's signatories
        └── ExpiredCertificate signature.expired         certificates that were not valid when they signed

Tests: tests/registry/signatures/test_check.py
"""

from registry.errors import Fault


class BadSignaturePolicy(Fault):
    """A policy for signatures, or a key of it, that cannot be followed."""

    code = "signature-policy.invalid"
    hint = "mend the key that is named (docs/signatures.md lists them)"


class BadSignature(Fault):
    """Signatures that are broken, or made of something else than what is pulled; no weight was fetched."""

    code = "signature.invalid"
    hint = (
        "sign the artifact again by its digest (docs/signatures.md); if it was signed well, somebody changed it since"
    )


class SignatureMissing(BadSignature):
    """No signature at all, where the policy demands one; no weight was fetched."""

    code = "signature.missing"
    hint = (
        "sign the digest that is named (`weighbridge push --sign KEY`, or cosign sign), and copy signatures with models"
    )


class UnknownSigner(BadSignature):
    """Signatures by nobody whom the policy names; no weight was fetched."""

    code = "signature.untrusted"
    hint = "sign with a key that the policy names, or ask its owner to name yours (docs/signatures.md)"


class WrongIdentity(UnknownSigner):
    """Certificates that name others than the policy's signatories; no weight was fetched."""

    code = "signature.identity"
    hint = "sign as one of the policy's signatories, or ask its owner to name the identity above (docs/signatures.md)"


class ExpiredCertificate(UnknownSigner):
    """Certificates that were not valid at the time which the transparency log states; no weight was fetched."""

    code = "signature.expired"
    hint = "sign again; if it was signed in time, the clock of the signer or of its transparency log is wrong"
