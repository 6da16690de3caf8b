"""The certificates in a bundle, and by which of a list of CAs they are trusted. Pure.

Tests: tests/certs/test_chain.py
"""

from collections.abc import Sequence

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from .bundle import Bundle


def authorities_of(pem: bytes) -> Sequence[x509.Certificate]:
    """Return the certificates in a PEM text; none of an empty one. Raises ValueError."""
    return x509.load_pem_x509_certificates(pem) if pem.strip() else []


def chain_of(bundle: Bundle) -> Sequence[x509.Certificate]:
    """Return what a server sends: its certificate, and the intermediate ones behind it. Raises ValueError."""
    return x509.load_pem_x509_certificates(bundle.certificate)


def leaf_of(bundle: Bundle) -> x509.Certificate:
    """Return the serving certificate. Raises ValueError."""
    return chain_of(bundle)[0]


def is_signed(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Return whether a CA signed a certificate itself."""
    try:
        certificate.verify_directly_issued_by(authority)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def signers_in(pem: bytes, chain: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    """Return the CAs in a PEM text that signed a chain's certificate, or an intermediate one that leads to it.

    Raises ValueError.
    """
    signed = [chain[0]]
    for certificate in signed:  # which grows meanwhile
        signed += [one for one in chain[1:] if one not in signed and is_signed(certificate, one)]
    return [authority for authority in authorities_of(pem) if any(is_signed(one, authority) for one in signed)]


def names_in(leaf: x509.Certificate) -> set[str]:
    """Return the DNS names and IP addresses in a certificate."""
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))}
