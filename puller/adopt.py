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
from .artifact.part import IN_PLACE, Part
from .errors import DiskFailed, NoRoom, Occupied
from .plan import Blob, ModelPlan, select
from .proof import UNPACKED, is_proved, proof_of
from .reuse.verify import Verifier
from .settings import Settings
from .store.locked import LockedDestination, report_unknown_files
from .store.receipt import FileRecord, Receipt
from .store.standing import own_names, receipt_of
from .store.trust import file_status, status_of


def adopt_current(locked: LockedDestination, artifact: ModelArtifact) -> Receipt | None:
    """Return a receipt for what stands at the held place if each file that is wanted is right, else None."""
    started, settings, place = time.monotonic(), locked.settings, locked.place
    found = locked.current(artifact.digest, mark="") if artifact.signature_mark else None
    if found is not None and _is_of(found, artifact, settings):  # only the proof of its signers was missing
        proved = replace(found, signers=artifact.signers, signature_mark=artifact.signature_mark)
        _note(locked, proved)
        return proved
    if status_of(place.path) is None:
        return None
    plan = ModelPlan.of(artifact.form.parts, settings)
    if plan.archives or any(blob.packed for blob in plan.blobs):
        _check_replaceable(locked, artifact)
        return None
    unwanted = (own_names(place.path, place.trust) or frozenset()) - {part.path for part in plan.parts}
    if unwanted or not all(_may_be_right(place.path, blob) for blob in plan.blobs):
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
    receipt = artifact.receipt(settings, records, inode=place.path.stat().st_ino, boot=locked.boot)
    receipt = replace(receipt, seconds=round(time.monotonic() - started, 3))
    locked.reporter.message(f"{place.path}: holds it already, each file held to its digest now")
    _note(locked, receipt)
    report_unknown_files(locked.reporter, place, receipt)
    return receipt


def _is_of(found: Receipt, artifact: ModelArtifact, settings: Settings) -> bool:
    """Return whether a receipt tells of the very layers that are signed: the parent of a model may have moved since."""
    parts = select(artifact.form.parts, settings.include, settings.exclude)
    files = {(part.path, str(part.layer.digest)) for part in parts if part.shape in IN_PLACE}
    packed = {str(part.layer.digest) for part in parts if part.shape not in IN_PLACE}
    unpacked = {record.layer for record in found.files if record.proof == UNPACKED}
    return (
        is_proved(found.files, parts)
        and files == {(record.path, record.layer) for record in found.files if record.proof != UNPACKED}
        and (unpacked <= packed if artifact.form.is_image else unpacked == packed)
    )


def _note(locked: LockedDestination, receipt: Receipt) -> None:
    """Write the receipt; on a volume that takes none the model is hashed at each start."""
    try:
        locked.place.note(receipt)
    except (DiskFailed, NoRoom) as error:
        locked.reporter.message(f"{error}: what stands is right, but no receipt can say so to the next pull")


def _check_replaceable(locked: LockedDestination, artifact: ModelArtifact) -> None:
    """Raise Occupied where this very model stands, unpacked, on a volume that gives all files one owner.

    It would be fetched again at every start, and take its files from the servers that read them on other nodes.
    """
    place, found = locked.place, receipt_of(locked.place.path, locked.place.trust, is_strict=False)
    if place.trust.assigned is None or locked.settings.rehash or found is None:
        return
    if (found.digest, found.selection) != (str(artifact.digest), locked.settings.selection):
        return
    statuses = [(record, file_status(place.path, record.path)) for record in found.files]
    if all(one is not None and (one.st_size, one.st_mtime_ns) == (file.size, file.mtime_ns) for file, one in statuses):
        raise Occupied(
            f"{place.path}: holds this model, unpacked, on a volume that gives all files to user "
            f"{place.trust.assigned}: who wrote it cannot be told, and no digest is known of what was unpacked",
            hint="believe all who write there (WEIGHBRIDGE_TRUST_GROUP, --trust-group), or push the model's files as "
            "they are: weighbridge push",
        )


def _may_be_right(folder: Path, blob: Blob) -> bool:
    """Return whether every file of a blob stands with its size."""
    statuses = [file_status(folder, file.path) for file in blob.files]
    return all(status is not None and status.st_size == blob.size for status in statuses)


def _records(folder: Path, parts: Sequence[Part]) -> tuple[FileRecord, ...] | None:
    records = []
    for part in parts:
        status = file_status(folder, part.path)
        if status is None:
            return None
        digest = str(part.layer.digest)
        records.append(FileRecord(part.path, digest, status.st_size, status.st_mtime_ns, proof_of(part)))
    return tuple(records)
