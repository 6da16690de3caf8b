"""A place that is held for one pull: what stands there, and how it takes over what stands elsewhere.

Nothing here speaks to a network, or knows what artifacts are made of.

Tests: tests/puller/store/test_claims.py
"""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from puller.errors import disk_errors
from puller.settings import Settings
from registry.digest import Digest
from registry.printable import some
from registry.progress.reporter import Reporter
from registry.progress.stats import human
from registry.source import parse_source

from .destination import Destination
from .filesystem import bytes_below, discard, link_or_copy, make_folders
from .journal import Follower, boot_id
from .lock import Wait
from .receipt import DERIVED, FileRecord, Receipt
from .trust import Trust
from .used import note_use
from .writeback import CANNOT_SYNC, Writeback

_NONE: Mapping[str, bytes] = {}


@dataclass(frozen=True, slots=True)
class LockedDestination:
    """A place, held. `boot` is the id of the running kernel."""

    settings: Settings
    reporter: Reporter
    boot: str
    place: Destination

    def current(self, digest: Digest | None, *, mark: str | None = None) -> Receipt | None:
        """Return the receipt of what stands at the place if it is believed to be just what is wanted, else None."""
        return current(self.settings, self.reporter, self.place, digest, mark=mark)

    def believed(self) -> Receipt | None:
        """Return the receipt of what stands here, whatever version, where its files are believed without hashing."""
        receipt = None if self.settings.rehash else self.place.receipt()
        return receipt if receipt is not None and receipt.boot in {"", self.boot} else None

    def publish_copy_of(
        self, model: Path, receipt: Receipt, derived: Mapping[str, bytes] = _NONE, *, is_new: bool = False
    ) -> Receipt:
        """Publish a copy of a model that stands elsewhere, whole and verified. Raises Occupied, NoRoom, DiskFailed.

        `derived` are files of it with other bytes than the model's, by their paths. `is_new`: it was fetched for this
        pull, which tells the bytes and the time of it as its own.
        """
        started = time.monotonic()
        self.place.check_replaceable()
        if model.stat().st_dev != self.place.path.parent.stat().st_dev:
            self.place.reserve(receipt.size)
        ours = self.place.workshop.model
        is_linked = hardlink_tree(model, receipt, ours) and not derived
        for name, content in derived.items():
            with disk_errors():
                (ours / name).unlink()  # the model's own file has the same inode
                (ours / name).write_bytes(content)
        writeback = Writeback(is_synced=self.settings.sync)
        writeback.tree(ours)
        if writeback.cannot_sync:
            self.reporter.message(f"{self.settings.destination}: {CANNOT_SYNC}")
        is_synced = self.settings.sync and not writeback.cannot_sync
        adopted = replace(
            receipt,
            source=self.settings.source,
            selection=self.settings.selection,
            files=tuple(_copied(record, ours, derived) for record in receipt.files),
            wire_bytes=receipt.wire_bytes if is_new else 0,
            seconds=round(time.monotonic() - started + (receipt.seconds if is_new else 0.0), 3),
            inode=ours.stat().st_ino,
            boot=receipt.boot if is_linked else "" if is_synced else self.boot,
        )
        self.place.publish(adopted, is_synced=self.settings.sync)
        self.reporter.message(f"{self.settings.destination}: taken from {model}")
        return adopted


def hardlink_tree(model: Path, receipt: Receipt, target: Path) -> bool:
    """Fill a new folder with the files of a receipt: hard links, or copies where links are impossible.

    Return whether all are links.
    """
    with disk_errors():
        discard(target)
        make_folders(target, target)
        for name in receipt.names:
            make_folders(target, (target / name).parent)
        linked = [link_or_copy(model / record.path, target / record.path) for record in receipt.files]
        for name, destination in receipt.links:
            (target / name).symlink_to(destination)
    return all(linked)


def _copied(record: FileRecord, folder: Path, derived: Mapping[str, bytes]) -> FileRecord:
    status = (folder / record.path).lstat()
    proof = DERIVED if record.path in derived else record.proof
    return record._replace(size=status.st_size, mtime_ns=status.st_mtime_ns, proof=proof)


def current(
    settings: Settings, reporter: Reporter, place: Destination, digest: Digest | None, *, mark: str | None = None
) -> Receipt | None:
    """Return the receipt of what stands at a place if it is believed to be just what is wanted, else None.

    What is wanted is a digest, or what the source's own text says where that never moves: a commit of the hub. Files
    beside the model's own are reported. The receipt must have the `mark` of the policy for signatures, by default that
    of the settings.
    """
    receipt = None if settings.rehash else place.receipt()
    if receipt is None or receipt.selection != settings.selection:
        return None
    wanted = settings.signature_mark if mark is None else mark
    if wanted and receipt.signature_mark != wanted:
        return None
    if receipt.digest != str(digest) and receipt.pinned != str(parse_source(settings.source)):
        return None
    if not place.holds(receipt, boot_id()):
        return None
    report_unknown_files(reporter, place, receipt)
    return receipt


def report_unknown_files(reporter: Reporter, place: Destination, receipt: Receipt) -> None:
    """Report files in a model's folder that the receipt does not name."""
    found = place.unknown_files(receipt)
    if found:
        reporter.message(f"{place.path}: holds what is not the model's: {some(found)}")


@contextmanager
def locked_destination(settings: Settings, reporter: Reporter, place: Destination) -> Iterator[LockedDestination]:
    """Lock a destination for the block; without a lock, this process works in a workshop of its own."""

    def waiting(owner: str) -> AbstractContextManager[None]:
        reporter.message(f"another pull works on {place.path}, {owner}: waiting for it")
        return reporter.track(Follower(place.journals), place.path.name)

    with place.open(waiting, Wait(idle_seconds=settings.lock_seconds)):
        note_start(settings, place)
        if place.why_alone:
            reporter.message(f"{place.path.parent}: {place.why_alone}")
        try:
            with place.beating():
                yield LockedDestination(settings, reporter, boot_id(), place)
        except BaseException:
            _report_unfinished(reporter, place)
            raise


def _report_unfinished(reporter: Reporter, place: Destination) -> None:
    """Report what a pull that ends now leaves, which is beside the model and hidden."""
    held = bytes_below(place.workshop.folder) if place.is_writable else 0
    if held and not place.workshop.is_passing:
        folder = place.workshop.folder
        reporter.message(f"{folder}: holds {human(held)} of an unfinished pull, for the next one of {place.path.name}")


def note_start(settings: Settings, place: Destination) -> None:
    """Record that a pod starts with a directory, where such directories may go once nobody does any more."""
    if settings.cache_keep_days:
        note_use(place.rooms)


def trust_of(settings: Settings) -> Trust:
    """Return whose files are believed."""
    return Trust.of_process(trusts_group=settings.trust_group)


def destination_of(settings: Settings) -> Destination:
    """Return the place that is asked for."""
    path = Path(os.path.abspath(settings.destination))  # noqa: PTH100 - resolve() would follow links
    return Destination(path, trust_of(settings))
