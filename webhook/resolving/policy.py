"""Which registries are asked at admission, and which addresses are connected to. Pure.

A user's annotation names the host, and the request comes from inside the cluster, so that

1. only registries are asked that the operator named: in the catalog, the default prefix or a setting;
2. names are judged by the addresses to which they resolve, and those addresses are connected to;
3. addresses of the machine, of its link and of a cloud's metadata are connected to only where the operator wrote the
   address itself, private ones (pods, services) only for a registry that is named;
4. token servers are on the registry's own site, or are named, too;
5. the webhook's own identity is shown for repositories alone that the operator named: what a registry shows to it, it
   must not show to a user who names the repository.
"""

import ipaddress
from dataclasses import dataclass

from registry.net.addresses import is_local, is_local_host, literal, meant
from registry.reference import Reference, api_host

_METADATA = frozenset(map(ipaddress.ip_address, ("168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254")))
"""Services of clouds (Azure, Alibaba, Oracle, Amazon) for their own machines, beside the link-local 169.254.169.254."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The registries that may be asked, by their API's host[:port] in lower case."""

    hosts: frozenset[str]
    repositories: frozenset[str] = frozenset()
    """The operator's own, as REGISTRY/REPOSITORY, or as a prefix of such with a slash at its end."""

    @classmethod
    def of(cls, *registries: str, repositories: frozenset[str] = frozenset()) -> "Policy":
        """Return the policy that allows these registries."""
        return cls(frozenset(map(_host, registries)), repositories)

    def is_operators(self, reference: Reference) -> bool:
        """Return whether the operator named a repository, in the catalog or by the default prefix."""
        name = f"{reference.registry}/{reference.repository}"
        prefixes = (name[: end + 1] for end, letter in enumerate(name) if letter == "/")
        return name in self.repositories or any(prefix in self.repositories for prefix in prefixes)

    def allows(self, registry: str) -> bool:
        """Return whether a registry may be asked."""
        return _host(registry) in self.hosts

    def may_look_up(self, registry: str, host: str) -> bool:
        """Return whether a question to `registry` may lead to `host`: to its own site, or to a named one."""
        own, other = _name(_host(registry)), _name(host)
        if other == own or self._is_named(other):
            return True
        if literal(other) is not None or is_local_host(other):
            return False
        parent = own.partition(".")[2]
        site = parent if "." in parent and literal(own) is None else own
        return other == site or other.endswith(f".{site}")

    def may_connect(self, host: str, address: str) -> bool:
        """Return whether `address`, to which `host` resolved, may be connected to."""
        name, found = _name(host), literal(address.partition("%")[0])
        if found is None:
            return False
        if self._is_named(name) and (literal(name) is not None or is_local_host(name)):
            return True  # the operator wrote the address itself
        every = meant(found)
        if is_local(str(found)) or any(one in _METADATA or one.is_multicast for one in every):
            return False
        return self._is_named(name) or all(one.is_global for one in every)

    def _is_named(self, name: str) -> bool:
        return any(_name(host) == name for host in self.hosts)


def _host(registry: str) -> str:
    return api_host(registry.lower())


def _name(host: str) -> str:
    """Return a host without its port, its brackets, and a dot at its end."""
    text = host.lower()
    name, colon, port = text.rpartition(":")
    if colon and port.isdecimal() and (":" not in name or name.endswith("]")):
        text = name
    return text.strip("[]").removesuffix(".")
