"""A host that may be asked for a registry's content, as a value.

Tests: tests/registry/mirrors/test_hosts_toml.py
"""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from registry.net.tls import Tls


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """The registry itself or a mirror of it: its API's address, what it is trusted with, how to connect."""

    root: str
    """The URL of its API's root, without a slash at its end: https://mirror.example:5000/v2"""

    can_pull: bool = True
    can_resolve: bool = True
    """Whether it is trusted to resolve tags to digests."""

    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Headers that are sent to this host alone, beside those of every request."""

    tls: Tls = field(default_factory=Tls)
    proxy: str = ""
    """The http:// proxy to it, in place of the environment's."""

    connect_seconds: float | None = None
    """How long connecting may take, if that differs from other waits."""

    @property
    def name(self) -> str:
        """Its host[:port], as registries are written."""
        return urlsplit(self.root).netloc

    @property
    def needs_own_transport(self) -> bool:
        """Whether connections to it need other options than those to other hosts."""
        return self.tls != Tls() or bool(self.proxy) or self.connect_seconds is not None
