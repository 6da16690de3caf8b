"""Laws of the images."""

import hashlib
import json
import tarfile
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
import zstandard

from bench.evaluation.layouts.images import KINDS, make_layer, write_base_content, write_layout

_UNPACK: dict[str, Callable[[bytes], bytes]] = {
    "tar": bytes,
    "gzip": lambda content: zlib.decompress(content, zlib.MAX_WBITS | 16),
    "zstd": lambda content: zstandard.ZstdDecompressor().decompressobj().decompress(content),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_holds_its_files_and_is_named_by_its_digests(kind: str, tmp_path: Path) -> None:
    """The descriptor has the blob's digest and size, and the diff id is the digest of the tar in it."""
    (tmp_path / "weights").write_bytes(b"numbers")
    layer = make_layer([("models/weights", tmp_path / "weights")], kind, tmp_path / "blobs")
    content = layer.path.read_bytes()
    unpacked = _UNPACK[kind](content)
    assert layer.descriptor["digest"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert layer.descriptor["size"] == len(content)
    assert layer.diff_id == f"sha256:{hashlib.sha256(unpacked).hexdigest()}"
    with tarfile.open(fileobj=BytesIO(unpacked)) as archive:
        found = archive.extractfile("models/weights")
        assert found is not None
        assert found.read() == b"numbers"


def test_a_layout_leads_from_its_index_to_every_blob(tmp_path: Path) -> None:
    """Index, manifest, config and layers are found under their digests."""
    (tmp_path / "weights").write_bytes(b"numbers")
    layer = make_layer([("weights", tmp_path / "weights")], "tar", tmp_path / "blobs")
    assert write_layout([layer], tmp_path / "layout", "v1") == f"layout://{tmp_path / 'layout'}:v1"
    blobs = tmp_path / "layout" / "blobs" / "sha256"
    (entry,) = json.loads((tmp_path / "layout" / "index.json").read_text())["manifests"]
    manifest = json.loads((blobs / entry["digest"].removeprefix("sha256:")).read_text())
    named = {one["digest"].removeprefix("sha256:") for one in (entry, manifest["config"], *manifest["layers"])}
    assert {path.name for path in blobs.iterdir()} == named
    assert all(hashlib.sha256(path.read_bytes()).hexdigest() == path.name for path in blobs.iterdir())


def test_an_engines_image_compresses_to_about_a_half_and_each_seed_makes_another(tmp_path: Path) -> None:
    """A rebuilt image shares no bytes with the one before."""
    one, two = (write_base_content(1 << 20, seed, tmp_path / str(seed)).read_bytes() for seed in (1, 2))
    packed = zstandard.compress(one, 3)
    assert 0.4 < len(packed) / len(one) < 0.6
    assert one != two
