"""Certificates, issued by a function of names, keys and the time.

The profile is RFC 5280's, as Go and OpenSSL check it in their strict modes: ECDSA P-256, critical key usage
and basic constraints, key identifiers on both, and on the leaf serverAuth and the names as SANs alone.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .bundle import Bundle
from .errors import BadValidityError
from .names import Names

CA_DAYS = 3650
LEAF_DAYS = 365
_BACKDATED = dt.timedelta(hours=1)  # for clocks that are slow

_usage = partial(
    x509.KeyUsage,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)
_CA_USAGE = _usage(digital_signature=False, key_cert_sign=True, crl_sign=True)
_LEAF_USAGE = _usage(digital_signature=True, key_cert_sign=False, crl_sign=False)

Key = ec.EllipticCurvePrivateKey


def new_key() -> Key:
    """Return a new ECDSA P-256 key."""
    return ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True, slots=True)
class Authority:
    """A CA and the key that signs for it."""

    certificate: x509.Certificate
    key: Key


def issue(names: Names, now: dt.datetime, leaf_days: int = LEAF_DAYS, make_key: Callable[[], Key] = new_key) -> Bundle:
    """Return a new CA and the leaf that it signs; raise BadValidityError when the leaf would outlive its CA.

    `now` is an aware time; both certificates start an hour before it.
    """
    if not 1 <= leaf_days <= CA_DAYS:
        raise BadValidityError(f"a certificate for {leaf_days} days from a CA for {CA_DAYS}")
    start = now.replace(microsecond=0)
    ca = new_authority(make_key(), start)
    key = make_key()
    leaf = sign_leaf(names, key.public_key(), ca, start, leaf_days)
    return Bundle(
        ca_certificate=to_pem(ca.certificate), ca_key=key_pem(ca.key), certificate=to_pem(leaf), key=key_pem(key)
    )


def new_authority(key: Key, start: dt.datetime) -> Authority:
    """Return a new CA, valid for CA_DAYS from an hour before `start`."""
    start = start.replace(microsecond=0)
    subject = _name("weighbridge webhook CA")
    builder = _begin(subject, subject, key.public_key(), start, CA_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_CA_USAGE, critical=True)
    return Authority(builder.sign(key, hashes.SHA256()), key)


def sign_leaf(
    names: Names, key: ec.EllipticCurvePublicKey, ca: Authority, start: dt.datetime, days: int
) -> x509.Certificate:
    """Return a serving certificate for the names, which the CA signs."""
    start = start.replace(microsecond=0)
    subject_names = [*map(x509.DNSName, names.dns), *map(x509.IPAddress, names.addresses)]
    issuer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.key.public_key())
    builder = _begin(_name(names.service), ca.certificate.subject, key, start, days)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_LEAF_USAGE, critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    builder = builder.add_extension(x509.SubjectAlternativeName(subject_names), critical=False)
    builder = builder.add_extension(issuer_id, critical=False)
    return builder.sign(ca.key, hashes.SHA256())


def _begin(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, start: dt.datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start - _BACKDATED)
        .not_valid_after(start + dt.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def to_pem(certificate: x509.Certificate) -> bytes:
    """Return a certificate as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def key_pem(key: Key) -> bytes:
    """Return a private key as PEM, without a password."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
