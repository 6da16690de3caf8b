"""The puller's variables that other tools know, too: proxies, and the Hugging Face hub's address.

Another webhook may give a container variables of the same names, so those of ours are recorded.

Tests: tests/webhook/test_cases.py
"""

from registry.source import HubSource, Source
from webhook.settings import Settings
from webhook.values.annotation import Adapter

_CLUSTER_NAMES = ".svc,.cluster.local,localhost,127.0.0.1,::1"


def shared_variables(source: Source, adapters: tuple[Adapter, ...], settings: Settings) -> tuple[tuple[str, str], ...]:
    """Return the variables by name; the operator's settings decide."""
    found = _proxies(settings)
    if settings.hub_endpoint and uses_hub(source, adapters):
        found["HF_ENDPOINT"] = settings.hub_endpoint
    return tuple(found.items())


def uses_hub(source: Source, adapters: tuple[Adapter, ...]) -> bool:
    """Return whether anything is pulled from the Hugging Face hub."""
    return any(isinstance(one, HubSource) for one in (source, *(adapter.source for adapter in adapters)))


def _proxies(settings: Settings) -> dict[str, str]:
    stated = {"HTTP_PROXY": settings.http_proxy, "HTTPS_PROXY": settings.https_proxy}
    proxies = {name: value for name, value in stated.items() if value}
    if not proxies:
        return {}
    return {**proxies, "NO_PROXY": ",".join(filter(None, (settings.no_proxy, _CLUSTER_NAMES)))}
