"""The tags of a repository, from the real registry, a scripted one, and a layout."""

import json
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import pytest

import weighbridge
from registry.documents.document import Document
from registry.errors import BadManifest, Refused
from registry.manifest import MANIFEST_TYPE, Descriptor, Index
from registry.open import open_pusher
from registry.reference import Reference
from registry.remote.tags import tags_of
from registry.source import parse_source
from tests.fakes import faults
from tests.fakes.registry import Answer, Change, FakeRegistry, Request, fake_registry
from tests.packer.test_copying import manifest
from tests.parts.distribution import Registry
from tests.puller.models import write_tree
from tests.registry.remote.test_pull import access


def listed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, object]]:
    """Return what the verb prints as JSON."""
    assert weighbridge.main(["list", *arguments, "--json"]) == 0
    found: list[dict[str, object]] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.parametrize("kind", ["registry", "layout"])
def test_every_tag_is_shown_with_its_artifact(
    registry: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    """As a push left them: digests, sizes and kinds, for programs and for people."""
    repository = f"{registry.address}/list/model" if kind == "registry" else f"layout://{tmp_path / 'layout'}"
    pinned = {}
    for number, tag in enumerate(["v1", "v2", "latest"]):
        folder = str(write_tree(tmp_path / tag, {"config.json": b"{}" * (number + 1)}))
        assert weighbridge.main(["push", folder, f"{repository}:{tag}", "--quiet"]) == 0
        pinned[tag] = capsys.readouterr().out.strip().partition("@")[2]
    found = {one["tag"]: one for one in listed(capsys, repository)}
    assert {tag: one["digest"] for tag, one in found.items()} == pinned
    assert [found[tag]["size"] for tag in ("v1", "v2", "latest")] == [2, 4, 6]
    assert {one["kind"] for one in found.values()} == {"application/vnd.cncf.model.manifest.v1+json"}
    assert weighbridge.main(["list", repository]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["TAG", "DIGEST", "SIZE", "LAYERS", "KIND"]
    assert len(lines) == 4


@pytest.mark.parametrize("kind", ["registry", "layout"])
@pytest.mark.parametrize(
    ("platforms", "words"),
    [
        ([], "index, 0 manifests"),
        (["", ""], "index, 2 manifests"),
        (["plan9/mips", "linux/sparc64"], "index, 2 manifests"),
    ],
    ids=["nothing", "two signatures", "other machines"],
)
def test_an_index_that_leads_to_no_one_artifact_is_shown_as_one(
    fake: FakeRegistry, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, platforms: list[str], words: str
) -> None:
    """Law: a repository in health is listed with exit code 0: a list of signatures, other machines' images."""
    repository = fake.reference() if kind == "registry" else f"layout://{tmp_path / 'layout'}:v1"
    with access(tmp_path) as opened:
        pusher = open_pusher(parse_source(repository), opened)
        entries = []
        for number, platform in enumerate(platforms):
            document = manifest(pusher, b"%d" % number)
            pusher.put_document(document)
            described = Descriptor(
                media_type=MANIFEST_TYPE, digest=document.digest, size=len(document.content), platform=platform
            )
            entries.append(described)
        index = Document.parse(Index(manifests=tuple(entries)).to_bytes())
        pusher.put_document(index, f"sha256-{'a' * 64}")
        pusher.put_document(manifest(pusher, b"model"), "v1")
    if kind == "registry":
        script(fake, *[page(["v1", f"sha256-{'a' * 64}"])] * 2)
    found = {one["tag"]: one for one in listed(capsys, repository.rpartition(":")[0])}
    assert found[f"sha256-{'a' * 64}"]["kind"] == words
    assert found[f"sha256-{'a' * 64}"]["digest"] == str(index.digest)
    assert found["v1"]["layers"] == 1
    assert weighbridge.main(["list", repository.rpartition(":")[0]]) == 0
    assert words in capsys.readouterr().out


def test_a_tag_that_cannot_be_read_is_named_beside_the_others(
    fake: FakeRegistry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With why; the others are shown all the same, and the exit code says that something is wrong."""
    with access(tmp_path) as opened:
        pusher = open_pusher(parse_source(fake.reference()), opened)
        pusher.put_document(manifest(pusher, b"model"), "v1")
    fake.manifests["broken"] = b"<html>"
    script(fake, page(["v1", "broken"]))
    assert weighbridge.main(["list", fake.reference().rpartition(":")[0], "--json"]) == 1
    found = {one["tag"]: one for one in json.loads(capsys.readouterr().out)}
    assert "not JSON" in found["broken"]["problem"]
    assert found["v1"]["layers"] == 1


def test_a_repository_that_is_not_there_is_said(registry: Registry, capsys: pytest.CaptureFixture[str]) -> None:
    """With the registry's own words."""
    assert weighbridge.main(["list", f"{registry.address}/list/absent"]) == 1
    assert "NAME_UNKNOWN" in capsys.readouterr().err
    assert weighbridge.main(["list", "hf://microsoft/phi-4"]) == 2
    assert "has no list of tags" in capsys.readouterr().err


@pytest.fixture
def fake() -> Iterator[FakeRegistry]:
    """Run a fake registry."""
    with fake_registry() as running:
        yield running


def page(tags: object, link: str = "") -> Change:
    """Return the answer with a page of tags."""
    content = json.dumps({"name": "team/model", "tags": tags}).encode()
    return faults.replaced(content, **({"Link": link} if link else {}))


def script(fake: FakeRegistry, *pages: Change) -> None:
    """Answer requests for tags with one page after the other."""
    left = deque(pages)

    def next_page(request: Request, answer: Answer) -> Answer:
        return left.popleft()(request, answer)

    fake.faults.clear()
    fake.fail(next_page, path="/tags/")


def test_pages_are_followed_on_the_registrys_own_host(fake: FakeRegistry, tmp_path: Path) -> None:
    """By the Link header, which leads nowhere else."""
    reference = Reference.parse(fake.reference())
    script(fake, page(["a", "b"], '</v2/team/model/tags/list?last=b&n=1000>; rel="next"'), page(["c"]))
    with access(tmp_path) as opened:
        assert tags_of(opened, reference) == ["a", "b", "c"]
        script(fake, page(["a"], '<http://169.254.169.254/latest>; rel="next"'))
        with pytest.raises(Refused, match="another host"):
            tags_of(opened, reference)


@pytest.mark.parametrize("tags", ["text", {"a": 1}, 5])
def test_a_list_that_is_none_is_an_error(fake: FakeRegistry, tmp_path: Path, tags: object) -> None:
    """And null is an empty one, as registries write it."""
    reference = Reference.parse(fake.reference())
    with access(tmp_path) as opened:
        script(fake, page(None))
        assert tags_of(opened, reference) == []
        script(fake, page(tags))
        with pytest.raises(BadManifest, match="list of tags"):
            tags_of(opened, reference)
