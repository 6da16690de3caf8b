"""What proves a file, and what it does not prove. No network, no disk."""

import pytest

from puller.artifact.part import LayerKind, Part
from puller.proof import is_proved, proof_of
from puller.store.receipt import FileRecord
from registry.chunk_index import SMALLEST_CHUNK_BYTES as CHUNK

from .models import layer, manifest_of
from .test_plan import parts

_WEIGHTS = bytes(3 * CHUNK)
(_RAW,) = parts(manifest_of([layer("w", _WEIGHTS)]))
(_CHUNKED,) = parts(manifest_of([layer("w", _WEIGHTS, chunk=CHUNK)]))
(_OTHERWISE,) = parts(manifest_of([layer("w", _WEIGHTS, chunk=2 * CHUNK)]))
_ARCHIVE = _RAW._replace(shape=LayerKind.ARCHIVE)


@pytest.mark.parametrize(
    ("proof", "wanted", "is_enough"),
    [
        ("layer", [_RAW], True),
        ("layer", [_CHUNKED], True),
        (proof_of(_CHUNKED), [_CHUNKED], True),
        (proof_of(_CHUNKED), [_RAW], False),
        (proof_of(_CHUNKED), [_CHUNKED, _RAW], False),
        (proof_of(_CHUNKED), [_OTHERWISE], False),
        (proof_of(_ARCHIVE), [_RAW], False),
        (proof_of(_ARCHIVE), [_ARCHIVE], True),
        ("derived", [_RAW], True),
        ("chunks", [_CHUNKED], False),
    ],
)
def test_a_file_counts_by_the_proof_that_its_part_asks_for(proof: str, wanted: list[Part], *, is_enough: bool) -> None:
    """What came out of a layer is not the layer, and chunks of another manifest are anybody's."""
    assert is_proved([FileRecord("w", str(_RAW.layer.digest), 3, 0, proof)], wanted) is is_enough
