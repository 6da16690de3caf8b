"""What a file's bytes were verified against when it was published, and whether that is what a part asks for. Pure."""

from collections.abc import Iterable

from registry.chunk_index import chunk_mark

from .artifact.part import IN_PLACE, Part
from .plan import chunks_of
from .store.receipt import DERIVED, FileRecord

LAYER, UNPACKED = "layer", "unpacked"
"""The proofs of bytes that were verified against their layer's digest, and of those that came out of such a layer."""


def proof_of(part: Part) -> str:
    """Return what a part's bytes are verified against: LAYER, or the digests of these chunks (docs/decisions/0005).

    The files of an archive are UNPACKED.
    """
    if part.shape not in IN_PLACE:
        return UNPACKED
    return f"chunks {chunk_mark(part.layer)}" if chunks_of(part) else LAYER


def is_proved(records: Iterable[FileRecord], parts: Iterable[Part]) -> bool:
    """Return whether files were verified, when they were published, against what the parts ask for."""
    proofs: dict[str, str] = {}
    for part in parts:
        proof = proof_of(part)
        if proofs.setdefault(str(part.layer.digest), proof) != proof:
            proofs[str(part.layer.digest)] = LAYER
    return all(one.layer in proofs and one.proof in (LAYER, DERIVED, proofs[one.layer]) for one in records)
