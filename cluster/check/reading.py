"""All that `check` reads of a cluster, once: each part is what was read, or the fault that kept it from us.

Tests: tests/verbs/test_check.py
"""

import datetime as dt
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from cluster import kinds
from cluster.api import Api, Made, Server
from registry.errors import Fault
from registry.reference import Reference
from webhook.catalog import Catalog
from webhook.contract import INJECTION, MODEL
from webhook.manifests.configuration import CATALOG, CONFIG, Configuration, configure
from webhook.manifests.explain import SYSTEM_NAMESPACES
from webhook.pod.podspec import Raw, labels, mapping, name_of
from webhook.resolving.answer import Answer
from webhook.resolving.freshness import resolver_of
from webhook.settings import Settings

from .probe import probe_pod

_AT_ONCE = 8
WEBHOOK = "weighbridge-webhook"

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The cluster at one moment, `now`. Nothing in it is asked for twice."""

    now: dt.datetime
    system_namespace: str
    server: Server
    namespaces: list[Raw] | Fault
    deployment: Raw | Fault
    webhook_pods: list[Raw] | Fault
    endpoint_slices: list[Raw] | Fault
    settings_map: Raw | Fault
    catalog_map: Raw | Fault
    configuration: Raw | Fault
    policy: Raw | Fault
    policy_binding: Raw | Fault
    secret: Raw | Fault
    pods: list[Raw] | Fault
    """Every pod with our label."""

    workloads: list[Raw] | Fault
    """Every workload with our label."""

    probe: Made | Fault | None = None
    """The API server's answer to a labelled pod; None where no namespace could have one."""

    probe_namespace: str = ""
    answers: Mapping[Reference, Answer] = field(default_factory=dict)
    """What registries have for the catalog's entries; those that were not asked are not in it."""

    @property
    def opted_in(self) -> tuple[str, ...]:
        """The namespaces that opted in, those of the system left out."""
        return () if isinstance(self.namespaces, Fault) else opted_in(self.namespaces)

    @cached_property
    def settings(self) -> Settings | Fault:
        """The operator's settings, or why there are none."""
        return self.settings_map if isinstance(self.settings_map, Fault) else _settings(self.settings_map)

    @property
    def unknown_keys(self) -> tuple[str, ...]:
        """Keys beside the settings that are none."""
        found = self.settings_map if isinstance(self.settings_map, Fault) else _configured(self.settings_map)
        return () if isinstance(found, Fault) else found.unknown_keys

    @cached_property
    def catalog(self) -> Catalog | Fault:
        """The catalog, or why there is none."""
        return self.catalog_map if isinstance(self.catalog_map, Fault) else _catalog(self.catalog_map)


def read_cluster(api: Api, system_namespace: str, now: dt.datetime, namespace: str = "") -> Reading:
    """Read a cluster; the probe goes to `namespace`, or to the first that opted in. Raises what no verb can do without.

    Raises Unreachable, TimedOut, LoggedOut.
    """
    place, label = system_namespace, MODEL.name
    server = api.version(lambda: now)
    namespaces = tried(lambda: api.items(kinds.NAMESPACE))
    names = () if isinstance(namespaces, Fault) else opted_in(namespaces)
    chosen = namespace or next(iter(names), "")
    return Reading(
        now=now,
        system_namespace=place,
        server=server,
        namespaces=namespaces,
        deployment=tried(lambda: api.read(kinds.DEPLOYMENT, WEBHOOK, place)),
        webhook_pods=tried(lambda: api.items(kinds.POD, place, labels=kinds.WEBHOOK_PODS)),
        endpoint_slices=tried(
            lambda: api.items(kinds.ENDPOINT_SLICE, place, labels=f"kubernetes.io/service-name={WEBHOOK}")
        ),
        settings_map=tried(lambda: api.read(kinds.CONFIG_MAP, CONFIG, place)),
        catalog_map=tried(lambda: api.read(kinds.CONFIG_MAP, CATALOG, place)),
        configuration=tried(lambda: api.read(kinds.CONFIGURATION, "admission.weighbridge.dev")),
        policy=tried(lambda: api.read(kinds.POLICY, "pods.weighbridge.dev")),
        policy_binding=tried(lambda: api.read(kinds.POLICY_BINDING, "pods.weighbridge.dev")),
        secret=tried(lambda: api.read(kinds.SECRET, "weighbridge-tls", place)),
        pods=tried(lambda: api.items(kinds.POD, labels=label)),
        workloads=tried(lambda: [one for kind in kinds.FOLLOWED for one in api.items(kind, labels=label)]),
        probe=tried(lambda: api.try_create(kinds.POD, probe_pod(), chosen)) if chosen else None,
        probe_namespace=chosen,
    )


def ask_registries(reading: Reading) -> Mapping[Reference, Answer]:
    """Return what registries have for the catalog's entries, asked as the webhook asks, but from this machine."""
    settings, catalog = reading.settings, reading.catalog
    if isinstance(settings, Fault) or isinstance(catalog, Fault):
        return {}
    resolver = resolver_of(settings, lambda: catalog)
    if resolver is None:
        return {}
    try:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return dict(zip(catalog.references, pool.map(resolver.refresh, catalog.references), strict=True))
    finally:
        resolver.close()


def tried(ask: Callable[[], T]) -> T | Fault:
    """Return what a call returns, or the fault that it raised."""
    try:
        return ask()
    except Fault as fault:
        return fault


def opted_in(namespaces: list[Raw]) -> tuple[str, ...]:
    """Return the names of the namespaces that opted in, without those of the system."""
    found = (name_of(mapping(one, "metadata")) for one in namespaces if labels(one).get(INJECTION.name) == "enabled")
    return tuple(name for name in found if name not in SYSTEM_NAMESPACES)


def _configured(config_map: Raw) -> Configuration | Fault:
    return tried(lambda: configure([config_map]))


def _settings(config_map: Raw) -> Settings | Fault:
    found = _configured(config_map)
    return found if isinstance(found, Fault) else found.settings


def _catalog(config_map: Raw) -> Catalog | Fault:
    found = _configured(config_map)
    return found if isinstance(found, Fault) else found.catalog
