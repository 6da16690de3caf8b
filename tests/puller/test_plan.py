"""Manifests of people who mean harm, and what is planned from honest ones. No network, no disk."""

import copy
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packer.modelpack import chunk_bytes
from puller.artifact.part import Part, readable
from puller.artifact.read import read_form
from puller.errors import BadArtifact, UnsafePath, UnsupportedLayer
from puller.plan import blobs_of, select
from registry.annotations import FILE_METADATA, FILEPATH, TITLE
from registry.chunk_index import CHUNK_BYTES, CHUNK_DIGESTS, MOST_CHUNKS, Chunks
from registry.chunk_index import SMALLEST_CHUNK_BYTES as CHUNK
from registry.digest import Digest
from registry.errors import BadManifest
from registry.manifest import INDEX_TYPE, MANIFEST_TYPE, Descriptor, Manifest, parse_manifest

from .models import layer, manifest_of


def parts(manifest: Manifest) -> tuple[Part, ...]:
    """Return what a manifest's layers become, its config being of no use."""
    return read_form(manifest, lambda: b"{}").parts


def annotated(descriptor: Descriptor, **annotations: str) -> Descriptor:
    """Return a layer with other annotations."""
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
        parts(manifest_of([honest, replace(layer("b", b"12345"), size=1 << 40)]))


@pytest.mark.parametrize("name", ["x" * 256, "/".join("x" * 200 for _ in range(6)), "a\ud800", "a\x1b[2Jb"])
def test_names_that_no_volume_holds_are_refused(name: str) -> None:
    """Too long, no Unicode, or written to fool a terminal; the selection is the way out."""
    found = parts(manifest_of([layer(name, b""), layer("good", b"1")]))
    with pytest.raises(UnsafePath, match=r"layers\[0\]"):
        select(found, (), ())
    assert [part.path for part in select(found, ("good",), ())] == ["good"]


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
        {CHUNK_BYTES: str(CHUNK - 1)},
        {CHUNK_DIGESTS: "!!"},
        {CHUNK_DIGESTS: ""},
        {CHUNK_DIGESTS: "A" * 4096},
    ],
)
def test_chunk_digests_that_do_not_fit_are_refused(changes: Mapping[str, str]) -> None:
    """As many digests as chunks, or the manifest lies; a chunk size of 1 cannot blow memory up."""
    lying = annotated(layer("a", b"x" * 200_000, chunk=CHUNK), **changes)
    with pytest.raises(BadManifest):
        blobs_of(parts(manifest_of([lying])), 300)


def test_pieces_cover_a_blob_without_gap_or_overlap() -> None:
    """With chunk digests, without them, and for the empty file."""
    for content, chunk, piece in ((b"x" * 1000, 0, 300), (b"x" * 200_000, CHUNK, 7), (b"", 0, 10), (b"x", CHUNK, 10)):
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
        ({**MANIFEST, "annotations": {"a": "", "b": 1}}, r"annotations\[1\]: wanted text, got a number"),
        ({**MANIFEST, "annotations": []}, "annotations: wanted an object"),
        ({"manifests": 3}, "manifests: wanted a list"),
        ({**MANIFEST, "manifests": []}, "is an index as well"),
        ({**MANIFEST, "manifests": [MANIFEST["config"]]}, "is an index as well"),
        ({**MANIFEST, "mediaType": INDEX_TYPE}, "is an index as well"),
        ({"manifests": [], "config": MANIFEST["config"]}, "is an index as well"),
        ({"manifests": [], "mediaType": MANIFEST_TYPE}, "is an index as well"),
    ],
)
def test_a_manifest_that_is_wrong_is_told_where(document: object, path: str) -> None:
    """The message names the JSON path."""
    with pytest.raises(BadManifest, match=path):
        parse_manifest(json.dumps(document).encode())


SECRET = "s3cr3t"


@given(st.binary(max_size=200).map(lambda some: SECRET.encode() + some) | st.binary(max_size=200))
def test_what_is_no_manifest_is_quoted_by_no_byte(content: bytes) -> None:
    """A registry may have led to an internal service: the message tells length and kind alone."""
    with pytest.raises(BadManifest) as caught:
        parse_manifest(content)
    assert SECRET not in str(caught.value)
    assert str(caught.value).isprintable()


_PLACES = (
    ("mediaType",),
    ("artifactType",),
    ("annotations",),
    ("annotations", "a"),
    ("config",),
    ("layers",),
    ("manifests",),
)
_FIELDS = tuple(
    (*place, field)
    for place in (("config",), ("layers", 0))
    for field in ("mediaType", "digest", "size", "annotations", "name", "platform", "artifactType")
)


@pytest.mark.parametrize(
    "value", [SECRET, [SECRET], {SECRET: SECRET}, {SECRET: 1}, f"{SECRET}\n", None, 3, -1, 1e400, True]
)
@pytest.mark.parametrize("place", [*_PLACES, *_FIELDS], ids=str)
def test_a_manifest_with_anything_anywhere_is_read_or_refused_without_a_quote(
    place: tuple[str | int, ...], value: object
) -> None:
    """Law: for every field and every kind of value, success or BadManifest, and nothing of the value in it."""
    document = copy.deepcopy({**MANIFEST, "annotations": {"a": "b"}})
    inner: Any = document
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    try:
        parse_manifest(json.dumps(document).encode())
    except BadManifest as error:
        assert SECRET not in str(error)  # noqa: PT017 - some are read


def test_chunks_are_as_many_as_a_reader_takes() -> None:
    """However large the blob: the limit is what packers write at most, many times over."""
    many = layer("a", b"x")
    with pytest.raises(BadManifest, match="at most 65536"):
        Chunks.of(replace(annotated(many, **{CHUNK_BYTES: "65536", CHUNK_DIGESTS: ""}), size=(1 << 32) + 1))
    for gigabytes in (1, 100, 1000, 4096):
        size = gigabytes * 10**9
        assert chunk_count(size) <= MOST_CHUNKS


def chunk_count(size: int) -> int:
    """Return the number of chunks in which our packer cuts."""
    return -(-size // chunk_bytes(size))


def test_a_manifest_survives_writing_and_reading() -> None:
    """Law: parse(to_bytes(manifest)) == manifest."""
    manifest = manifest_of([layer("ünï", b"1", chunk=CHUNK), layer("b", b"")])
    parsed = parse_manifest(manifest.to_bytes())
    assert isinstance(parsed, Manifest)
    assert parsed == manifest
    assert Digest.of(parsed.to_bytes()) == Digest.of(manifest.to_bytes())


@pytest.mark.parametrize(
    ("told", "stands"), [(0o644, 0o644), (0o755, 0o755), (0o7777, 0o755), (0o666, 0o644), (0, 0o444), (0o4755, 0o755)]
)
def test_no_mode_lets_anybody_but_the_owner_write(told: int, stands: int) -> None:
    """What an artifact says of modes is no reason to trust others with the file, nor to hide it from anybody."""
    assert readable(told) == stands
