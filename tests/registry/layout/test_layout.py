"""OCI layouts and indexes that are not as they should be, and indexes within indexes, wherever they are."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from registry.access.access import Access
from registry.auth.credentials import Credentials
from registry.digest import Digest
from registry.errors import BadLayout, BadManifest, Fault, LayoutFailed
from registry.http.transport import Transport
from registry.manifest import INDEX_TYPE, MANIFEST_TYPE
from registry.open import open_pusher, open_repository
from registry.paths import parents, unsafe_reason
from registry.source import parse_source
from tests.fakes.registry import fake_registry
from tests.puller.models import layer, manifest_of

MANIFEST = manifest_of([layer("a", b"x")])


def nobody() -> Access:
    """Reach registries without credentials."""
    return Access(transport=Transport(proxies={}, timeout_seconds=5), credentials=Credentials())


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda place: place.write_text("a file"), "is a file"),
        (lambda place: place.symlink_to("/etc/passwd"), "is a file"),
        (os.mkfifo, "is a file"),
        (lambda place: (place / "other").mkdir(parents=True), "is no OCI layout, and not empty"),
        (lambda place: broken(place, "{"), "index.json: the manifest is not JSON"),
        (lambda place: broken(place, json.dumps(json.loads(MANIFEST.to_bytes()))), "is no index"),
        (lambda place: with_odd_index(place, Path.mkdir), "is no file"),
        (lambda place: with_odd_index(place, os.mkfifo), "is no file"),
    ],
)  # fmt: skip
def test_a_place_where_no_layout_can_be_written_is_named_before_the_first_blob(
    tmp_path: Path, make: object, words: str
) -> None:
    """A file, a pipe, a folder of other things, an index that could not be added to."""
    place = tmp_path / "layout"
    make(place)  # type: ignore[operator] # a table of little programs
    with nobody() as access, pytest.raises(BadLayout, match=words):
        open_pusher(parse_source(f"layout://{place}:v1"), access)


def broken(place: Path, index: str) -> None:
    """Make a layout with some index."""
    place.mkdir()
    (place / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    (place / "index.json").write_text(index)


def with_odd_index(place: Path, make: Callable[[Path], None]) -> None:
    """Make a layout whose index is no file."""
    broken(place, "{}")
    (place / "index.json").unlink()
    make(place / "index.json")


@pytest.mark.parametrize("name", ["f/below", "n" * 300, "blobs"])
def test_a_layout_that_cannot_be_made_is_a_named_failure(tmp_path: Path, name: str) -> None:
    """Below a file, under a name that is too long, or with a file where its blobs belong."""
    (tmp_path / "f").touch()
    if name == "blobs":
        broken(tmp_path / name, '{"manifests":[]}')
        (tmp_path / name / "blobs").touch()
    with nobody() as access, pytest.raises(LayoutFailed):
        open_pusher(parse_source(f"layout://{tmp_path / name}:v1"), access)


def test_a_blob_that_went_away_is_a_named_failure(tmp_path: Path) -> None:
    """Between two looks at a layout anything can happen."""
    with nobody() as access:
        pusher = open_pusher(parse_source(f"layout://{tmp_path / 'l'}:v1"), access)
        with pusher.begin(1) as upload:
            upload.write(memoryview(b"x"))
            for path in (tmp_path / "l" / "blobs" / "sha256").iterdir():
                path.unlink()
            with pytest.raises(LayoutFailed):
                upload.commit(Digest.of(b"x"))


def nested(depth: int) -> list[bytes]:
    """Return a manifest, the index of it, the index of that, and so on."""
    documents, kind = [MANIFEST.to_bytes()], MANIFEST_TYPE
    for _ in range(depth):
        inner = documents[-1]
        entry = {"mediaType": kind, "digest": str(Digest.of(inner)), "size": len(inner)}
        documents.append(json.dumps({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [entry]}).encode())
        kind = INDEX_TYPE
    return documents


@pytest.mark.parametrize("place", ["registry", "layout"])
@pytest.mark.parametrize(("depth", "is_read"), [(0, True), (1, True), (2, True), (4, True), (5, False), (40, False)])
def test_indexes_within_indexes_lead_to_their_manifest(tmp_path: Path, place: str, depth: int, is_read: bool) -> None:  # noqa: FBT001 - a table
    """As deep as somebody may mean it (image-spec, image-index.md); the digest is that of what was named."""
    documents = nested(depth)
    with fake_registry() as fake, nobody() as access:
        if place == "registry":
            fake.manifests.update({str(Digest.of(one)): one for one in documents})
            fake.manifests["v1"] = documents[-1]
            source = parse_source(fake.reference())
        else:
            (tmp_path / "blobs" / "sha256").mkdir(parents=True)
            for one in documents:
                (tmp_path / "blobs" / "sha256" / Digest.of(one).hex).write_bytes(one)
            outer = nested(depth + 1)[-1]
            (tmp_path / "index.json").write_bytes(outer)
            source = parse_source(f"layout://{tmp_path}")
        repository = open_repository(source, access)
        if is_read:
            resolved = repository.resolve()
            assert (resolved.digest, resolved.manifest) == (Digest.of(documents[-1]), MANIFEST)
        else:
            with pytest.raises(BadManifest, match="indexes within each other"):
                repository.resolve()


@pytest.mark.parametrize(
    "name",
    ["a\u202etxt", "a\u009b2J", "a\u200bb", "\ufeffa", "a\u2028b", "a\x1bb", "a\nb", "a\u2066b", "a\xadb", "dir\x7f/b"],
)
def test_names_that_hide_or_turn_their_letters_are_refused(name: str) -> None:
    """Categories Cc and Cf, and the separators of lines: what is shown must be what is meant."""
    assert unsafe_reason(name) == "holds control characters"


@pytest.mark.parametrize("name", ["ünï", "模型.bin", "a b", "é" * 100, "🙂"])
def test_names_in_any_language_are_fine(name: str) -> None:
    """Letters, marks, symbols and blanks are what people write."""
    assert unsafe_reason(name) == ""


@pytest.mark.parametrize(
    ("path", "above"),
    [("", []), ("a", []), ("a/b", ["a"]), ("a/b/c", ["a", "a/b"]), ("/a/b", ["/a"]), ("a//b", ["a", "a/"])],
)
def test_the_folders_above_a_path_come_outermost_first(path: str, above: list[str]) -> None:
    """The root is none of them."""
    assert list(parents(path)) == above


def test_a_fault_is_what_every_failure_of_a_layout_is(tmp_path: Path) -> None:
    """A layout below a folder that is none is read by name, too."""
    (tmp_path / "f").touch()
    for text in (f"layout://{tmp_path}/f:v1", f"layout://{tmp_path}/f/x:v1", f"layout://{tmp_path}/absent"):
        with nobody() as access, pytest.raises(Fault):
            open_repository(parse_source(text), access).resolve()
