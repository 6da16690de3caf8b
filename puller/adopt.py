"""A model that stands and is not believed, held to its digests: copied, restored, touched, or another user's.

What proves right gets a receipt of this user's, where one can be written; then the next pull believes it, as far as
no other user can write to it. Unpacked files cannot be verified, because the digest is that of the packed bytes.

Tests: tests/puller/store/test_claims.py
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from .artifact.model_artifact import ModelArtifact
from .artifact.part import Part
from .errors import DiskFailed, NoRoom
from .plan import Blob, ModelPlan, is_proved, proof_of
from .reuse.verify import Verifier
from .store.locked import LockedDestination, report_unknown_files
from .store.receipt import FileRecord, Receipt
from .store.standing import own_names
from .store.trust import file_status, status_of


def adopt_current(locked: LockedDestination, artifact: ModelArtifact) -> Receipt | None:
    """Return a receipt for what stands at the held place if each file that is wanted is right, else None."""
    started, settings, place = time.monotonic(), locked.settings, locked.place
    found = locked.current(artifact.digest, mark="") if artifact.signature_mark else None
    if found is not None and is_proved(found.files, artifact.form.parts):  # only the proof of its signers was missing
        proved = replace(found, signers=artifact.signers, signature_mark=artifact.signature_mark)
        _note(locked, proved)
        return proved
    if status_of(place.path) is None:
        return None
    plan = ModelPlan.of(artifact.form.parts, settings)
    if (own_names(place.path, place.trust) or frozenset()) - {part.path for part in plan.parts}:
        return None  # files of an earlier pull, which are not wanted any more
    if plan.archives or not all(_may_be_right(place.path, blob) for blob in plan.blobs):
        return None
    verifier = Verifier(locked.reporter, place.path.name)
    checks = [(blob, file) for blob in plan.blobs for file in blob.files]
    right = verifier.each(
        lambda check: verifier.is_right(check[0], place.path / check[1].path),
        checks,
        sum(blob.size for blob, _ in checks),
    )
    records = _records(place.path, [file for _, file in checks]) if all(right) else None
    if records is None:
        return None
    receipt = Receipt(
        source=settings.source,
        pinned=artifact.pinned,
        digest=str(artifact.digest),
        selection=settings.selection,
        files=records,
        wire_bytes=0,
        seconds=round(time.monotonic() - started, 3),
        published=int(time.time()),
        inode=place.path.stat().st_ino,
        boot=locked.boot,
        signers=artifact.signers,
        signature_mark=artifact.signature_mark,
    )
    locked.reporter.message(f"{place.path}: holds it already, each file held to its digest now")
    _note(locked, receipt)
    report_unknown_files(locked.reporter, place, receipt)
    return receipt


def _note(locked: LockedDestination, receipt: Receipt) -> None:
    """Write the receipt; on a volume that takes none the model is hashed at each start."""
    try:
        locked.place.note(receipt)
    except (DiskFailed, NoRoom) as error:
        locked.reporter.message(f"{error}: what stands is right, but no receipt can say so to the next pull")


def _may_be_right(folder: Path, blob: Blob) -> bool:
    """Return whether every file of a blob stands with its size, and has a digest that can be compared."""
    statuses = [file_status(folder, file.path) for file in blob.files]
    return blob.packed is None and all(status is not None and status.st_size == blob.size for status in statuses)


def _records(folder: Path, parts: Sequence[Part]) -> tuple[FileRecord, ...] | None:
    records = []
    for part in parts:
        status = file_status(folder, part.path)
        if status is None:
            return None
        digest = str(part.layer.digest)
        records.append(FileRecord(part.path, digest, status.st_size, status.st_mtime_ns, proof_of(part)))
    return tuple(records)
