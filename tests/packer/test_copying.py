"""`weighbridge copy`: an artifact from place to place, byte for byte, with its signatures, or not at all."""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import weighbridge
from packer.copying.copy import copy
from registry.access.access import Access
from registry.digest import Digest
from registry.documents.document import Document
from registry.documents.referrers import tag_of_referrers
from registry.errors import Fault, NotFound, Unavailable
from registry.manifest import ARTIFACT_MANIFEST_TYPE, INDEX_TYPE, MANIFEST_TYPE
from registry.open import open_documents, open_pusher, open_repository
from registry.repository import DocumentSource, Pusher
from registry.source import parse_source
from tests.conftest import Part
from tests.fakes import faults
from tests.fakes.registry import Answer, FakeRegistry, Request, fake_registry
from tests.fakes.reporter import Listener
from tests.parts.distribution import Registry
from tests.puller.models import noise, read_tree, write_tree
from tests.puller.test_mirrors import hosts_dir
from tests.registry.remote.test_pull import access

from .test_sign import pem_keys

LARGE = noise(9 << 20, 3)
DOCKER = "application/vnd.docker.distribution.manifest.v2+json"


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Access]:
    """Reach registries with little patience."""
    with access(tmp_path) as one:
        yield one


@pytest.fixture
def fake() -> Iterator[FakeRegistry]:
    """Run a fake registry."""
    with fake_registry() as running:
        yield running


def blob(pusher: Pusher, content: bytes, media_type: str = "application/octet-stream") -> dict[str, Any]:
    """Write a blob, and return its descriptor."""
    digest = Digest.of(content)
    pusher.put(content, digest)
    return {"mediaType": media_type, "digest": str(digest), "size": len(content)}


def manifest(pusher: Pusher, content: bytes, **more: Any) -> Document:
    """Return a manifest of one layer, whose blobs are written, with white space as some tool writes it."""
    config = blob(pusher, b"{}", "application/vnd.oci.empty.v1+json")
    stated = {"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": config, "layers": [blob(pusher, content)]}
    return Document.parse(json.dumps(stated | more, indent=3).encode())


def about(subject: Document) -> dict[str, Any]:
    """Return the field by which a manifest refers to another one."""
    described = {"mediaType": subject.media_type, "digest": str(subject.digest), "size": len(subject.content)}
    return {"subject": described, "artifactType": "application/vnd.example.signature"}


def signed_index(reference: str, opened: Access) -> Document:
    """Write an index of two manifests, one of docker's type, signed by each of the ways that tools have."""
    pusher = open_pusher(parse_source(reference), opened)
    one, two = manifest(pusher, b"one"), manifest(pusher, b"two", mediaType=DOCKER)
    listed = [
        {"mediaType": each.media_type, "digest": str(each.digest), "size": len(each.content)} for each in (one, two)
    ]
    index = Document.parse(json.dumps({"schemaVersion": 2, "manifests": listed}, indent=1).encode())
    for child in (one, two):
        pusher.put_document(child)
    pusher.put_document(index, pusher.tag)
    signature = manifest(pusher, b"signature", **about(index))
    pusher.put_referrer(signature, index.digest)
    pusher.put_referrer(manifest(pusher, b"timestamp of the signature", **about(signature)), signature.digest)
    pusher.put_referrer(manifest(pusher, b"attestation of a child", **about(one)), one.digest)
    pusher.put_document(manifest(pusher, b"cosign"), f"{tag_of_referrers(index.digest)}.sig")
    return index


def told(found: DocumentSource, digest: Digest) -> set[bytes]:
    """Return what the layers say of everything that refers to a digest, and to that."""
    said = set()
    for referrer in found.referrers(digest):
        document = found.document(referrer)
        (_, layer) = document.blobs
        said |= {found.read(layer, 100), *told(found, referrer)}
    return said


