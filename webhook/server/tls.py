"""The webhook's certificate, and whether clients would accept it.

Tests: tests/webhook/test_tls.py
"""

import logging
import ssl
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from registry.errors import Fault

CERTIFICATE = "tls.crt"
KEY = "tls.key"

_log = logging.getLogger(__name__)


class BadCertificate(Fault):
    """A certificate that no API server would take."""

    code = "tls.invalid"
    hint = "renew the Secret weighbridge-tls by what keeps it, as docs/certificates.md says"


def check_certificate(directory: Path, now: datetime) -> None:
    """Raise BadCertificate unless the pair in `directory` belongs together and is valid at `now`.

    The files are read each time, as the server does for each new connection.
    """
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(directory / CERTIFICATE, directory / KEY)
        leaf = x509.load_pem_x509_certificate((directory / CERTIFICATE).read_bytes())
    except (OSError, ValueError) as error:
        # ssl.SSLError is an OSError
        raise BadCertificate(f"the certificate cannot be loaded: {error}") from error
    if not leaf.not_valid_before_utc <= now <= leaf.not_valid_after_utc:
        raise BadCertificate(
            f"the certificate is valid from {leaf.not_valid_before_utc:%Y-%m-%d} "
            f"to {leaf.not_valid_after_utc:%Y-%m-%d}, which is not now"
        )


def expiry_of(directory: Path) -> datetime:
    """Return when the certificate in `directory` expires; the beginning of time if it cannot be read."""
    try:
        return x509.load_pem_x509_certificate((directory / CERTIFICATE).read_bytes()).not_valid_after_utc
    except (OSError, ValueError):
        return datetime.fromtimestamp(0, UTC)


class ServedCertificate:
    """The pair in a directory, read again whenever its files change, so that a renewed one needs no restart."""

    def __init__(self, directory: Path) -> None:
        self._paths = (directory / CERTIFICATE, directory / KEY)
        self._stamp: tuple[tuple[int, int], ...] = ()
        self._context: ssl.SSLContext | None = None

    def context(self) -> ssl.SSLContext | None:
        """Return the context for a new connection; None if there never was a pair that belongs together."""
        try:
            stamp = tuple((stat.st_ino, stat.st_mtime_ns) for stat in (path.stat() for path in self._paths))
            if stamp != self._stamp:
                self._context = self._loaded()
                self._stamp = stamp
        except OSError as error:
            # ssl.SSLError is an OSError. The kubelet may be swapping the files: the last good pair goes on.
            _log.warning("the certificate could not be loaded again: %s", error)
        return self._context

    def _loaded(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.options |= ssl.OP_NO_RENEGOTIATION
        context.set_alpn_protocols(["http/1.1"])
        context.load_cert_chain(*self._paths)
        return context
