"""Private keys that sign artifacts: of openssl, and of cosign.

Tests: tests/packer/test_sign.py
"""

import json
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from registry.signatures.keys import PublicKey

from .errors import BadKey

PASSWORDS = ("WEIGHBRIDGE_SIGN_PASSWORD", "COSIGN_PASSWORD")
"""The variables that may hold the password of a key; the first that is set counts."""

_COSIGN_KEY = b"SIGSTORE PRIVATE KEY"

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key. Its `repr` shows nothing of it."""

    key: PrivateKey

    @classmethod
    def read(cls, file: Path, environ: Mapping[str, str]) -> "SigningKey":
        """Read a key in PEM: of openssl (PKCS #8 and others), or of cosign, with its password. Raises BadKey."""
        try:
            content = file.read_bytes()
        except OSError as error:
            raise BadKey(f"{file}: cannot be read ({error.strerror or error})") from None
        password = next((environ[name] for name in PASSWORDS if name in environ), None)
        if _COSIGN_KEY in content:
            return cls._loaded(lambda: _decrypted(content, password or "", file), None, file, is_pem=False)
        return cls._loaded(lambda: content, password, file, is_pem=True)

    @classmethod
    def _loaded(cls, read: Callable[[], bytes], password: str | None, file: Path, *, is_pem: bool) -> "SigningKey":
        load = serialization.load_pem_private_key if is_pem else serialization.load_der_private_key
        try:
            content = read()
            try:
                key = load(content, None)
            except TypeError:  # it is encrypted
                key = load(content, password.encode() if password else None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise BadKey(f"{file}: is no private key that can be read: {error}") from None
        if not isinstance(key, PrivateKey):
            raise BadKey(f"{file}: is a key of the kind {type(key).__name__}; ECDSA, RSA and Ed25519 sign")
        return cls(key)

    def __repr__(self) -> str:
        return f"SigningKey({self.public.name})"

    @property
    def public(self) -> PublicKey:
        """The public key."""
        return PublicKey.parse(
            self.key.public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
            .decode()
        )

    def sign(self, content: bytes) -> bytes:
        """Return a signature of cosign's classic form, whose hash is SHA-256 for every curve."""
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            return self.key.sign(content, ec.ECDSA(hashes.SHA256()))
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            return self.key.sign(content)
        return self.key.sign(content, padding.PKCS1v15(), hashes.SHA256())


def _decrypted(content: bytes, password: str, file: Path) -> bytes:
    """Return the key in a file of `cosign generate-key-pair`, as DER (PKCS #8)."""
    import hashlib  # noqa: PLC0415 - keys of cosign alone need it

    try:
        from nacl.exceptions import CryptoError  # noqa: PLC0415 - as above
        from nacl.secret import SecretBox  # noqa: PLC0415 - as above
    except ImportError:
        raise BadKey(
            f"{file}: is a key of cosign, and the package pynacl, which decrypts it, is not installed",
            hint="install weighbridge[signing], or sign with `cosign sign --key`",
        ) from None
    lines = [line for line in content.decode("ascii", errors="replace").splitlines() if line and "-----" not in line]
    try:
        found = json.loads(b64decode("".join(lines)))
        kdf, cipher = found["kdf"], found["cipher"]
        if (kdf["name"], cipher["name"]) != ("scrypt", "nacl/secretbox"):
            raise BadKey(f"{file}: is encrypted in a way that is not known")
        cost = {"n": int(kdf["params"]["N"]), "r": int(kdf["params"]["r"]), "p": int(kdf["params"]["p"])}
        salt, nonce = b64decode(kdf["salt"]), b64decode(cipher["nonce"])
        derived = hashlib.scrypt(password.encode(), salt=salt, dklen=SecretBox.KEY_SIZE, maxmem=256 << 20, **cost)
        return bytes(SecretBox(derived).decrypt(b64decode(found["ciphertext"]), nonce))
    except (ValueError, KeyError, TypeError, CryptoError):
        words = " and ".join(PASSWORDS)
        raise BadKey(f"{file}: cannot be decrypted", hint=f"set its password in one of {words}") from None
