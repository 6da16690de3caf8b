"""The story of `check`.

1. Read the cluster, once.
2. Ask the registries for what the catalog names, unless that is not wanted.
3. Judge what was read, group by group: the API server, the install, the webhooks, the certificate, the catalog, and
   those who use models.

Before an install, `check_before` asks what the installer may do.

Tests: tests/verbs/test_check.py
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace

from cluster import kinds
from cluster.api import Api

from .admission import of_admission
from .catalog import of_catalog
from .certificate import of_certificate
from .finding import Finding
from .install import of_install
from .models import of_models
from .reading import Reading, ask_registries, read_cluster, tried
from .server import of_former_install, of_permissions, of_server


def check(api: Api, system_namespace: str, namespace: str, now: dt.datetime, *, is_offline: bool) -> list[Finding]:
    """Return the lines about an install. Raises Unreachable, TimedOut, LoggedOut."""
    # 1
    reading = read_cluster(api, system_namespace, now, namespace)
    # 2
    if not is_offline:
        reading = replace(reading, answers=ask_registries(reading))
    # 3
    return list(judge(reading))


def judge(reading: Reading) -> Iterator[Finding]:
    """Yield the lines about what was read."""
    yield from of_server(reading.server)
    yield from of_install(reading)
    yield from of_admission(reading)
    yield from of_certificate(reading)
    yield from of_catalog(reading)
    yield from of_models(reading)


def check_before(api: Api, system_namespace: str, now: dt.datetime) -> list[Finding]:
    """Return the lines about a cluster on which nothing is installed yet. Raises Unreachable, TimedOut, LoggedOut."""
    found = [*of_server(api.version(lambda: now)), *of_permissions(api, system_namespace)]
    return [*found, *of_former_install(tried(lambda: api.read(kinds.CONFIGURATION, "admission.weighbridge.dev")))]
