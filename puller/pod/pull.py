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

_SNAPSHOT = "{snapshot}"


def pull_for_pod(settings: Settings, access: Access, reporter: Reporter) -> Receipt:
    """Bring a model with its cache and its adapters; return the model's receipt. Raises Fault."""
    model = replace(settings, adapters=(), adapters_dir="", base_path="")
    receipt, snapshot = _cached(model, access, reporter) if model.hub_cache else (pull(model, access, reporter), "")
    # 4
    if settings.adapters:
        from .adapters import pull_adapters  # noqa: PLC0415 - most pods have none

        pull_adapters(settings, access, reporter, settings.base_path.replace(_SNAPSHOT, snapshot))
    return receipt


def _cached(model: Settings, access: Access, reporter: Reporter) -> tuple[Receipt, str]:
    """Bring a model into a Hugging Face cache; return its receipt, and the path of its snapshot."""
    from .hub_cache import known_name, name_in_config, prepare_cache, write_cache  # noqa: PLC0415 - few pods want one

    # 1
    prepare_cache(model)
    known = known_name(model) or name_in_config(parse_source(model.source), access)
    # 2
    receipt = pull(model, access, reporter)
    # 3
    if known.digest not in {"", receipt.digest}:  # the tag moved meanwhile
        known = name_in_config(parse_source(receipt.pinned), access)
    return receipt, write_cache(model, receipt, known)
