"""A host that may be asked for a registry's content, as a value."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from registry.net.tls import Tls


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """The registry itself or a mirror of it: where its API stands, what it is trusted with, how it is reached."""

    root: str
    """The URL of its API's root, without a slash at its end: https://mirror.example:5000/v2"""

    can_pull: bool = True
    can_resolve: bool = True
    """Whether its word counts for which digest a tag has."""

    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """What is sent to it, and to nobody else, beside what every request has."""

    tls: Tls = field(default_factory=Tls)
    proxy: str = ""
    """The http:// proxy to it, in place of the environment's."""

    connect_seconds: float | None = None
    """How long connecting may take, where that differs from other waits."""

    @property
    def name(self) -> str:
        """Its host[:port], as registries are written."""
        return urlsplit(self.root).netloc

    @property
    def needs_own_transport(self) -> bool:
        """Whether connections to it differ from those to everybody else."""
        return self.tls != Tls() or bool(self.proxy) or self.connect_seconds is not None
