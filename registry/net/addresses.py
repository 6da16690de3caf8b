"""Which addresses are on this machine or its own link, in any notation. Pure.

A remote host must not redirect a client to them, because services there often trust every client. Loopback is the
machine itself, link-local addresses serve a cloud's metadata, and unspecified ones mean the machine, too.

Tests: tests/registry/net/test_proxies.py
"""

import ipaddress
import socket
from contextlib import suppress

_LOCAL_NAMES = ("localhost", "ip6-localhost", "ip6-loopback")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052, 2.1
_THIS_NETWORK = ipaddress.IPv4Network("0.0.0.0/8")  # RFC 1122, 3.2.1.3

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def literal(host: str) -> Address | None:
    """Return the address that a URL's host spells, as the system's resolver reads it, or None for a name.

    The resolver accepts more than RFC 3986: `127.1`, `2130706433`, `0x7f.0.0.1`, `127.0.0.1.` all mean 127.0.0.1.
    """
    text = host.strip("[]").removesuffix(".")
    with suppress(ValueError):
        return ipaddress.ip_address(text)
    with suppress(OSError, ValueError):
        return ipaddress.IPv4Address(socket.inet_aton(text))
    return None


def is_loopback(address: str) -> bool:
    """Return whether a literal address is this machine."""
    found = literal(address)
    return found is not None and any(one.is_loopback for one in meant(found))


def is_local(address: str) -> bool:
    """Return whether a literal address is loopback, link-local or unspecified, also when mapped into IPv6."""
    found = literal(address)
    return found is not None and any(
        one.is_loopback or one.is_link_local or one.is_unspecified or (one.version == 4 and one in _THIS_NETWORK)
        for one in meant(found)
    )


def is_local_host(host: str) -> bool:
    """Return whether a URL's host is such an address without a lookup; other names must be looked up."""
    name = host.removesuffix(".").lower()
    return name in _LOCAL_NAMES or name.endswith(".localhost") or is_local(host)


def meant(address: Address) -> tuple[Address, ...]:
    """Return an address, and the IPv4 address that is mapped into it."""
    if isinstance(address, ipaddress.IPv4Address):
        return (address,)
    inner = address.ipv4_mapped or address.sixtofour
    if inner is None and (address in _NAT64 or not int(address) >> 32):
        inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return (address, inner) if inner is not None else (address,)
