"""What the webhook's TLS material becomes, as a function of what it is and of the time. Pure.

1. Without material, or with some that does not belong together, there is a new CA and a new certificate.
2. A CA of which two thirds have passed gets a successor, which stands before it; the certificate stays.
3. A certificate of which two thirds have passed, or that lacks a name, is renewed by the first CA.
4. So is a certificate that another CA signed. Steps 3 and 4 wait until the API server trusts the first CA.
5. A CA that expired, or that nothing served was signed by for two days, is left out.

Tests: tests/certs/test_renewal.py
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import replace

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from .bundle import Bundle
from .chain import authorities_of, chain_of, is_signed, leaf_of, names_in, signers_in
from .issue import LEAF_DAYS, Authority, Key, issue, key_pem, new_authority, new_key, sign_leaf, to_pem
from .names import Names

_DUE = 2 / 3
_GRACE = dt.timedelta(days=2)
"""How long a former CA stays trusted: each replica serves the new certificate long before."""


def next_bundle(
    bundle: Bundle | None, names: Names, now: dt.datetime, trusted: bytes, make_key: Callable[[], Key] = new_key
) -> Bundle | None:
    """Return the bundle that replaces this one at `now`; None while this one serves.

    `trusted` are the CAs in PEM that the API server is known to trust by now.
    """
    if bundle is None or not holds_together(bundle):
        return issue(names, now, make_key=make_key)
    authorities, leaf = authorities_of(bundle.ca_certificate), leaf_of(bundle)
    if bundle.ca_key is None or is_due(authorities[0], now):
        if bundle.ca_key is None and not is_due(leaf, now):
            return None
        return _with_new_authority(bundle, authorities, now, make_key())
    is_renewed = not is_signed(leaf, authorities[0]) or is_due(leaf, now) or names.texts - names_in(leaf)
    if is_renewed and _is_trusted(authorities[0], trusted):
        return with_new_certificate(bundle, names, now, make_key)
    kept = _needed(bundle, now)
    return replace(bundle, ca_certificate=b"".join(map(to_pem, kept))) if len(kept) < len(authorities) else None


def with_successor(bundle: Bundle, now: dt.datetime, make_key: Callable[[], Key] = new_key) -> Bundle:
    """Return the bundle with a new CA before those that are needed; its certificate stays, until the new one signs.

    Raises ValueError for a bundle whose CAs are no certificates.
    """
    return _with_new_authority(bundle, _needed(bundle, now), now, make_key())


def with_new_certificate(
    bundle: Bundle, names: Names, now: dt.datetime, make_key: Callable[[], Key] = new_key
) -> Bundle:
    """Return the bundle with a new certificate, signed by its first CA, whose key it must have. Raises ValueError."""
    if bundle.ca_key is None:
        raise ValueError("the CA's key is not there")
    key, first = make_key(), authorities_of(bundle.ca_certificate)[0]
    renewed = sign_leaf(names, key.public_key(), Authority(first, _key_of(bundle.ca_key)), now, LEAF_DAYS)
    return replace(bundle, certificate=to_pem(renewed), key=key_pem(key))


def is_due(certificate: x509.Certificate, now: dt.datetime) -> bool:
    """Return whether two thirds of a certificate's life have passed."""
    life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    return now >= certificate.not_valid_before_utc + life * _DUE


def holds_together(bundle: Bundle) -> bool:
    """Return whether certificate and key are a pair that one of the CAs is behind, and the CA's key the first one's.

    The pair may be of any kind, the CA's key only of the one that we sign by.
    """
    try:
        chain, authorities = chain_of(bundle), authorities_of(bundle.ca_certificate)
        pair = serialization.load_pem_private_key(bundle.key, password=None)
        is_pair = pair.public_key() == chain[0].public_key()
        is_own = bundle.ca_key is None or _key_of(bundle.ca_key).public_key() == authorities[0].public_key()
        return is_pair and is_own and bool(signers_in(bundle.ca_certificate, chain))
    except (ValueError, IndexError, TypeError, UnsupportedAlgorithm):
        return False


def _is_trusted(authority: x509.Certificate, trusted: bytes) -> bool:
    try:
        return authority in authorities_of(trusted)
    except ValueError:
        return False


def _with_new_authority(bundle: Bundle, authorities: Sequence[x509.Certificate], now: dt.datetime, key: Key) -> Bundle:
    successor = new_authority(key, now)
    alive = [one for one in authorities if one.not_valid_after_utc > now]
    text = b"".join(map(to_pem, [successor.certificate, *alive]))
    return replace(bundle, ca_certificate=text, ca_key=key_pem(key))


def _needed(bundle: Bundle, now: dt.datetime) -> list[x509.Certificate]:
    """Return the CAs that stay trusted: the first, those behind what is served, and others for a while after that."""
    authorities, chain = authorities_of(bundle.ca_certificate), chain_of(bundle)
    kept = (authorities[0], *signers_in(bundle.ca_certificate, chain))
    is_fresh = chain[0].not_valid_before_utc + _GRACE > now
    return [one for one in authorities if one in kept or (is_fresh and one.not_valid_after_utc > now)]


def _key_of(pem: bytes) -> Key:
    key = serialization.load_pem_private_key(pem, password=None)
    if not isinstance(key, Key):
        raise ValueError("no elliptic curve key")  # noqa: TRY004 - the text is wrong, not the call
    return key
