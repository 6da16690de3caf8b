"""What there is to say of a webhook's TLS material at some time. Pure.

Tests: tests/certs/test_report.py
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from .bundle import Bundle
from .chain import authorities_of, chain_of, names_in, signers_in
from .errors import UnreadableError
from .renewal import holds_together

_DUE = 2 / 3
_SHOWN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A CA: until when it is valid, its fingerprint, and whether it signed the certificate, perhaps through others."""

    until: dt.datetime
    fingerprint: str
    has_signed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A certificate's names and days, its CAs, and whether they belong together."""

    now: dt.datetime
    names: tuple[str, ...]
    since: dt.datetime
    until: dt.datetime
    fingerprint: str
    authorities: tuple[Authority, ...]
    holds_together: bool

    @classmethod
    def of(cls, bundle: Bundle, now: dt.datetime) -> "Report":
        """Return the report of a bundle at `now`; raise UnreadableError."""
        try:
            chain, authorities = chain_of(bundle), authorities_of(bundle.ca_certificate)
            signers = signers_in(bundle.ca_certificate, chain)
        except ValueError as error:
            raise UnreadableError("tls.crt or ca.crt is no certificate") from error
        leaf = chain[0]
        return cls(
            now=now,
            names=tuple(sorted(names_in(leaf))),
            since=leaf.not_valid_before_utc,
            until=leaf.not_valid_after_utc,
            fingerprint=fingerprint(leaf),
            authorities=tuple(
                Authority(until=one.not_valid_after_utc, fingerprint=fingerprint(one), has_signed=one in signers)
                for one in authorities
            ),
            holds_together=not authorities or holds_together(bundle),
        )

    @property
    def renewed_from(self) -> dt.datetime:
        """When two thirds of the certificate's life have passed: built-in certificates are renewed then."""
        return self.since + (self.until - self.since) * _DUE

    @property
    def problem(self) -> str:
        """Why the certificate does not serve; empty if it does."""
        if not self.holds_together:
            return "certificate, key and CA do not belong together"
        if not self.since <= self.now < self.until:
            return "the certificate has expired" if self.now >= self.until else "the certificate is not valid yet"
        signers = [one for one in self.authorities if one.has_signed]
        return "the CA has expired" if signers and all(one.until <= self.now for one in signers) else ""

    def to_text(self) -> str:
        """Return the report for people."""
        more = f" and {len(self.names) - _SHOWN} more" if len(self.names) > _SHOWN else ""
        days, due = (self.until - self.now).days, f"two thirds have passed on {self.renewed_from:%Y-%m-%d}"
        lines = [
            f"certificate  {self.fingerprint}",
            f"names        {', '.join(self.names[:_SHOWN])}{more}",
            f"valid        until {self.until:%Y-%m-%d} ({days} days); {due}",
        ]
        for one in self.authorities:
            what = "which signed it" if one.has_signed else "trusted beside it"
            lines.append(f"CA           {one.fingerprint}, until {one.until:%Y-%m-%d}, {what}")
        return "\n".join([*lines, *([f"problem      {self.problem}"] if self.problem else [])])

    def to_raw(self) -> dict[str, Any]:
        """Return the report as JSON has it."""
        authorities = [
            {"fingerprint": one.fingerprint, "until": one.until.isoformat(), "signed": one.has_signed}
            for one in self.authorities
        ]
        told = {"problem": self.problem} if self.problem else {}
        return {
            "fingerprint": self.fingerprint,
            "names": list(self.names),
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "renewedFrom": self.renewed_from.isoformat(),
            "authorities": authorities,
        } | told


def fingerprint(certificate: x509.Certificate) -> str:
    """Return the first bytes of a certificate's SHA-256, enough to tell two apart."""
    return certificate.fingerprint(SHA256()).hex(":")[:23]
