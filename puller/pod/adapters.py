"""LoRA adapters beside a model: pulled like any other, then given a config for the base model of this pod.

An engine takes an adapter whose `base_model_name_or_path` is the path that it was given for the base model (vLLM,
filesystem_resolver.py), which the adapter's author cannot know. So each adapter stands twice, by hard links: as it was
pulled, and with a config of its own beside the same weights; the second one's receipt names the path.
"""

import json
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from puller.errors import BadArtifact, disk_errors
from puller.pull import pull
from puller.settings import Settings
from puller.store.locked import destination_of, locked_destination, note_start
from puller.store.receipt import Receipt
from puller.store.work_dir import make_shared
from registry.access.access import Access
from registry.progress.reporter import Reporter

_CONFIG = "adapter_config.json"
_BASE = "base_model_name_or_path"
_PULLED = ".pulled"
_CONFIG_LIMIT = 4 << 20


def pull_adapters(settings: Settings, access: Access, reporter: Reporter, base_path: str) -> list[Receipt]:
    """Bring each adapter of the settings to its folder; return the receipts of what was pulled.

    Raises Fault: BadArtifact for what is no adapter.
    """
    folder = Path(settings.adapters_dir)
    pulled = folder.parent / _PULLED
    with disk_errors():
        for place in (folder.parent, folder, pulled):
            make_shared(place, folder.parent.parent.stat())
    receipts = []
    for adapter in settings.adapters:
        name, _, source = adapter.partition("=")
        one = plain(settings, source, pulled / f"{name}-{sha256(source.encode()).hexdigest()[:16]}")
        receipt = pull(one, access, reporter)
        _derive(replace(one, destination=str(folder / name), base_path=base_path), one, receipt, reporter)
        receipts.append(receipt)
    return receipts


def plain(settings: Settings, source: str, destination: Path) -> Settings:
    """Return the settings for one pull of another source, whole, without what stands beside a model."""
    return replace(
        settings,
        source=source,
        destination=str(destination),
        include=(),
        exclude=(),
        image_path="",
        hub_cache="",
        adapters=(),
        adapters_dir="",
        base_path="",
    )


def _derive(settings: Settings, pulled: Settings, receipt: Receipt, reporter: Reporter) -> None:
    """Publish the adapter with its config for this base model, unless just that stands already, whoever's it is."""
    content = derived_config(Path(pulled.destination) / _CONFIG, settings.base_path)
    place = destination_of(settings)
    note_start(settings, place)
    if _stands(place.path, Path(pulled.destination), receipt, content):
        return
    with locked_destination(settings, reporter, place) as locked:
        standing = locked.believed()
        is_same = standing and (standing.digest, standing.selection) == (receipt.digest, settings.selection)
        if standing and is_same and place.holds(standing, locked.boot):
            return
        locked.publish_copy_of(Path(pulled.destination), receipt, {_CONFIG: content})


def _stands(place: Path, pulled: Path, receipt: Receipt, content: bytes) -> bool:
    """Return whether a folder has the config, and beside it the very files that were pulled and are verified."""
    names = receipt.names - {_CONFIG}
    with suppress(OSError):
        same = all((place / name).samefile(pulled / name) for name in names)
        return same and (place / _CONFIG).read_bytes() == content
    return False


def derived_config(path: Path, base_path: str) -> bytes:
    """Return an adapter's config with another base model; raise BadArtifact for what is no adapter's."""
    with disk_errors():
        content = path.read_bytes() if path.is_file() and path.stat().st_size <= _CONFIG_LIMIT else b""
    try:
        config = json.loads(content)
    except (ValueError, RecursionError):
        config = None
    if not isinstance(config, dict):
        raise BadArtifact(
            f"{path.parent}: holds no {_CONFIG}, so it is no LoRA adapter",
            hint="name an adapter in PEFT's form in weighbridge.dev/adapters",
        )
    return json.dumps(config | {_BASE: base_path}, indent=2, ensure_ascii=False).encode()
