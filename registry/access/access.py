"""How registries are reached, as one value that a program makes once.

Tests: tests/registry/mirrors/test_hosts_toml.py
"""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from registry.auth.credentials import Credentials
from registry.errors import BadMirrors, Fault
from registry.http.retry import Patience
from registry.http.transport import Transport
from registry.mirrors.host import Host
from registry.reference import Reference, is_loopback


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The settings for reaching registries: connections, credentials, those on plain HTTP, and their mirrors.

    Mirrors are configured in a directory, `hosts_dir`, and in a text, `mirrors`, which takes precedence.
    `hub_endpoint` is the Hugging Face hub's URL, or empty for the public one. `patience` is for temporary failures.
    Blobs that a registry refuses as one stream are sent in parts of `upload_chunk_bytes`. As a context manager it
    closes its connections when its block ends.
    """

    transport: Transport
    credentials: Credentials
    plain_http: tuple[str, ...] = ()
    """Registries that speak HTTP, beside those on loopback."""

    secured: tuple[str, ...] = ()
    """Registries that speak HTTPS although they are on loopback."""

    insecure: tuple[str, ...] = ()
    """Registries of whose hosts any certificate is accepted; the hub and the clouds' services are none."""

    hosts_dir: str = ""
    mirrors: str = ""
    hub_endpoint: str = ""
    patience: Patience = field(default_factory=Patience)
    upload_chunk_bytes: int = 64 << 20  # below the 100 MB limit of common proxies

    def __post_init__(self) -> None:
        if self.patience.sleep is None:  # an interrupt of the connections ends these waits, too
            object.__setattr__(self, "patience", replace(self.patience, sleep=self.transport.pause))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.transport.close()

    def hosts(self, reference: Reference) -> tuple[Host, ...]:
        """Return the hosts that serve the reference's registry, in the order in which to ask. Raises BadMirrors."""
        directory = Path(self.hosts_dir) if self.hosts_dir else None
        try:
            is_there = directory is not None and directory.is_dir()
        except OSError as error:  # it may hold a rule of the operator's, so it is not skipped
            raise BadMirrors(f"{directory}: {error.strerror}") from None
        if not self.mirrors and not is_there:
            return (self._default_host(reference),)
        from registry.mirrors.directory import find_hosts  # noqa: PLC0415 - it would make every pull start later

        found = find_hosts(directory, reference.namespace, self._default_host(reference), self.mirrors)
        return tuple(self._as_meant(host, reference) for host in found)

    def prepare(self, reference: Reference) -> None:
        """Begin to connect to the host that is asked first, in a thread, while the caller goes on."""
        with suppress(Fault):  # whoever asks it gets it
            host = self.hosts(reference)[0]
            self.transport_to(host).prepare(host.root)

    def upstream(self, reference: Reference) -> Host:
        """Return the upstream host (not a mirror). Pushes go there."""
        plainly = self._default_host(reference)
        return next((host for host in self.hosts(reference) if host.name.lower() == plainly.name.lower()), plainly)

    def transport_to(self, host: Host) -> Transport:
        """Return the transport for a host."""
        if not host.needs_own_transport:
            return self.transport
        return self.transport.with_options(host.tls, host.proxy, host.connect_seconds)

    def _default_host(self, reference: Reference) -> Host:
        """Return the registry's own host, as it is reached without configuration."""
        registry = reference.registry
        is_plain = registry in self.plain_http or (is_loopback(registry) and registry not in self.secured)
        host = Host(root=f"{'http' if is_plain else 'https'}://{reference.host}/v2")
        return host if is_plain else self._as_meant(host, reference)

    def _as_meant(self, host: Host, reference: Reference) -> Host:
        """Return a host with what the user said of its registry, where hosts.toml does not say it of the host."""
        if reference.registry not in self.insecure or host.tls.skip_verify is not None:
            return host
        return replace(host, tls=host.tls._replace(skip_verify=True))
