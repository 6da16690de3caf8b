"""A Hugging Face cache around a model, in which an unmodified `--model ORGANISATION/NAME` loads offline.

CACHE/model                                      the model's files, as they are published
CACHE/models--ORGANISATION--NAME/refs/main       the revision, without a newline: the hub's library reads it raw
CACHE/models--ORGANISATION--NAME/snapshots/REV   a link to the files (huggingface_hub, guides/manage-cache.md)

REV is the commit of a repository of the hub, or the first 40 digits of an artifact's digest: revisions are names.
"""

import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from puller.errors import NoHubName, disk_errors
from puller.settings import Settings
from puller.store.filesystem import discard, write_whole
from puller.store.locked import hardlink_tree
from puller.store.receipt import Receipt
from puller.store.trust import status_of
from puller.store.work_dir import ABANDONED_SECONDS, make_shared
from registry.access.access import Access
from registry.errors import Fault
from registry.open import open_repository
from registry.source import HubSource, Source, parse_source

_CONFIG_LIMIT = 4 << 20
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,95}/[A-Za-z0-9_][A-Za-z0-9._-]{0,95}")
_HUB_URLS = ("hf://", "https://huggingface.co/")
_REVISION_LETTERS = 40


def prepare_cache(settings: Settings) -> None:
    """Create the cache's folder, in which the model is to stand. Raises DiskFailed."""
    cache = Path(settings.hub_cache)
    with disk_errors():
        make_shared(cache, cache.parent.stat())


def known_name(settings: Settings) -> str:
    """Return the model's ORGANISATION/NAME, as far as no registry must be asked; else an empty text."""
    source = parse_source(settings.source)
    if isinstance(source, HubSource):
        return source.repository
    if source.digest is None:
        return ""
    refs = [*Path(settings.hub_cache).glob("models--*--*/refs/main")]
    try:
        if len(refs) != 1 or refs[0].lstat().st_uid not in (0, os.geteuid()):
            return ""  # what another user wrote may name anything
        if refs[0].read_bytes() != source.digest.hex[:_REVISION_LETTERS].encode():
            return ""  # that is another version's, whose name may have been another one
    except OSError:
        return ""  # another pod removes it just now
    return refs[0].parent.parent.name.removeprefix("models--").replace("--", "/", 1)


def name_in_config(source: Source, access: Access) -> str:
    """Return the ORGANISATION/NAME in an artifact's config, before its files are fetched. Raises NoHubName, Fault."""
    repository = open_repository(source, access)
    config = repository.resolve().manifest.config
    for text in _names(repository.read(config, _CONFIG_LIMIT)):
        if _NAME.fullmatch(text):
            return text
    raise NoHubName(f"{source}: its config names no ORGANISATION/NAME")


def write_cache(settings: Settings, receipt: Receipt, name: str) -> str:
    """Write the cache around a published model; return the snapshot's path in the cache. Raises DiskFailed.

    Nothing is written where all of it stands already, so that a volume may be read-only.
    """
    cache, model = Path(settings.hub_cache), Path(settings.destination)
    revision = revision_of(receipt)
    folder = cache / f"models--{name.replace('/', '--')}"
    snapshot, refs = folder / "snapshots" / revision, folder / "refs"
    with disk_errors():
        for place in (folder, folder / "snapshots", refs):
            make_shared(place, cache.stat())
        _link(model, receipt, snapshot)
        for ref in _refs(settings):
            _write_ref(refs / ref, revision)
        _remove_others(snapshot, model)
    return str(snapshot.relative_to(cache))


def revision_of(receipt: Receipt) -> str:
    """Return the revision by which the cache knows a model: the commit of the hub, or a part of the digest."""
    source = parse_source(receipt.pinned)
    if isinstance(source, HubSource):
        return source.revision
    return receipt.digest.partition(":")[2][:_REVISION_LETTERS]


def _names(config: bytes) -> Iterator[str]:
    """Yield what a ModelPack config says about the model's name: its own, then the repository that it came from."""
    with suppress(ValueError, RecursionError):
        document = json.loads(config)
        descriptor = document.get("descriptor") if isinstance(document, dict) else None
        if isinstance(descriptor, dict):
            texts = [text for text in map(descriptor.get, ("name", "sourceURL")) if isinstance(text, str)]
            for text in texts:
                start = next((start for start in _HUB_URLS if text.startswith(start)), "")
                yield text.removeprefix(start).partition("@")[0]


def _refs(settings: Settings) -> tuple[str, ...]:
    source = parse_source(settings.source)
    is_named = isinstance(source, HubSource) and not source.is_pinned and "/" not in source.revision
    return tuple(dict.fromkeys(("main", source.revision))) if is_named and isinstance(source, HubSource) else ("main",)


def _link(model: Path, receipt: Receipt, snapshot: Path) -> None:
    """Make the snapshot a link to the model, or a folder of hard links where the file system knows no symbolic ones."""
    target = os.path.relpath(model, snapshot.parent)
    if snapshot.is_symlink() and snapshot.readlink() == Path(target):
        return
    fresh = snapshot.with_name(_unique())
    try:
        fresh.symlink_to(target)
    except OSError:
        hardlink_tree(model, receipt, fresh)
    if snapshot.is_dir() and not snapshot.is_symlink():
        discard(snapshot)
    fresh.replace(snapshot)


def _unique() -> str:
    """Return a name that no other process uses: in containers all have the same id."""
    return f".{os.urandom(8).hex()}"


def _is_being_made(place: Path) -> bool:
    """Return whether another pod makes this link or folder now; one that was killed left it long ago."""
    status = status_of(place) if place.name.startswith(".") else None
    return status is not None and time.time() - status.st_mtime < ABANDONED_SECONDS


def _write_ref(ref: Path, revision: str) -> None:
    with suppress(OSError):
        if ref.read_text() == revision:
            return
    write_whole(ref, revision.encode(), ref.with_name(_unique()))


def _remove_others(snapshot: Path, model: Path) -> None:
    """Remove links of versions before, under another name, too: they lead to the files of this one."""
    others = [one for one in snapshot.parent.iterdir() if one != snapshot and not _is_being_made(one)]
    links = [one for one in snapshot.parents[2].glob("models--*/snapshots/*") if one.is_symlink()]
    renamed = [one for one in links if one.parent != snapshot.parent and one.resolve() == model.resolve()]
    for other in (*others, *(link.parents[1] for link in renamed)):
        with suppress(OSError, Fault):
            discard(other)
