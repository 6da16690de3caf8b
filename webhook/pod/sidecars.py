"""Sidecars that the puller stands beside: service meshes, and servers of volumes.

One table, which the operator extends. Everything that depends on a neighbour's name is decided by it.

Tests: tests/webhook/test_targets.py
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, get_args

from .podspec import Raw, app_containers, init_containers, name_of

Role = Literal["redirect", "validation", "proxy", "volume"]
"""What a container is to the puller.

`redirect`: an init container after which all traffic goes to a proxy. `validation`: an init container that proves that
a CNI plugin has redirected it. `proxy`: what carries it then, under a user whose own traffic is not redirected.
`volume`: what serves the pod's claims (FUSE).
"""


@dataclass(frozen=True, slots=True)
class Sidecar:
    """A kind of sidecar: a glob of its containers' names, and of a proxy the user that it usually has."""

    name: str
    role: Role
    user: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Sidecar":
        """Parse `NAME=ROLE[:UID]`; raise ValueError."""
        name, _, rest = text.partition("=")
        role, colon, user = rest.partition(":")
        known: dict[str, Role] = {one: one for one in get_args(Role)}
        if not name or role not in known or (colon and not (user.isascii() and user.isdecimal() and int(user))):
            raise ValueError(f"{text!r} is not NAME=ROLE or NAME=proxy:UID, where ROLE is one of {', '.join(known)}")
        return cls(name, known[role], int(user) if colon else None)


KNOWN = (
    Sidecar("istio-init", "redirect"),
    Sidecar("linkerd-init", "redirect"),
    Sidecar("kuma-init", "redirect"),
    Sidecar("consul-connect-inject-init", "redirect"),
    Sidecar("consul-mesh-init", "redirect"),
    Sidecar("nginx-mesh-init", "redirect"),
    Sidecar("osm-init", "redirect"),
    Sidecar("proxyinit", "redirect"),  # App Mesh
    Sidecar("istio-validation", "validation"),
    Sidecar("linkerd-network-validator", "validation"),
    Sidecar("kuma-validator", "validation"),
    Sidecar("istio-proxy", "proxy", 1337),
    Sidecar("linkerd-proxy", "proxy", 2102),
    Sidecar("kuma-sidecar", "proxy", 5678),
    Sidecar("consul-dataplane*", "proxy", 5995),
    Sidecar("nginx-mesh-sidecar", "proxy", 2102),
    Sidecar("gke-gcsfuse-sidecar", "volume"),
    Sidecar("gke-gcsfuse-metadata-prefetch", "volume"),
    Sidecar("fluid-fuse*", "volume"),
    Sidecar("jfs-mount*", "volume"),
    Sidecar("alluxio-fuse*", "volume"),
)


@dataclass(frozen=True, slots=True)
class Sidecars:
    """The table: the operator's sidecars before those that are known."""

    table: tuple[Sidecar, ...] = KNOWN

    @classmethod
    def extended(cls, extra: tuple[Sidecar, ...]) -> "Sidecars":
        """Return the table with the operator's own sidecars, which come first."""
        return cls((*extra, *KNOWN))

    def of(self, container: Raw) -> Sidecar | None:
        """Return the kind of sidecar that a container is, by its name."""
        name = name_of(container)
        return next((sidecar for sidecar in self.table if fnmatchcase(name, sidecar.name)), None)

    def has_role(self, container: Raw, *roles: Role) -> bool:
        """Return whether a container has one of the roles."""
        sidecar = self.of(container)
        return sidecar is not None and sidecar.role in roles

    def late_proxies(self, pod: Raw) -> Iterator[tuple[Raw, Sidecar]]:
        """Yield the proxies that start with the application, after every init container."""
        for container in app_containers(pod):
            sidecar = self.of(container)
            if sidecar is not None and sidecar.role == "proxy":
                yield container, sidecar

    def late_volume_servers(self, pod: Raw) -> list[str]:
        """Return the names of the containers that serve volumes only when the application starts."""
        return [name_of(one) for one in app_containers(pod) if self.has_role(one, "volume")]


def is_native(container: Raw) -> bool:
    """Return whether an init container is a native sidecar, which runs on beside those after it."""
    return container.get("restartPolicy") == "Always"


def redirects_before(pod: Raw, index: int, sidecars: Sidecars) -> bool:
    """Return whether an init container before `index` sends all traffic to a proxy."""
    return any(sidecars.has_role(one, "redirect") for one in init_containers(pod)[:index])
