"""The digest of a blob that has none for its pieces, counted along what has landed."""

import os
from pathlib import Path

import pytest

from puller.artifact.part import LayerKind, Part
from puller.errors import DiskFailed
from puller.plan import Blob, cut
from puller.transfer.prefix_hash import PrefixHasher
from tests.puller.models import layer, noise


def test_a_file_that_became_shorter_meanwhile_is_named(tmp_path: Path) -> None:
    """Whoever cuts a file that is being fetched ends the pull, which would else read its end for ever."""
    content = noise(100_000)
    described = layer("weights", content)
    part = Part(layer=described, number=0, shape=LayerKind.FILE, path="weights")
    blob = Blob(described, (part,), tuple(cut(len(content), 20_000)))
    file = tmp_path / "incoming"
    file.write_bytes(content[:30_000])
    handle = os.open(file, os.O_RDONLY)
    try:
        with pytest.raises(DiskFailed, match="weights: ends at byte 30000"):
            PrefixHasher(blob, blob.pieces).verify(handle)
    finally:
        os.close(handle)
