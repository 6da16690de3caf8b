"""Whom a connection trusts, and how it proves itself."""

import ssl
from dataclasses import dataclass
from typing import Self

from registry.errors import BadCaFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """What TLS is held to. The system's CAs are trusted beside `ca_files`, which are PEM."""

    ca_files: tuple[str, ...] = ()
    client: tuple[str, str] | None = None
    """The files of a client certificate and of its key, which may be one file."""

    skip_verify: bool = False
    """Whether any certificate will do."""

    @classmethod
    def trusting(cls, ca_file: str) -> Self:
        """Trust a CA file beside the system's; empty for none."""
        return cls(ca_files=(ca_file,) if ca_file else ())

    def joined(self, other: "Tls") -> "Tls":
        """Return what trusts the CAs of both, and else does as `other` does."""
        return Tls(ca_files=(*self.ca_files, *other.ca_files), client=other.client, skip_verify=other.skip_verify)

    def context(self) -> ssl.SSLContext:
        """Read the files; raise BadCaFile that names the one that is none."""
        context = ssl.create_default_context()
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


def _no_password() -> str:
    """Keep OpenSSL from asking the terminal."""
    return ""
