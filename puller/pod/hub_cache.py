"""A Hugging Face cache around a model, in which an unmodified `--model ORGANISATION/NAME` loads offline.

CACHE/model                                      the model's files, as they are published
CACHE/models--ORGANISATION--NAME/refs/main       the revision, without a newline: the hub's library reads it raw
CACHE/models--ORGANISATION--NAME/snapshots/REV   a link to the files (huggingface_hub, guides/manage-cache.md)

REV is the commit of a repository of the hub, also where an artifact's config tells it, as `push hf://` writes it there;
else the first 40 digits of the artifact's digest: revisions are names. These digits are a ref, too, where there is a
commit: so a pinned model's name and commit are known without a registry.

Tests: tests/puller/pod/test_hub_cache.py
"""

import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

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
from registry.paths import unsafe_reason
from registry.repository import CONFIG_LIMIT
from registry.source import HubSource, Source, parse_source

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,95}/[A-Za-z0-9_][A-Za-z0-9._-]{0,95}")
_HUB_URLS = ("hf://", "https://huggingface.co/")
_REVISION_LETTERS = 40
_COMMIT = re.compile(r"[0-9a-f]{40}")


class CachedName(NamedTuple):
    """How the cache names a model: ORGANISATION/NAME, and its commit, or an empty text where that is not known yet.

    `digest` is that of the artifact whose config says so, or empty.
    """

    name: str
    commit: str = ""
    digest: str = ""


def prepare_cache(settings: Settings) -> None:
    """Create the cache's folder, in which the model is to stand. Raises DiskFailed."""
    cache = Path(settings.hub_cache)
    with disk_errors():
        make_shared(cache, cache.parent.stat())


def known_name(settings: Settings) -> CachedName | None:
    """Return the model's name, as far as no registry must be asked; else None."""
    source = parse_source(settings.source)
    if isinstance(source, HubSource):
        return CachedName(source.repository)
    if source.digest is None:
        return None
    cache, revision = Path(settings.hub_cache), _revision(str(source.digest))
    named, main = [*cache.glob(f"models--*--*/refs/{revision}")], [*cache.glob("models--*--*/refs/main")]
    refs = named or main
    try:
        if len(refs) != 1 or refs[0].lstat().st_uid not in (0, os.geteuid()):
            return None  # what another user wrote may name anything
        found = refs[0].read_text("ascii")
    except (OSError, ValueError):
        return None  # another pod removes it just now
    if not _COMMIT.fullmatch(found) or (not named and found != revision):
        return None  # that is another version's, whose name may have been another one
    name = refs[0].parent.parent.name.removeprefix("models--").replace("--", "/", 1)
    return CachedName(name, found, str(source.digest))


def name_in_config(source: Source, access: Access) -> CachedName:
    """Return the name in an artifact's config, before its files are fetched. Raises NoHubName, Fault."""
    repository = open_repository(source, access)
    resolved = repository.resolve()
    descriptor = _descriptor(repository.read(resolved.manifest.config, CONFIG_LIMIT))
    for text in _names(descriptor):
        if _NAME.fullmatch(text):
            commit = descriptor.get("revision")
            is_commit = isinstance(commit, str) and _COMMIT.fullmatch(commit)
            return CachedName(text, str(commit) if is_commit else "", str(resolved.digest))
    raise NoHubName(f"{source}: its config names no ORGANISATION/NAME")


def write_cache(settings: Settings, receipt: Receipt, known: CachedName) -> str:
    """Write the cache around a published model; return the snapshot's path in the cache. Raises DiskFailed.

    Nothing is written where all of it stands already, so that a volume may be read-only.
    """
    cache, model = Path(settings.hub_cache), Path(settings.destination)
    revision = known.commit or revision_of(receipt)
    folder = cache / f"models--{known.name.replace('/', '--')}"
    snapshot, refs = folder / "snapshots" / revision, folder / "refs"
    with disk_errors():
        for place in (folder, folder / "snapshots", refs):
            make_shared(place, cache.stat())
        _link(model, receipt, snapshot)
        for ref in _refs(settings, receipt, revision):
            for above in reversed((refs / ref).parents[: ref.count("/")]):
                if above.is_file():
                    discard(above)
                make_shared(above, cache.stat())
            _write_ref(refs / ref, revision)
        _remove_others(snapshot, model)
        _remove_stale(refs, snapshot.parent)
    return str(snapshot.relative_to(cache))


def revision_of(receipt: Receipt) -> str:
    """Return the revision of a model whose commit no config tells: the commit of the hub, or a part of the digest."""
    source = parse_source(receipt.pinned)
    return source.revision if isinstance(source, HubSource) else _revision(receipt.digest)


def _revision(digest: str) -> str:
    return digest.partition(":")[2][:_REVISION_LETTERS]


def _descriptor(config: bytes) -> Mapping[str, object]:
    """Return what a ModelPack config says about the model; nothing where it is no such config."""
    with suppress(ValueError, RecursionError):
        document = json.loads(config)
        descriptor = document.get("descriptor") if isinstance(document, dict) else None
        return descriptor if isinstance(descriptor, dict) else {}
    return {}


def _names(descriptor: Mapping[str, object]) -> Iterator[str]:
    """Yield what is said about the model's name: its own, then the repository that it came from."""
    for text in map(descriptor.get, ("name", "sourceURL")):
        if isinstance(text, str):
            start = next((start for start in _HUB_URLS if text.startswith(start)), "")
            yield text.removeprefix(start).partition("@")[0]


def _refs(settings: Settings, receipt: Receipt, revision: str) -> tuple[str, ...]:
    """Return the names of a revision: `main`, and the branch or tag of the source, or the digits of the digest."""
    source = parse_source(settings.source)
    if not isinstance(source, HubSource):
        return ("main",) if revision == _revision(receipt.digest) else ("main", _revision(receipt.digest))
    is_named = not source.is_pinned and not unsafe_reason(source.revision)
    return tuple(dict.fromkeys(("main", source.revision))) if is_named else ("main",)


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
    if ref.is_dir():
        discard(ref)
    write_whole(ref, revision.encode(), ref.with_name(_unique()))


def _remove_stale(refs: Path, snapshots: Path) -> None:
    """Remove refs to versions before, which are no more."""
    for ref in [one for one in refs.rglob("*") if not one.name.startswith(".") and one.is_file()]:
        with suppress(OSError, ValueError, Fault):
            if status_of(snapshots / ref.read_text("ascii")) is None:
                discard(ref)


def _remove_others(snapshot: Path, model: Path) -> None:
    """Remove links of versions before, under another name, too: they lead to the files of this one."""
    others = [one for one in snapshot.parent.iterdir() if one != snapshot and not _is_being_made(one)]
    links = [one for one in snapshot.parents[2].glob("models--*/snapshots/*") if one.is_symlink()]
    renamed = [one for one in links if one.parent != snapshot.parent and one.resolve() == model.resolve()]
    for other in (*others, *(link.parents[1] for link in renamed)):
        with suppress(OSError, Fault):
            discard(other)
