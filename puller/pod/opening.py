"""The first line of a pull in a pod: what whoever reads its log wants to know before anything is slow.

Tests: tests/puller/pod/test_opening.py
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from puller.settings import Settings
from registry.access.access import Access
from registry.errors import Fault
from registry.identity.identities import identity_for
from registry.identity.service_account import ServiceAccountIdentity
from registry.progress.stats import human
from registry.source import HubSource, OciSource, Source, parse_source
from registry.version import VERSION


def opening(settings: Settings, access: Access, environ: Mapping[str, str]) -> str:
    """Return the version, the source, the destination with its free space, and whose credentials there are."""
    source = parse_source(settings.source)
    words = f"weighbridge {VERSION}: {source} to {settings.destination}"
    free = _free_bytes(Path(settings.destination))
    room = f", where {human(free)} are free" if free is not None else ""
    return f"{words}{room}; {_credentials(source, settings, access, environ)}"


def _free_bytes(path: Path) -> int | None:
    """Return the free bytes of the volume that a path is to stand on."""
    for place in (path, *path.parents):
        with suppress(OSError):
            status = os.statvfs(place)
            return status.f_bavail * status.f_frsize
    return None


def _credentials(source: Source, settings: Settings, access: Access, environ: Mapping[str, str]) -> str:
    if isinstance(source, HubSource):
        return "with a token of the hub" if environ.get("HF_TOKEN") else "without a token of the hub"
    if not isinstance(source, OciSource):
        return "no credentials are needed"
    registry = source.reference.registry
    token = ServiceAccountIdentity(registry, settings.token_file) if settings.token_file else None
    with suppress(Fault):  # what is wrong with credentials is said where they are needed
        found = None if token else access.credentials.configured(source.reference)
        if found is not None:
            return f"credentials from {found.source}"
        identity = identity_for(registry, environ, token)
        if identity is not None:
            return f"as {identity.identity.who}" + ("" if identity.is_likely else ", if the node knows one")
    return f"without credentials for {registry}"
