"""The names in a serving certificate.

Tests: tests/certs/test_issue.py
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from .errors import BadNameError

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_ONE_LABEL = re.compile(_LABEL)
_DNS_NAME = re.compile(rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL})*")
_DNS_LIMIT = 253

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """A Service's DNS names, and further names and addresses of the certificate."""

    service: str
    namespace: str
    more_dns: tuple[str, ...] = ()
    addresses: tuple[Address, ...] = ()

    @classmethod
    def parse(cls, service: str, namespace: str, more_dns: Iterable[str], addresses: Iterable[str]) -> Self:
        """Check every name; raise BadNameError that quotes the wrong one."""
        for kind, text in (("Service", service), ("namespace", namespace)):
            if not _ONE_LABEL.fullmatch(text):
                raise BadNameError(f"{text!r} is no name of a {kind}")
        more = tuple(more_dns)
        for text in more:
            if len(text) > _DNS_LIMIT or not _DNS_NAME.fullmatch(text):
                raise BadNameError(f"{text!r} is no DNS name")
        return cls(
            service=service,
            namespace=namespace,
            more_dns=more,
            addresses=tuple(_address(text) for text in addresses),
        )

    @classmethod
    def among(cls, service: str, namespace: str, more: Iterable[str]) -> Self:
        """Check every name; `more` may be DNS names and IP addresses. Raises BadNameError."""
        texts = tuple(more)
        addresses = [text for text in texts if _is_address(text)]
        return cls.parse(service, namespace, [text for text in texts if text not in addresses], addresses)

    @property
    def texts(self) -> set[str]:
        """Every name and every address."""
        return {*self.dns, *map(str, self.addresses)}

    @property
    def dns(self) -> tuple[str, ...]:
        """Every DNS name once; the API server calls the third one."""
        inside = f"{self.service}.{self.namespace}"
        own = (self.service, inside, f"{inside}.svc", f"{inside}.svc.cluster.local")
        return tuple(dict.fromkeys((*own, *self.more_dns)))


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _address(text: str) -> Address:
    try:
        return ipaddress.ip_address(text)
    except ValueError as error:
        raise BadNameError(f"{text!r} is no IP address") from error
