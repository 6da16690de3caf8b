"""Which CAs a chain leads to, with keys and depths of other people's certificates."""

import datetime as dt
from dataclasses import replace
from itertools import permutations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.x509.oid import NameOID

from certs.bundle import Bundle
from certs.chain import authorities_of, signers_in
from certs.issue import to_pem
from certs.names import Names
from certs.renewal import holds_together, next_bundle, with_successor
from certs.report import Report

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
NAMES = Names(service="weighbridge-webhook", namespace="weighbridge-system")
DAY = dt.timedelta(days=1)
Key = CertificateIssuerPrivateKeyTypes
KEYS: dict[str, Key] = {
    "RSA": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ECDSA P-384": ec.generate_private_key(ec.SECP384R1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate(),
}
ROOT, MIDDLE, LOWER = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))


def certificate(subject: str, key: Key, issuer: str, signer: Key) -> x509.Certificate:
    """Return a certificate of a year."""
    name, by = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in (subject, issuer))
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(by).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(NOW - 10 * DAY)
    algorithm = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.not_valid_after(NOW + 365 * DAY).sign(signer, algorithm)


def bundle(chain: list[x509.Certificate], key: Key, *authorities: x509.Certificate) -> Bundle:
    """Return what a Secret holds."""
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem = b"".join(map(to_pem, authorities))
    return Bundle(ca_certificate=pem, ca_key=None, certificate=b"".join(map(to_pem, chain)), key=text)


root = certificate("root", ROOT, "root", ROOT)
middle = certificate("middle", MIDDLE, "root", ROOT)
lower = certificate("lower", LOWER, "middle", MIDDLE)
other = certificate("other", LOWER, "other", LOWER)


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_a_pair_of_any_kind_serves(key: Key) -> None:
    """As the server loads it; and it stays where we keep certificates from then on."""
    mine = bundle([certificate("server", key, "root", ROOT)], key, root)
    assert holds_together(mine)
    assert not Report.of(mine, NOW).problem
    assert next_bundle(mine, NAMES, NOW, mine.ca_certificate) is None
    assert not holds_together(bundle([certificate("server", MIDDLE, "root", ROOT)], key, root)), "another's key"


@pytest.mark.parametrize("between", list(permutations([middle, lower, other])), ids=str)
def test_a_chain_leads_to_its_root_through_what_the_server_sends(between: tuple[x509.Certificate, ...]) -> None:
    """In whatever order it sends it, and with strangers among it."""
    key = KEYS["RSA"]
    leaf = certificate("server", key, "lower", LOWER)
    mine = bundle([leaf, *between], key, root)
    assert holds_together(mine)
    assert [one.has_signed for one in Report.of(mine, NOW).authorities] == [True]
    assert signers_in(to_pem(lower), [leaf, *between]) == [lower], "a trusted intermediate one"


def test_a_chain_with_a_gap_leads_nowhere() -> None:
    """As the API server sees it."""
    key = KEYS["RSA"]
    assert not holds_together(bundle([certificate("server", key, "lower", LOWER), lower], key, root))
    assert not holds_together(bundle([certificate("server", key, "lower", LOWER), lower, middle], key, other))


def test_the_root_of_a_chain_stays_trusted_while_its_successor_comes() -> None:
    """What is served until then was signed below it."""
    key = KEYS["RSA"]
    mine = bundle([certificate("server", key, "middle", MIDDLE), middle], key, root, other)
    after = authorities_of(with_successor(mine, NOW).ca_certificate)
    assert after[1:] == [root], "and one that signed nothing is left out"


def test_a_password_is_no_pair() -> None:
    """Nobody is there to type it, and nothing is raised."""
    key = KEYS["RSA"]
    mine = bundle([certificate("server", key, "root", ROOT)], key, root)
    locked = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    )
    assert not holds_together(replace(mine, key=locked))
