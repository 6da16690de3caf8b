"""Origins (scheme, host and port), and the URLs of requests.

Tests: tests/registry/http/test_redirects.py
"""

import ipaddress
import re
from typing import NamedTuple, Self
from urllib.parse import SplitResult, urljoin, urlsplit

from registry.errors import Refused
from registry.printable import printable
from registry.reference import is_loopback

_PORTS = {"http": 80, "https": 443}
_NAME = re.compile(r"(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}\.?")
_NAME_LIMIT = 253
_UNSAFE = re.compile(rb"[^!-~]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Origin(NamedTuple):
    """Scheme, host and port: what credentials are bound to (RFC 6454)."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> Self:
        """Return the origin of an absolute URL; raise Refused for an invalid one, and for other schemes."""
        parts = _split(url)
        if parts is None or parts.scheme not in _PORTS or not _is_host(parts) or parts.port == 0:
            raise Refused(f"not an HTTP URL: {redacted(url)}")
        return cls(parts.scheme, parts.hostname or "", parts.port or _PORTS[parts.scheme])

    @property
    def is_loopback(self) -> bool:
        """Whether the origin is on this machine."""
        return is_loopback(self.host)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == _PORTS[self.scheme] else f":{self.port}")


def redacted(url: str) -> str:
    """Return a URL for messages: without its query and user, which hold signatures and passwords."""
    parts = _split(url)
    if parts is None:
        return "a malformed URL"
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    return printable(f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}{parts.path}", 1000)


def resolved(base: str, location: str) -> str:
    """Return the absolute URL that a header of the answer to `base` names (RFC 9110, 10.2.2; RFC 3986, 5).

    Spaces and bytes beyond ASCII, which headers should not have and often do, are percent-encoded as browsers do.
    Raises Refused for what is still no HTTP URL.
    """
    text = location.strip()
    if _CONTROL.search(text):
        raise Refused(f"{redacted(base)}: leads to what is no URL: {printable(text.partition('?')[0])!r}")
    try:
        content = text.encode("latin-1")  # as http.client decodes headers
    except UnicodeEncodeError:
        content = text.encode(errors="replace")
    encoded = _UNSAFE.sub(lambda byte: b"%%%02X" % byte[0][0], content).decode()
    try:
        url = urljoin(base, encoded)
    except ValueError:
        raise Refused(f"{redacted(base)}: leads to what is no URL") from None
    Origin.of(url)
    return url


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises where it is none
    except ValueError:
        return None
    return parts


def _is_host(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    if "[" not in parts.netloc:
        return len(host) <= _NAME_LIMIT and _NAME.fullmatch(host) is not None
    try:
        return ipaddress.IPv6Address(host).scope_id is None
    except ValueError:
        return False
