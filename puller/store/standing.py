"""Which files are under a model's name, and which are trusted without being hashed (docs/security.md).

1. A receipt counts when this user or root owns it, and when it names the inode of the folder that is there.
2. The folder is trusted as it is when no other user can have written to it, and when every file of the receipt has its
   size and its time, and every link its target.
3. Files that no receipt names are the operator's or another program's own.

Tests: tests/puller/store/test_claims.py
"""

import os
import stat
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from .receipt import LIMIT_BYTES, FileRecord, Receipt
from .trust import Trust, file_status, read_state, status_of
from .work_dir import rooms_of

PENDING = "receipt-"
"""The prefix of the names of receipts that are being published."""

_MOST_NAMES = 10_000  # another user may have filled a shared folder


def receipts(path: Path, trust: Trust) -> Iterator[tuple[Receipt, bool]]:
    """Return this user's and root's receipts for a path, each with whether no other user can have written it."""
    for room in rooms_of(path, trust):
        for name in (*pending(room), *final_names(trust)):
            found = read_state(room / name, LIMIT_BYTES)
            if found is None or not (trust.is_own(found[1]) or trust.is_exclusive(found[1])):
                continue
            receipt = Receipt.from_json(found[0])
            if receipt is not None:
                yield receipt, trust.is_exclusive(found[1])


def receipt_of(path: Path, trust: Trust, *, is_strict: bool = True) -> Receipt | None:
    """Return the receipt of the folder that is at a path, or None.

    `is_strict` asks for one that no other user can have written; else it is enough that this user or root owns it.
    """
    status = status_of(path)
    if status is None:
        return None
    for receipt, is_exclusive in receipts(path, trust):
        if receipt.inode == status.st_ino and (is_exclusive or not is_strict):
            return receipt
    return None


def own_names(path: Path, trust: Trust) -> frozenset[str] | None:
    """Return the names below a path that this user's pulls wrote; None where no receipt names any.

    Where no receipt names the folder's inode, the model was copied or restored with its receipt: then a file counts if
    it has the size and the time that the receipt records.
    """
    receipt = receipt_of(path, trust, is_strict=False)
    if receipt is not None:
        return receipt.names
    found = {
        name
        for moved, _ in receipts(path, trust)
        for name in (*_restored(path, moved, trust), *(name for name, _ in moved.links))
    }
    return frozenset(found) or None


def is_whole(path: Path, receipt: Receipt, boot: str, trust: Trust) -> bool:
    """Return whether everything that a receipt names is as it was published, and no other user can have written it.

    Data that was not synced is trusted only under the kernel that wrote it: after a reboot a file may have its size and
    its time without its bytes.
    """
    if receipt.boot and receipt.boot != boot:
        return False
    folders: dict[Path, bool] = {}
    return all(
        is_as_published(path, record, trust) and _is_exclusive_folder((path / record.path).parent, path, trust, folders)
        for record in receipt.files
    ) and all(
        _leads_to(path / name, target) and _is_exclusive_folder((path / name).parent, path, trust, folders)
        for name, target in receipt.links
    )


def is_as_published(path: Path, record: FileRecord, trust: Trust) -> bool:
    """Return whether a file of a model has its size and its time, and no other user can have written it."""
    status = file_status(path, record.path)
    if status is None or not trust.is_exclusive(status):
        return False
    return (status.st_size, status.st_mtime_ns) == (record.size, record.mtime_ns)


def _restored(path: Path, receipt: Receipt, trust: Trust) -> Iterator[str]:
    for record in receipt.files:
        status = file_status(path, record.path)
        if status is None or not trust.is_own(status):
            continue
        if (status.st_size, status.st_mtime_ns) == (record.size, record.mtime_ns):
            yield record.path


def unknown_files(path: Path, names: frozenset[str]) -> list[str]:
    """Return the paths of all files and links below a folder that are not in `names`, sorted."""
    found = []
    for folder, folders, files in os.walk(path):
        place = Path(folder)
        links = [name for name in folders if (place / name).is_symlink()]
        found += [str((place / name).relative_to(path)) for name in (*files, *links)]
    return sorted(name for name in found if name not in names)


def final_names(trust: Trust) -> tuple[str, str]:
    """Return the name of a receipt, and the name to use where another user's file has that one."""
    return "receipt", f"receipt.{trust.uid}"


def pending(room: Path, prefix: str = PENDING) -> list[str]:
    """Return the names of the receipts in a folder that do not have their final name yet."""
    try:
        with os.scandir(room) as entries:
            names = [entry.name for entry in islice(entries, _MOST_NAMES)]
    except OSError:
        return []
    return sorted(name for name in names if name.startswith(prefix))


def _leads_to(place: Path, target: str) -> bool:
    try:
        return str(place.readlink()) == target
    except OSError:
        return False


def _is_exclusive_folder(folder: Path, root: Path, trust: Trust, known: dict[Path, bool]) -> bool:
    """Return whether no other user can write to a folder of a model, nor to those above it up to the model's own."""
    if folder not in known:
        status = status_of(folder)
        is_exclusive = status is not None and stat.S_ISDIR(status.st_mode) and trust.is_exclusive(status)
        above = folder == root or _is_exclusive_folder(folder.parent, root, trust, known)
        known[folder] = is_exclusive and above
    return known[folder]
