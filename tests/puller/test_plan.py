"""Manifests of people who mean harm, and what is planned from honest ones. No network, no disk."""

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from puller.errors import BadArtifact, UnsafePath, UnsupportedLayer
from puller.formats.part import Part
from puller.formats.read import read_form
from puller.plan import blobs_of
from registry.chunks import CHUNK_BYTES, CHUNK_DIGESTS
from registry.digest import Digest
from registry.errors import BadManifest
from registry.manifest import Descriptor, Manifest, parse_manifest
from registry.modelpack import FILE_METADATA, FILEPATH, TITLE

from .models import layer, manifest_of


def parts(manifest: Manifest) -> tuple[Part, ...]:
    """Give what a manifest's layers become, its config being of no use."""
    return read_form(manifest, lambda: b"{}").parts


def annotated(descriptor: Descriptor, **annotations: str) -> Descriptor:
    """Give a layer with other annotations."""
    return replace(descriptor, annotations={**descriptor.annotations, **annotations})


def test_two_layers_may_not_claim_one_file() -> None:
    """Which of them would win depends on the order: neither does."""
    with pytest.raises(BadArtifact, match="two layers claim"):
        parts(manifest_of([layer("a", b"1"), layer("./a", b"2")]))


def test_the_same_file_twice_is_the_same_file() -> None:
    """A layer that stands twice with the same bytes is no contradiction."""
    assert len(blobs_of(parts(manifest_of([layer("a", b"1"), layer("a", b"1")])), 10)) == 1


def test_a_file_may_not_be_another_ones_folder() -> None:
    """`a` and `a/b` cannot stand together."""
    with pytest.raises(BadArtifact, match="folder of"):
        parts(manifest_of([layer("a/b", b"1"), layer("a", b"2")]))


def test_an_artifact_without_files_is_refused() -> None:
    """An empty model would start a server without weights."""
    with pytest.raises(BadArtifact):
        parts(manifest_of([]))


def test_one_digest_has_one_size() -> None:
    """A blob cannot be long in one place and short in another."""
    honest = layer("a", b"12345")
    with pytest.raises(BadArtifact, match="different sizes"):
        blobs_of(parts(manifest_of([honest, replace(layer("b", b"12345"), size=1 << 40)])), 10)


@pytest.mark.parametrize("name", ["x" * 256, "/".join("x" * 200 for _ in range(6)), "a\ud800", "a\x1b[2Jb"])
def test_names_that_no_volume_holds_are_refused(name: str) -> None:
    """Too long, no Unicode, or written to fool a terminal."""
    with pytest.raises(UnsafePath):
        parts(manifest_of([layer(name, b"")]))


def test_a_layer_without_a_name_is_refused() -> None:
    """There is no place to put it."""
    with pytest.raises(UnsupportedLayer, match="has no file name"):
        parts(manifest_of([replace(layer("a", b"1"), annotations={})]))


@pytest.mark.parametrize("key", [FILEPATH, TITLE, "org.cnai.model.filepath"])
def test_every_annotation_that_names_files_is_read(key: str) -> None:
    """ModelPack's two, and ORAS's title."""
    named = replace(layer("", b"1"), annotations={key: "dir/name"})
    assert [file.path for file in parts(manifest_of([named]))] == ["dir/name"]


@pytest.mark.parametrize(
    ("metadata", "mode"),
    [
        ('{"mode": 493}', 0o755),
        ('{"mode": 420}', 0o644),
        ('{"mode": 384}', 0o644),
        ('{"mode": 2541}', 0o755),
        ("[" * 9999, 0o644),
        ('{"mode": "x"}', 0o644),
        ("3", 0o644),
    ],
)
def test_a_files_mode_is_made_fit_for_a_volume(metadata: str, mode: int) -> None:
    """Everybody may read it, setuid bits are never taken, and broken metadata costs the mode, not the pull."""
    found = parts(manifest_of([annotated(layer("a", b"1"), **{FILE_METADATA: metadata})]))
    assert found[0].mode == mode


@pytest.mark.parametrize(
    "changes",
    [
        {CHUNK_BYTES: "0"},
        {CHUNK_BYTES: "-1"},
        {CHUNK_BYTES: "1e3"},
        {CHUNK_BYTES: "1"},
        {CHUNK_BYTES: "9" * 30},
        {CHUNK_DIGESTS: "!!"},
        {CHUNK_DIGESTS: ""},
        {CHUNK_DIGESTS: "A" * 4096},
    ],
)
def test_chunk_digests_that_do_not_fit_are_refused(changes: Mapping[str, str]) -> None:
    """As many digests as chunks, or the manifest lies; a chunk size of 1 cannot blow memory up."""
    lying = annotated(layer("a", b"x" * 1000, chunk=300), **changes)
    with pytest.raises(BadManifest):
        blobs_of(parts(manifest_of([lying])), 300)


def test_pieces_cover_a_blob_without_gap_or_overlap() -> None:
    """With chunk digests, without them, and for the empty file."""
    for content, chunk, piece in ((b"x" * 1000, 0, 300), (b"x" * 1000, 300, 7), (b"", 0, 10), (b"x", 300, 10)):
        blob = blobs_of(parts(manifest_of([layer("a", content, chunk=chunk)])), piece)[0]
        edges = [0, *(piece.stop for piece in blob.pieces)]
        assert [piece.start for piece in blob.pieces] == edges[:-1]
        assert edges[-1] == len(content)


MANIFEST = json.loads(manifest_of([layer("a", b"1")]).to_bytes())


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ([], "no JSON object"),
        ({**MANIFEST, "layers": {}}, "layers: wanted a list"),
        ({**MANIFEST, "layers": [3]}, r"layers\[0\]: wanted an object"),
        ({**MANIFEST, "config": None}, "config: wanted an object"),
        ({**MANIFEST, "config": {**MANIFEST["config"], "size": -1}}, r"config\.size"),
        ({**MANIFEST, "config": {**MANIFEST["config"], "size": True}}, r"config\.size"),
        ({**MANIFEST, "config": {**MANIFEST["config"], "size": 1e3}}, r"config\.size"),
        ({**MANIFEST, "config": {**MANIFEST["config"], "digest": "md5:1"}}, r"config\.digest"),
        ({**MANIFEST, "config": {**MANIFEST["config"], "mediaType": 3}}, r"config\.mediaType"),
        ({**MANIFEST, "annotations": {"a": 1}}, r"annotations\['a'\]"),
        ({**MANIFEST, "annotations": []}, "annotations: wanted an object"),
        ({"manifests": 3}, "manifests: wanted a list"),
    ],
)
def test_a_manifest_that_is_wrong_is_told_where(document: object, path: str) -> None:
    """The message names the JSON path."""
    with pytest.raises(BadManifest, match=path):
        parse_manifest(json.dumps(document).encode())


def test_a_manifest_survives_writing_and_reading() -> None:
    """Law: parse(to_bytes(manifest)) == manifest."""
    manifest = manifest_of([layer("ünï", b"1", chunk=1), layer("b", b"")])
    parsed = parse_manifest(manifest.to_bytes())
    assert isinstance(parsed, Manifest)
    assert parsed == manifest
    assert Digest.of(parsed.to_bytes()) == Digest.of(manifest.to_bytes())
