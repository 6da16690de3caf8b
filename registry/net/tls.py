"""The TLS settings of a connection: trusted CAs and the client certificate.

Tests: tests/registry/net/test_tls.py
"""

import ssl
import threading
from typing import NamedTuple, Self

from registry.errors import BadCaFile


class Tls(NamedTuple):
    """TLS settings. The system's CAs are trusted beside `ca_files`, which are PEM."""

    ca_files: tuple[str, ...] = ()
    client: tuple[str, str] | None = None
    """The files of a client certificate and of its key, which may be one file."""

    skip_verify: bool | None = None
    """Whether any certificate is accepted; None where nobody said."""

    @classmethod
    def trusting(cls, ca_file: str) -> Self:
        """Return settings that trust a CA file beside the system's; empty for none."""
        return cls(ca_files=(ca_file,) if ca_file else ())

    def joined(self, other: "Tls") -> "Tls":
        """Return settings that trust the CAs of both; what else `other` does not say is as it is here."""
        skip_verify = self.skip_verify if other.skip_verify is None else other.skip_verify
        return Tls((*self.ca_files, *other.ca_files), other.client or self.client, skip_verify)

    def context(self) -> ssl.SSLContext:
        """Return the SSL context; raise BadCaFile that names a file that cannot be loaded."""
        context = ssl.create_default_context()
        allow_sparse(context)
        for file in self.ca_files:
            try:
                context.load_verify_locations(file)
            except (OSError, ValueError) as error:  # ssl.SSLError is the former, a name with NUL the latter
                raise BadCaFile(f"{file!r}: {getattr(error, 'strerror', '') or error}") from error
        if self.client:
            try:
                context.load_cert_chain(*self.client, password=_no_password)
            except (OSError, ValueError) as error:
                why = getattr(error, "strerror", "") or error
                raise BadCaFile(
                    f"{self.client[0]!r}: no client certificate with its key ({why})",
                    hint="name a PEM certificate and its key, which may have no password",
                ) from error
        if self.skip_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


class Contexts:
    """The SSL contexts of one program, each made once. Safe to share between threads."""

    def __init__(self) -> None:
        self._made: dict[Tls, ssl.SSLContext] = {}
        self._lock = threading.Lock()

    def get(self, tls: Tls) -> ssl.SSLContext:
        """Return the context for these settings. Raises BadCaFile."""
        with self._lock:
            if tls not in self._made:
                self._made[tls] = tls.context()
            return self._made[tls]


def allow_sparse(context: ssl.SSLContext) -> None:
    """Accept certificates that lack what RFC 5280 wants beside a chain of signatures, such as key identifiers.

    Go accepts them, and Python did before 3.13; older CAs of companies and clusters make them.
    """
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT


def _no_password() -> str:
    """Return no password, so that OpenSSL does not ask the terminal."""
    return ""
