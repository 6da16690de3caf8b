"""Public keys, and whether one of them signed some bytes. Pure.

ECDSA with the hash of the curve's size, or SHA-256, which older cosign takes for all; RSA by PKCS #1 v1.5 or PSS with
SHA-256; and Ed25519: what cosign and model_signing write with keys of their own or of a key management service.

Tests: tests/registry/signatures/test_policy.py
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from .errors import BadSignaturePolicy

Key = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey

_LEAST_RSA_BITS = 2048
_CURVES = ("secp256r1", "secp384r1", "secp521r1")
_HASHES: dict[int, type[hashes.HashAlgorithm]] = {256: hashes.SHA256, 384: hashes.SHA384, 521: hashes.SHA512}


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key that may sign."""

    key: Key

    @classmethod
    def parse(cls, pem: str) -> "PublicKey":
        """Parse a key in PEM; raise BadSignaturePolicy for one that is none or too weak, or for several in one."""
        if pem.count("-----BEGIN") > 1:
            raise BadSignaturePolicy("a text holds several keys, of which one would count; give each by itself")
        try:
            key = serialization.load_pem_public_key(pem.strip().encode())
        except (ValueError, UnsupportedAlgorithm) as error:
            raise BadSignaturePolicy(f"a key is no public key in PEM: {error}") from None
        if isinstance(key, rsa.RSAPublicKey) and key.key_size < _LEAST_RSA_BITS:
            raise BadSignaturePolicy(f"an RSA key has {key.key_size} bits, and {_LEAST_RSA_BITS} are the least")
        if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name not in _CURVES:
            raise BadSignaturePolicy(f"a key is on the curve {key.curve.name}; P-256, P-384 and P-521 are known")
        if not isinstance(key, Key):
            raise BadSignaturePolicy(f"a key is of the kind {type(key).__name__}; ECDSA, RSA and Ed25519 are known")
        return cls(key)

    @property
    def name(self) -> str:
        """A text for messages and receipts: the digest of the key (SPKI), as `openssl dgst` shows it."""
        der = self.key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        digest = hashes.Hash(hashes.SHA256())
        digest.update(der)
        return f"key sha256:{digest.finalize().hex()[:16]}"

    def signed(self, content: bytes, signature: bytes) -> bool:
        """Return whether the key signed these bytes."""
        key = self.key
        if isinstance(key, ec.EllipticCurvePublicKey):
            own: tuple[type[hashes.HashAlgorithm], ...] = (_HASHES[key.curve.key_size], hashes.SHA256)
            return any(_is_valid(partial(key.verify, signature, content, ec.ECDSA(one()))) for one in own)
        if isinstance(key, ed25519.Ed25519PublicKey):
            return _is_valid(lambda: key.verify(signature, content))
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.AUTO)
        return _is_valid(lambda: key.verify(signature, content, padding.PKCS1v15(), hashes.SHA256())) or _is_valid(
            lambda: key.verify(signature, content, pss, hashes.SHA256())
        )


def signer_among(keys: Iterable[PublicKey], content: bytes, signature: bytes) -> PublicKey | None:
    """Return the first of the keys that signed these bytes, or None."""
    return next((key for key in keys if key.signed(content, signature)), None)


def _is_valid(verify: Callable[[], None]) -> bool:
    try:
        verify()
    except InvalidSignature:
        return False
    return True
