"""The lines about the API server, and about what an installer may do. Pure, but for the questions about permissions.

Tests: tests/verbs/test_check.py
"""

import re
from collections.abc import Iterator

from cluster import kinds
from cluster.api import Api, Server
from cluster.errors import Absent
from cluster.kinds import Kind
from registry.errors import Fault

from .finding import Finding, bad, good, unread, warn
from .reading import tried

_VERSION = re.compile(r"v?(\d+)\.(\d+)")
OLDEST = (1, 30)
_SKEW_SECONDS = 60

_NAMESPACED = (
    kinds.SERVICE_ACCOUNT,
    kinds.CONFIG_MAP,
    kinds.SECRET,
    kinds.SERVICE,
    kinds.DEPLOYMENT,
    kinds.ROLE,
    kinds.ROLE_BINDING,
    kinds.DISRUPTION_BUDGET,
)
_CLUSTER_WIDE = (kinds.NAMESPACE, kinds.CLUSTER_ROLE, kinds.CLUSTER_ROLE_BINDING, kinds.CONFIGURATION)


def of_server(server: Server) -> Iterator[Finding]:
    """Yield the lines about the API server's version and clock."""
    match = _VERSION.match(server.version)
    if match is None:
        yield warn("server-version", f"the API server says no version that is known: {server.version or 'none'}")
    elif (int(match[1]), int(match[2])) < OLDEST:
        yield bad("server-version", f"the API server is Kubernetes {server.version}; 1.30 or newer is needed")
    else:
        yield good("server-version", f"the API server is Kubernetes {server.version}")
    ahead = server.ahead_seconds
    if abs(ahead) > _SKEW_SECONDS:
        way = "ahead of" if ahead > 0 else "behind"
        yield warn("server-clock", f"the API server's clock is {abs(ahead):.0f} s {way} this machine's")
    else:
        yield good("server-clock", "the API server's clock and this machine's agree")


def of_permissions(api: Api, system_namespace: str) -> Iterator[Finding]:
    """Yield a line for each thing that an installer may not create, or one for all."""
    wanted = [*((kind, "") for kind in _CLUSTER_WIDE), *((kind, system_namespace) for kind in _NAMESPACED)]
    lacking = False
    for kind, namespace in wanted:
        for finding in _of_permission(api, kind, namespace):
            lacking = True
            yield finding
    if not lacking:
        yield good("may-install", f"you may create all that the manifests hold ({len(wanted)} kinds)")


def _of_permission(api: Api, kind: Kind, namespace: str) -> Iterator[Finding]:
    for verb in ("create", "patch"):  # server-side apply does both
        allowed = tried(lambda verb=verb: api.may(verb, kind, namespace))  # type: ignore[misc]
        if isinstance(allowed, Fault):
            yield unread("may-install", allowed)
        elif not allowed:
            where = f" in the namespace {namespace}" if namespace else ""
            yield bad("may-install", f"you may not {verb} {kind.permission}{where}")


def of_former_install(configuration: object) -> Iterator[Finding]:
    """Yield whether something is installed already."""
    if isinstance(configuration, Absent):
        yield good("not-installed", "nothing is installed yet")
    elif isinstance(configuration, Fault):
        yield unread("not-installed", configuration)
    else:
        yield warn("not-installed", "the MutatingWebhookConfiguration admission.weighbridge.dev is there already")
