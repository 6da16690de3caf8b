"""The story of a pull.

1. Take the destination, and see whether the model already stands there.
2. Resolve the source to a manifest, and the manifest to files.
3. Keep what an earlier pull left behind and is still right.
4. Reserve room for the rest.
5. Fetch the rest in pieces, each verified as it lands.
6. Publish everything by one rename, with a receipt.
"""

import hashlib
import os
import time
from collections.abc import Sequence
from pathlib import Path

from registry.client import Access
from registry.digest import Digest
from registry.places import repository_at
from registry.progress import Meter, Voice, human
from registry.repository import Repository
from registry.source import parse_source

from .assembly import Assembly
from .destination import Destination
from .errors import disk_errors
from .fetch import fetch
from .plan import Blob, File, blobs_of, list_files, select
from .receipt import FileRecord, Receipt
from .settings import Settings

_READ_BYTES = 1 << 20


def pull(settings: Settings, access: Access, voice: Voice) -> Receipt:
    """Bring the model of `settings` to its destination, whole and verified, and give its receipt.

    Raises Fault; then the destination is as it was before.
    """
    started = time.monotonic()
    source = parse_source(settings.source)
    repository = repository_at(source, access)
    # 1
    destination = Destination(Path(os.path.abspath(settings.destination)))  # noqa: PTH100 - resolve() would follow links
    with destination.open(lambda: voice.say(f"another pull works on {settings.destination}: waiting for it")):
        standing = _standing(destination, settings, source.digest)
        if standing:
            voice.say(f"{settings.destination} holds it already")
            return standing
        # 2
        resolved = repository.resolve()
        standing = _standing(destination, settings, resolved.digest)
        if standing:
            voice.say(f"{settings.destination} holds it already")
            return standing
        files = select(list_files(resolved.manifest), settings.include, settings.exclude)
        # 3 and 4
        blobs = blobs_of(files, settings.piece_bytes)
        missing = _make_ready(destination, files, blobs)
        # 5
        meter = _fetch(repository, missing, settings, voice)
        # 6
        _link_copies(destination.incoming, blobs)
        receipt = Receipt(
            source=settings.source,
            pinned=repository.pinned(resolved.digest),
            digest=str(resolved.digest),
            include=settings.include,
            exclude=settings.exclude,
            files=_records(destination.incoming, files),
            wire_bytes=meter.wire,
            seconds=round(time.monotonic() - started, 3),
            inode=destination.incoming.stat().st_ino,
        )
        destination.publish(receipt)
    return receipt


def _standing(destination: Destination, settings: Settings, digest: Digest | None) -> Receipt | None:
    """Give the receipt of what stands at the destination if it is just what is wanted, else None."""
    receipt = destination.receipt()
    if receipt is None or digest is None or receipt.digest != str(digest):
        return None
    if (receipt.include, receipt.exclude) != (settings.include, settings.exclude):
        return None
    return receipt if destination.holds(receipt) else None


def _make_ready(destination: Destination, files: Sequence[File], blobs: Sequence[Blob]) -> list[Assembly]:
    """Give the blobs that must be fetched, each with its file made at full size."""
    destination.prepare(files)
    missing = []
    for blob in blobs:
        place = destination.incoming / blob.files[0].path
        earlier = (place, *(destination.path / file.path for file in blob.files))
        right = next((path for path in earlier if _is(path, blob)), None)
        if right is None:
            place.unlink(missing_ok=True)
            missing.append(Assembly(blob, place))
        elif right != place:
            _link(right, place)
    destination.reserve(sum(assembly.blob.layer.size for assembly in missing))
    for assembly in missing:
        assembly.reserve()
    return missing


def _fetch(repository: Repository, missing: Sequence[Assembly], settings: Settings, voice: Voice) -> Meter:
    meter = Meter(sum(assembly.blob.layer.size for assembly in missing))
    voice.say(f"{settings.source}: {len(missing)} blobs to fetch, {human(meter.total)}")
    with voice.watch(meter, Path(settings.destination).name):
        fetch(repository, missing, connections=settings.connections, meter=meter)
    return meter


def _is(path: Path, blob: Blob) -> bool:
    """Tell whether a file, left by an earlier pull, already is the blob: by size first, then by its bytes."""
    try:
        if path.is_symlink() or path.stat().st_size != blob.layer.size:
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == blob.layer.digest.hex
    except OSError:
        return False


def _link_copies(root: Path, blobs: Sequence[Blob]) -> None:
    """Give the further files of a blob their bytes."""
    for blob in blobs:
        first = root / blob.files[0].path
        for file in blob.files[1:]:
            _link(first, root / file.path)


def _link(existing: Path, path: Path) -> None:
    with disk_errors():
        path.unlink(missing_ok=True)
        path.hardlink_to(existing)


def _records(root: Path, files: Sequence[File]) -> tuple[FileRecord, ...]:
    with disk_errors():
        return tuple(
            FileRecord(file.path, str(file.layer.digest), file.layer.size, (root / file.path).stat().st_mtime_ns)
            for file in files
        )
