"""The operator's configuration, from the deployed manifests.

Tests: tests/webhook/test_configuration.py
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from webhook.catalog import Catalog
from webhook.pod.podspec import mapping
from webhook.settings import BadSettings, Settings, variables

CONFIG = "weighbridge-config"
CATALOG = "weighbridge-catalog"


@dataclass(frozen=True, slots=True)
class Configuration:
    """The content of the two ConfigMaps."""

    settings: Settings = field(default_factory=Settings)
    catalog: Catalog = field(default_factory=Catalog)
    unknown_keys: tuple[str, ...] = ()
    """Keys of weighbridge-config that are no settings, sorted: the webhook ignores them."""


def configure(manifests: Iterable[Any]) -> Configuration:
    """Parse the ConfigMaps among the manifests; raise BadSettings if there are none, or if a value is wrong."""
    maps = {
        mapping(manifest, "metadata").get("name"): mapping(manifest, "data")
        for manifest in manifests
        if isinstance(manifest, dict) and manifest.get("kind") == "ConfigMap"
    }
    if CONFIG not in maps and CATALOG not in maps:
        raise BadSettings(
            f"there is neither a ConfigMap {CONFIG} nor a ConfigMap {CATALOG}",
            hint="give the manifests that configure the webhook, for instance from `kubectl kustomize deploy/`",
        )
    environ = {str(name): str(value) for name, value in maps.get(CONFIG, {}).items()}
    unknown = tuple(sorted(set(environ) - set(variables().values())))
    entries = {str(name): str(value) for name, value in maps.get(CATALOG, {}).items()}
    return Configuration(Settings.from_env(environ), Catalog.read(entries), unknown)