def copied(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """Return what the verb prints as JSON."""
    assert weighbridge.main(["copy", *arguments, "--json", "--quiet"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_model_keeps_its_digest_wherever_it_goes(
    registry: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Within a registry blobs are mounted; into a layout and back they are sent, once."""
    folder = write_tree(tmp_path / "model", {"model.gguf": LARGE, "config.json": b"{}", "empty": b""})
    first = f"{registry.address}/copying/first:v1"
    assert weighbridge.main(["push", str(folder), first, "--quiet"]) == 0
    digest = capsys.readouterr().out.strip().partition("@")[2]
    mounted = copied(capsys, first, f"{registry.address}/copying/second:v2")
    assert (mounted["digest"], mounted["wireBytes"]) == (digest, 0)
    assert mounted["reference"] == f"{registry.address}/copying/second:v2@{digest}"
    layout = f"layout://{tmp_path / 'layout'}:v1"
    sent = copied(capsys, f"{registry.address}/copying/second@{digest}", layout)
    assert sent["wireBytes"] == sent["bytes"] > len(LARGE)
    assert copied(capsys, f"{registry.address}/copying/first:v1", layout)["wireBytes"] == 0
    back = f"{registry.address}/elsewhere/third:v1"
    assert copied(capsys, layout, back)["digest"] == digest
    assert weighbridge.main(["pull", back, "-o", str(tmp_path / "out"), "--quiet"]) == 0
    assert read_tree(tmp_path / "out") == read_tree(folder)


def test_every_manifest_of_an_index_comes_and_every_signature(
    registry: Registry, opened: Access, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By lists and by tags, of the index, of its manifests and of signatures; through a layout, byte for byte."""
    first, last = f"{registry.address}/copying/signed:v1", f"{registry.address}/copied/signed:v1"
    index = signed_index(first, opened)
    layout = f"layout://{tmp_path / 'layout'}:v1"
    for source, target in ((first, layout), (layout, last)):
        found = copied(capsys, source, target)
        assert (found["manifests"], found["signatures"], found["digest"]) == (3, 4, str(index.digest))
    for place in (first, layout, last):
        reader = open_documents(parse_source(place), opened)
        assert reader.document().content == index.content
        assert told(reader, index.digest) == {b"signature", b"timestamp of the signature"}
        assert told(reader, index.children[0].digest) == {b"attestation of a child"}
        assert reader.document(index.children[1].digest).media_type == DOCKER
        assert reader.document(f"{tag_of_referrers(index.digest)}.sig").digest
    assert open_documents(parse_source(f"layout://{tmp_path / 'layout'}"), opened).document() == index
    alone = copied(capsys, first, f"{registry.address}/copied/alone:v1", "--without-signatures")
    assert alone["signatures"] == 0


def test_a_registry_with_the_api_lists_referrers_itself(
    fake: FakeRegistry, opened: Access, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Then no tag is read for them, nor one written where the registry says that it took note."""
    pusher = open_pusher(parse_source(fake.reference()), opened)
    root = manifest(pusher, b"root")
    signature = manifest(pusher, b"signature", **about(root))
    pusher.put_document(signature)
    pusher.put_document(root, "v1")
    entry = {"mediaType": MANIFEST_TYPE, "digest": str(signature.digest), "size": len(signature.content)}
    empty: dict[str, Any] = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": []}
    fake.fail(faults.replaced(json.dumps(empty).encode()), path="/referrers/")
    fake.fail(faults.replaced(json.dumps(empty | {"manifests": [entry]}).encode()), path=f"/referrers/{root.digest}")
    assert copied(capsys, fake.reference(), f"layout://{tmp_path / 'layout'}:v1")["signatures"] == 1
    with fake_registry() as other:
        other.fail(faults.with_headers(OCI_Subject=str(root.digest)), method="PUT", path="/manifests/")
        copied(capsys, f"layout://{tmp_path / 'layout'}:v1", other.reference())
        assert tag_of_referrers(root.digest) not in other.manifests
        assert str(signature.digest) in other.manifests


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 406, 200])
def test_a_registry_that_does_not_know_the_api_is_asked_by_tags(
    fake: FakeRegistry, opened: Access, tmp_path: Path, capsys: pytest.CaptureFixture[str], status: int
) -> None:
    """However it says so, a page of a proxy included, which is no list."""
    index = signed_index(fake.reference(), opened)
    fake.fail(faults.status(status), path="/referrers/")
    layout = f"layout://{tmp_path / 'layout'}:v1"
    assert copied(capsys, fake.reference(), layout)["signatures"] == 4
    assert told(open_documents(parse_source(layout), opened), index.digest)


def verifies(reference: str, folder: Path, public: Path) -> bool:
    """Return whether a pull takes an artifact under a key."""
    code = weighbridge.main(["pull", reference, "-o", str(folder), "--key", str(public), "--quiet", "--rehash"])
    assert code in (0, 1)
    return code == 0


@pytest.mark.parametrize("kind", ["registry", "refusing", "layout"])
def test_a_copy_that_comes_again_leaves_the_targets_own_signatures(
    fake: FakeRegistry, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    """Law: a nightly copy adds what the source signed, as often as it runs, and removes nothing that others signed."""
    folder, pairs = str(write_tree(tmp_path / "model", {"config.json": b"{}"})), []
    for name in ("source", "target", "later"):
        (tmp_path / name).mkdir()
        pairs.append(pem_keys(tmp_path / name))
    with fake_registry() as other:
        if kind == "refusing":
            other.fail(absent_refused, path="/manifests/")
        target = f"layout://{tmp_path / 'layout'}:v1" if kind == "layout" else other.reference()

        def sign(reference: str, number: int) -> None:
            assert weighbridge.main(["push", folder, reference, "--sign", str(pairs[number][0]), "--quiet"]) == 0

        sign(fake.reference(), 0)
        capsys.readouterr()
        copied(capsys, fake.reference(), target)
        sign(target, 1)
        sign(fake.reference(), 2)
        capsys.readouterr()
        for _ in range(2):
            assert weighbridge.main(["copy", fake.reference(), target]) == 0
            assert "1 of the target's own stay" in capsys.readouterr().err
        for number, (_, public) in enumerate(pairs):
            assert verifies(target, tmp_path / f"out-{number}", public), number


def test_what_the_target_has_of_another_kind_is_left_alone_with_a_word(
    fake: FakeRegistry, opened: Access, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bill of materials is one: no two fit under its tag. What cannot be read is not written over either."""
    layout = f"layout://{tmp_path / 'layout'}:v1"
    pusher = open_pusher(parse_source(layout), opened)
    root = manifest(pusher, b"root")
    pusher.put_document(root, "v1")
    own = open_pusher(parse_source(fake.reference()), opened)
    stems = {suffix: f"{tag_of_referrers(root.digest)}{suffix}" for suffix in (".sig", ".att", ".sbom")}
    for suffix, tag in stems.items():
        pusher.put_document(manifest(pusher, b"the source's" + suffix.encode()), tag)
    kept = own.put_document(manifest(own, b"the target's"), stems[".sbom"])
    fake.manifests[stems[".sig"]] = b"<html>"
    assert weighbridge.main(["copy", layout, fake.reference()]) == 0
    said = capsys.readouterr().err
    assert f"left alone: {stems['.sbom']}" in said
    assert f"left alone: {stems['.sig']}" in said
    assert Digest.of(fake.manifests[stems[".sbom"]]) == kept
    assert stems[".att"] in fake.manifests
    assert fake.manifests["v1"] == root.content


def absent_refused(_: Request, answer: Answer) -> Answer:
    """Refuse what is absent, as some registries do to whoever may read the rest."""
    return Answer(403) if answer.status == 404 else answer


def test_a_registry_that_refuses_absent_tags_is_copied_from_and_to(
    fake: FakeRegistry, opened: Access, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tags that would only add something count as not there, with a word; a list of referrers is begun all the same."""
    index = signed_index(fake.reference(), opened)
    fake.fail(absent_refused, path="/(manifests|referrers)/")
    with fake_registry() as other:
        other.fail(absent_refused, path="/(manifests|referrers)/")
        assert weighbridge.main(["copy", fake.reference(), other.reference(), "--json"]) == 0
        said = capsys.readouterr()
        assert json.loads(said.out)["signatures"] == 4
        assert "taken as not there: " in said.err
        assert other.manifests["v1"] == index.content
        other.faults.clear()
        assert told(open_documents(parse_source(other.reference()), opened), index.digest)


def test_a_list_that_may_not_be_read_is_not_written_over(
    fake: FakeRegistry, opened: Access, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where nothing of the target may be read, nobody knows what the list would lose."""
    signed_index(f"layout://{tmp_path / 'layout'}:v1", opened)
    fake.fail(faults.status(403), path="/manifests/")
    assert weighbridge.main(["copy", f"layout://{tmp_path / 'layout'}:v1", fake.reference(), "--quiet"]) == 1
    assert "[registry.unauthorized]" in capsys.readouterr().err
    assert "v1" not in fake.manifests


def test_documents_that_are_named_by_sha512_are_copied(
    registry: Registry, opened: Access, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A layout may name its manifest so; a registry counts by sha256 all the same."""
    pusher = open_pusher(parse_source(f"layout://{tmp_path / 'layout'}:v1"), opened)
    made = manifest(pusher, b"content")
    pusher.put_document(Document.parse(made.content, "sha512"), "v1")
    target = f"{registry.address}/copying/sha512:v1"
    found = copied(capsys, f"layout://{tmp_path / 'layout'}:v1", target)
    assert found["digest"] == str(made.digest)
    assert open_documents(parse_source(found["reference"]), opened).document().content == made.content


@pytest.mark.parametrize("size", [1000, len(LARGE)])
def test_wrong_bytes_are_published_nowhere(
    fake: FakeRegistry, opened: Access, tmp_path: Path, capsys: pytest.CaptureFixture[str], size: int
) -> None:
    """Neither a small blob nor a large one: the tag is not there, nor a blob under a digest that it has not."""
    pusher = open_pusher(parse_source(fake.reference()), opened)
    content = LARGE[:size]
    pusher.put_document(manifest(pusher, content), "v1")
    fake.blobs[str(Digest.of(content))] = content[:-1] + b"?"
    target = f"layout://{tmp_path / 'layout'}:v1"
    assert weighbridge.main(["copy", fake.reference(), target, "--quiet"]) == 1
    assert "[content.mismatch]" in capsys.readouterr().err
    with pytest.raises(Fault):
        open_repository(parse_source(target), opened).resolve()
    assert not (tmp_path / "layout/blobs/sha256" / Digest.of(content).hex).exists()


@pytest.mark.parametrize("size", [1000, len(LARGE)])
def test_a_mirror_that_sends_wrong_bytes_is_left_for_the_registry(
    fake: FakeRegistry, opened: Access, tmp_path: Path, capsys: pytest.CaptureFixture[str], size: int
) -> None:
    """Law: one healthy host is enough, whatever a cache before it holds; it is not asked for the blob again."""
    content = LARGE[:size]
    pusher = open_pusher(parse_source(fake.reference()), opened)
    pusher.put_document(manifest(pusher, content), "v1")
    name = str(Digest.of(content))
    with fake_registry() as mirror:
        mirror.manifests.update(fake.manifests)
        mirror.blobs.update(fake.blobs | {name: b"?" + content[1:]})
        hosts = hosts_dir(tmp_path, fake.address, mirror)
        found = copied(capsys, fake.reference(), f"layout://{tmp_path / 'layout'}:v1", "--hosts-dir", hosts)
        assert found["wireBytes"] == found["bytes"] + (size if size == len(LARGE) else 0)
        assert len([one for one in mirror.blob_requests() if name in one.path]) == 1
    assert (tmp_path / "layout/blobs/sha256" / Digest.of(content).hex).read_bytes() == content


def test_broken_connections_cost_neither_the_copy_nor_its_bytes(
    fake: FakeRegistry, opened: Access, capsys: pytest.CaptureFixture[str]
) -> None:
    """Reads go on behind what came, writes behind what arrived."""
    pusher = open_pusher(parse_source(fake.reference()), opened)
    pusher.put_document(manifest(pusher, LARGE), "v1")
    fake.fail(faults.truncated(3 << 20, resets=True), path=str(Digest.of(LARGE)), times=2)
    with fake_registry() as other:
        other.cuts += [5 << 20, 1 << 20]
        found = copied(capsys, fake.reference(), other.reference())
        assert other.blobs[str(Digest.of(LARGE))] == LARGE
        assert other.manifests["v1"] == fake.manifests["v1"]
    assert found["wireBytes"] == found["bytes"]


def test_a_host_that_ignores_ranges_is_read_from_the_front(
    fake: FakeRegistry, opened: Access, capsys: pytest.CaptureFixture[str]
) -> None:
    """After a broken connection the bytes that came are passed over."""
    pusher = open_pusher(parse_source(fake.reference()), opened)
    pusher.put_document(manifest(pusher, LARGE), "v1")
    name = str(Digest.of(LARGE))
    fake.fail(faults.ignoring_ranges(LARGE), path=name)
    fake.fail(faults.truncated(4 << 20, resets=True), path=name, times=1)
    with fake_registry() as other:
        copied(capsys, fake.reference(), other.reference())
        assert other.blobs[name] == LARGE


def test_an_index_whose_manifest_is_missing_is_not_copied_in_part(
    fake: FakeRegistry, opened: Access, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is left out in silence."""
    index = signed_index(fake.reference(), opened)
    del fake.manifests[str(index.children[1].digest)]
    target = f"layout://{tmp_path / 'layout'}:v1"
    assert weighbridge.main(["copy", fake.reference(), target, "--quiet"]) == 1
    assert "[registry.not-found]" in capsys.readouterr().err
    with pytest.raises((NotFound, Fault)):
        open_documents(parse_source(target), opened).document()


@pytest.mark.parametrize("kind", ["registry", "layout"])
def test_a_signature_that_was_deleted_and_is_listed_still_is_left_out_with_a_word(
    fake: FakeRegistry, opened: Access, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    """Its own registry does not have it: that makes no artifact uncopiable."""
    index = signed_index(fake.reference(), opened)
    (gone,) = open_documents(parse_source(fake.reference()), opened).referrers(index.digest)
    source = fake.reference() if kind == "registry" else f"layout://{tmp_path / 'first'}:v1"
    if kind == "layout":
        copied(capsys, fake.reference(), source)
        (tmp_path / "first/blobs/sha256" / gone.hex).unlink()
    del fake.manifests[str(gone)]
    layout = f"layout://{tmp_path / 'layout'}:v1"
    assert weighbridge.main(["copy", source, layout, "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["signatures"] == 2, "the one of a child, and cosign's"
    assert (f"left out: {gone}" in said.err) is (kind == "registry"), "a layout lists it without saying what it is"
    assert open_documents(parse_source(layout), opened).document().content == index.content


def test_a_signature_in_the_manifest_of_the_specs_candidates_is_copied(
    fake: FakeRegistry, opened: Access, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It has blobs and no config, and a registry shows it to those alone that ask for its type."""
    pusher = open_pusher(parse_source(fake.reference()), opened)
    root = manifest(pusher, b"root")
    pusher.put_document(root, "v1")
    stated = {"mediaType": ARTIFACT_MANIFEST_TYPE, "blobs": [blob(pusher, b"signature")], **about(root)}
    signature = Document.parse(json.dumps(stated, indent=2).encode())
    pusher.put_referrer(signature, root.digest)

    def picky(request: Request, answer: Answer) -> Answer:
        return answer if ARTIFACT_MANIFEST_TYPE in request.headers["accept"] else Answer(404)

    fake.fail(picky, path=f"/manifests/{signature.digest}")
    first, second = f"layout://{tmp_path / 'first'}:v1", f"layout://{tmp_path / 'second'}:v1"
    for source, target in ((fake.reference(), first), (first, second)):
        assert copied(capsys, source, target)["signatures"] == 1
        found = open_documents(parse_source(target), opened)
        assert found.document(signature.digest) == signature
        assert found.read(signature.layers[0], 100) == b"signature"
        assert found.referrers(root.digest) == (signature.digest,)


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        ("hf://microsoft/phi-4", "layout:///x:v1", "pack it as one: weighbridge push hf://microsoft/phi-4@main REF"),
        ("pvc://models/x", "layout:///x:v1", "a claim is mounted into pods"),
        ("layout:///absent:v1", "hf://microsoft/phi-4", "nothing is pushed to the hub"),
        ("layout:///absent:v1", f"r.example/m@sha256:{'0' * 64}", "push to a tag"),
    ],
)
def test_places_that_cannot_be_copied_from_or_to_are_told(
    source: str, target: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is read."""
    assert weighbridge.main(["copy", source, target, "--quiet"]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("entry", [b"<xml/>", b"{}", None], ids=["another type", "no manifest", "cut off"])
def test_what_a_layout_lists_beside_its_artifacts_and_is_none_ends_no_copy(
    opened: Access, tmp_path: Path, capsys: pytest.CaptureFixture[str], entry: bytes | None
) -> None:
    """Other tools may list anything; what refers to the artifact is found beside it."""
    layout = tmp_path / "layout"
    signed_index(f"layout://{layout}:v1", opened)
    digest = Digest.of(entry or b"longer")
    (layout / "blobs/sha256" / digest.hex).write_bytes(entry or b"long")
    index = json.loads((layout / "index.json").read_text())
    stated = {"mediaType": "application/xml", "digest": str(digest), "size": len(entry or b"longer")}
    (layout / "index.json").write_text(json.dumps(index | {"manifests": [stated, *index["manifests"]]}))
    assert copied(capsys, f"layout://{layout}:v1", f"layout://{tmp_path / 'other'}:v1")["signatures"] == 4


def test_a_copy_through_a_mirror_needs_no_registry(fake: FakeRegistry, opened: Access, tmp_path: Path) -> None:
    """The mirror's signatures are taken, which may be fewer; that is told, and asked of the registry once."""
    index = signed_index(fake.reference(), opened)
    with fake_registry() as origin:
        origin.fail(faults.status(503), path="/v2/")
        hosts = hosts_dir(tmp_path, origin.address, fake)
        source, target = parse_source(origin.reference()), f"layout://{tmp_path / 'layout'}:v1"
        reporter = Listener()
        with replace(opened, hosts_dir=hosts) as access:
            copy(open_documents(source, access), open_pusher(parse_source(target), access), reporter)
        assert len([one for one in reporter.said if "cannot be asked for signatures" in one]) == 1
        asked = [one.path for one in origin.requests if "/referrers/" in one.path]
        assert len(set(asked)) == 1
    reader = open_documents(parse_source(target), opened)
    assert told(reader, index.digest) == {b"signature", b"timestamp of the signature"}
    assert reader.document(f"{tag_of_referrers(index.digest)}.sig").digest


def test_a_registry_that_is_down_and_has_no_mirror_ends_a_copy(
    fake: FakeRegistry, opened: Access, tmp_path: Path
) -> None:
    """Nothing is left out because nobody could be asked."""
    signed_index(fake.reference(), opened)
    fake.fail(faults.status(503), path="/referrers/")
    documents = open_documents(parse_source(fake.reference()), opened)
    with pytest.raises(Unavailable):
        copy(documents, open_pusher(parse_source(f"layout://{tmp_path / 'layout'}:v1"), opened), Listener())


def oras(part: Part, *arguments: str, folder: Path) -> str:
    """Run the real oras in a folder, and return what it prints."""
    answer = subprocess.run([part("oras"), *arguments], cwd=folder, check=False, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def discovered(part: Part, *arguments: str, folder: Path) -> list[str]:
    """Return the types of what oras finds to refer to an artifact."""
    found = json.loads(oras(part, "discover", "--format", "json", *arguments, folder=folder))
    return [one["artifactType"] for one in found["referrers"]]


def test_what_oras_attached_is_found_by_oras_after_a_copy(
    registry: Registry, part: Part, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a registry, and in a layout, which each of the two reads as the other wrote it."""
    first, last = f"{registry.address}/oras/first:v1", f"{registry.address}/oras/last:v1"
    folder = write_tree(tmp_path / "model", {"config.json": b"{}"})
    (tmp_path / "sbom.json").write_text("{}")
    assert weighbridge.main(["push", str(folder), first, "--quiet"]) == 0
    capsys.readouterr()
    oras(part, "attach", "--plain-http", "--artifact-type", "example/sbom", first, "sbom.json", folder=tmp_path)
    assert copied(capsys, first, f"layout://{tmp_path / 'ours'}:v1")["signatures"] == 1
    assert discovered(part, "--oci-layout", "ours:v1", folder=tmp_path) == ["example/sbom"]
    oras(part, "cp", "-r", "--from-plain-http", "--to-oci-layout", first, "theirs:v1", folder=tmp_path)
    assert copied(capsys, f"layout://{tmp_path / 'theirs'}:v1", last)["signatures"] == 1
    assert discovered(part, "--plain-http", last, folder=tmp_path) == ["example/sbom"]
