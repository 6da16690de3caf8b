"""The proxy of a request, from HTTP_PROXY, HTTPS_PROXY and NO_PROXY as Go's programs read them. Pure.

NO_PROXY is a comma-separated list: `*` for all; addresses and networks (CIDR) of both families, for hosts that are
written as addresses; `name` and `*.name`, and `.name` for its subdomains alone. All but networks may have a port.
Case, blanks and a dot at the end are ignored (golang.org/x/net/http/httpproxy).
"""

import ipaddress
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from registry.errors import BadProxy, Fault, ProxyRefused, Unavailable

from .addresses import Address, is_loopback
from .origin import Origin, redacted

_DEFAULT_PORT = 80


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy. Its `repr` and its text show no password."""

    host: str
    port: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The Proxy-Authorization header."""

    @classmethod
    def parse(cls, address: str) -> "Proxy":
        """Parse a proxy's URL, or its host and port alone; raise BadProxy for any but http://."""
        url = address if "://" in address else f"http://{address}"
        try:
            parts = urlsplit(url)
            origin = Origin.of(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}")
        except (ValueError, Fault):
            raise BadProxy(f"the proxy {redacted(url)}: is no http:// URL with a host and a port") from None
        if origin.scheme != "http":
            raise BadProxy(f"the proxy {redacted(url)}: is to be spoken to by {parts.scheme}, which is not done")
        headers = {}
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            headers["Proxy-Authorization"] = f"Basic {b64encode(pair.encode(errors='surrogateescape')).decode()}"
        return cls(origin.host, parts.port or _DEFAULT_PORT, headers)

    def refusal(self, origin: Origin, status: int) -> Fault:
        """Return the error for a tunnel that the proxy refuses to open."""
        said = f"the proxy {self} answered {status} when asked for a tunnel to {origin}"
        return Unavailable(said) if status >= 500 and status != 501 else ProxyRefused(said)

    def __str__(self) -> str:
        return f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


class Proxies:
    """The proxies of one program, by scheme; `no` names the exceptions."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self._addresses = addresses
        self._exceptions = [entry for part in addresses.get("no", "").split(",") if (entry := part.strip().lower())]

    def choose(self, origin: Origin) -> Proxy | None:
        """Return the proxy for a host, or None for a direct connection. Raises BadProxy."""
        address = self._addresses.get(origin.scheme)
        host = origin.host.lower().removesuffix(".")
        if not address or host == "localhost" or is_loopback(host):
            return None
        if any(_covers(entry, host, origin.port) for entry in self._exceptions):
            return None
        return Proxy.parse(address)


def _covers(entry: str, host: str, port: int) -> bool:
    """Return whether an entry of NO_PROXY covers a host."""
    if entry == "*":
        return True
    address = _address(host)
    if "/" in entry:
        with suppress(ValueError):
            network = ipaddress.ip_network(entry, strict=False)
            return address is not None and address.version == network.version and address in network
        return False
    name, wanted = _split(entry)
    if wanted and wanted != str(port):
        return False
    literal = _address(name)
    if literal is not None:
        return literal == address
    name = name.removeprefix("*").removesuffix(".")
    return bool(name.strip(".")) and (host.endswith(name) if name.startswith(".") else f".{host}".endswith(f".{name}"))


def _split(entry: str) -> tuple[str, str]:
    """Return an entry's host and its port, which may be empty."""
    if entry.startswith("["):
        host, _, rest = entry[1:].partition("]")
        return host, rest.removeprefix(":")
    host, colon, port = entry.rpartition(":")
    return (host, port) if colon and ":" not in host else (entry, "")


def _address(host: str) -> Address | None:
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
