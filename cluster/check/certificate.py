"""The lines about the certificate in the Secret weighbridge-tls. Pure.

Tests: tests/verbs/test_check.py
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from cryptography import x509

from certs.chain import chain_of, names_in, signers_in
from certs.manifests import bundle_in
from certs.renewal import holds_together
from cluster.errors import Absent
from registry.errors import Fault
from webhook.pod.podspec import Raw, entries, mapping

from .finding import Finding, bad, good, unread, warn
from .reading import Reading

_MAKE = (
    "the webhook makes one when it starts: kubectl -n weighbridge-system rollout restart deploy/weighbridge-webhook; "
    "with one of your own: weighbridge certs init, or see cert-manager's Certificate"
)
_SOON = dt.timedelta(days=14)


def of_certificate(reading: Reading) -> Iterator[Finding]:
    """Yield the lines about the Secret, the names in its certificate, and the days that are left."""
    secret = reading.secret
    if isinstance(secret, Absent):
        yield bad("secret", "there is no Secret weighbridge-tls: the webhook has nothing to serve with", _MAKE)
        return
    if isinstance(secret, Fault):
        yield unread("secret", secret)
        return
    bundle = bundle_in(secret)
    if bundle is None:
        yield bad("secret", "the Secret weighbridge-tls lacks tls.crt or tls.key")
    elif bundle.ca_certificate and not holds_together(bundle):
        yield bad("secret", "in the Secret weighbridge-tls certificate, key and CA do not belong together")
    elif not (chain := chain_in(secret)):
        yield bad("secret", "in the Secret weighbridge-tls tls.crt is no certificate")
    else:
        yield good("secret", "the Secret weighbridge-tls holds a certificate and its key")
        yield _of_names(chain[0], reading.configuration)
        yield _of_days(chain, signers_in(bundle.ca_certificate, chain), reading.now)


def chain_in(secret: Raw) -> Sequence[x509.Certificate]:
    """Return the serving certificate in a Secret, and those behind it; nothing where none can be read."""
    bundle = bundle_in(secret)
    try:
        return chain_of(bundle) if bundle else ()
    except ValueError:
        return ()


def _of_names(leaf: x509.Certificate, configuration: Raw | Fault) -> Finding:
    wanted = set() if isinstance(configuration, Fault) else _called_names(configuration)
    named = names_in(leaf)
    lacking = sorted(wanted - named)
    if lacking:
        return bad(
            "certificate-names", f"the API server calls {', '.join(lacking)}, and the certificate does not name it"
        )
    return good("certificate-names", f"the certificate names {', '.join(sorted(wanted) or sorted(named))}")


def _called_names(configuration: Raw) -> set[str]:
    """Return the names by which the API server calls: a Service's, or a URL's host."""
    found = set()
    for entry in entries(configuration, "webhooks"):
        client = mapping(entry, "clientConfig")
        service = mapping(client, "service")
        if service:
            found.add(f"{service.get('name')}.{service.get('namespace')}.svc")
        elif host := urlsplit(str(client.get("url") or "")).hostname:
            found.add(host)
    return found


def _of_days(chain: Sequence[x509.Certificate], signers: Sequence[x509.Certificate], now: dt.datetime) -> Finding:
    certificates = [*chain, *signers]
    first = min(certificates, key=lambda one: one.not_valid_after_utc)
    what = "the certificate" if first is chain[0] else "the CA" if first in signers else "an intermediate certificate"
    until = first.not_valid_after_utc
    days = (until - now).days
    if until <= now:
        return bad("certificate-days", f"{what} expired on {until:%Y-%m-%d}")
    if any(one.not_valid_before_utc > now for one in certificates):
        return bad("certificate-days", f"{what} is not valid yet: is this machine's clock right?")
    if until - now < _SOON:
        return warn("certificate-days", f"{what} expires in {days} days, on {until:%Y-%m-%d}")
    return good("certificate-days", f"{what} is valid for {days} days, until {until:%Y-%m-%d}")
