"""The story of a pod that wants more than a model's files: a Hugging Face cache around them, adapters beside them.

1. Learn the name by which the cache holds the model, before anything large is fetched.
2. Pull the model: into the cache, where there is one.
3. Write the cache around it.
4. Pull the adapters, and give each a config for this base model.

Tests: tests/puller/pod/test_hub_cache.py
"""

from dataclasses import replace

from puller.pull import pull
from puller.settings import Settings
from puller.store.receipt import Receipt
from registry.access.access import Access
from registry.progress.reporter import Reporter
from registry.source import parse_source

from .adapters import pull_adapters
from .hub_cache import known_name, name_in_config, prepare_cache, write_cache

_SNAPSHOT = "{snapshot}"


def pull_for_pod(settings: Settings, access: Access, reporter: Reporter) -> Receipt:
    """Bring a model with its cache and its adapters; return the model's receipt. Raises Fault."""
    model = replace(settings, adapters=(), adapters_dir="", base_path="")
    # 1
    name = _name(model, access) if model.hub_cache else ""
    # 2
    receipt = pull(model, access, reporter)
    # 3
    snapshot = write_cache(model, receipt, name) if model.hub_cache else ""
    # 4
    if settings.adapters:
        pull_adapters(settings, access, reporter, settings.base_path.replace(_SNAPSHOT, snapshot))
    return receipt


def _name(settings: Settings, access: Access) -> str:
    prepare_cache(settings)
    return known_name(settings) or name_in_config(parse_source(settings.source), access)
