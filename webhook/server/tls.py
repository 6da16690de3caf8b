"""The webhook's certificate, and whether clients would accept it."""

import ssl
from datetime import datetime
from pathlib import Path

from cryptography import x509

from registry.errors import Fault

CERTIFICATE = "tls.crt"
KEY = "tls.key"


class BadCertificate(Fault):
    """A certificate that no API server would take."""

    code = "tls.invalid"
    hint = "make a new one with `weighbridge certs init` and put it into the Secret weighbridge-tls"


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
