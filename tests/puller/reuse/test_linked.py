"""Links that are selected, and what they lead to that is not: what is pulled holds the bytes under the link's name."""

import os
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from posixpath import relpath
from random import Random

import pytest

from puller.errors import BadArtifact, NothingSelected, UnsafePath
from puller.pull import pull
from puller.settings import Settings
from puller.store.receipt import Receipt
from registry.access.access import Access
from registry.auth.credentials import Credentials
from registry.errors import NotFound
from registry.globs import is_selected
from registry.http.transport import Transport
from registry.manifest import Descriptor
from registry.progress.reporter import QuietReporter
from tests.fakes.registry import Answer, fake_registry
from tests.puller.models import manifest_of, read_tree
from tests.puller.packs import CODECS, Layer, Layout, member, tar_of

MODELPACK = "application/vnd.cncf.model.manifest.v1+json"
WEIGHT = "application/vnd.cncf.model.weight.v1"
IMAGE, LAYER = "application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.layer.v1.tar"
CASES = int(os.environ.get("WEIGHBRIDGE_LAWS", "5")) * 20


@pytest.fixture
def access() -> Iterator[Access]:
    """Reach nothing but loopback, as nobody."""
    with Access(transport=Transport(proxies={}), credentials=Credentials()) as opened:
        yield opened


def bring(source: str, folder: Path, access: Access, **changes: object) -> Receipt:
    """Pull to `folder/model`."""
    folder.mkdir(exist_ok=True)
    settings = Settings(source=source, destination=str(folder / "model"), **changes)  # type: ignore[arg-type] # each test its own
    return pull(settings, access, QuietReporter())


def symlink(name: str, target: str) -> tarfile.TarInfo:
    """Return a symbolic link."""
    return member(name, tarfile.SYMTYPE, linkname=target)


def hard_link(name: str, target: str) -> tarfile.TarInfo:
    """Return a hard link."""
    return member(name, tarfile.LNKTYPE, linkname=target)


def archived(layout: Layout, tar: bytes, *, is_image: bool = False, codec: str = "") -> str:
    """Write an archive as an image's layer, where its names are below `models`, or as a ModelPack's."""
    if is_image:
        return layout.tag(layout.manifest([Layer(tar, LAYER)], config_type=IMAGE))
    layer = Layer(CODECS[codec](tar), f"{WEIGHT}.tar{codec}")
    return layout.tag(layout.manifest([layer], artifact_type=MODELPACK))


CACHE = "m/snapshots/r/w.safetensors"


@pytest.mark.parametrize(
    ("files", "links", "chosen", "expected"),
    [
        (
            {"m/blobs/abc": b"w", "other": b"o"},
            [symlink(CACHE, "../../blobs/abc")],
            {"include": ("*.safetensors",)},
            CACHE,
        ),
        (
            {"m/blobs/abc": b"w", "other": b"o"},
            [symlink(CACHE, "../../blobs/abc")],
            {"exclude": ("m/blobs", "o*")},
            CACHE,
        ),
        ({"a": b"w"}, [hard_link("b.st", "a")], {"include": ("*.st",)}, "b.st"),
        ({"a": b"w"}, [hard_link("b.st", "a")], {"exclude": ("a",)}, "b.st"),
        ({"a": b"w"}, [hard_link("b", "a"), hard_link("c.st", "b")], {"include": ("*.st",)}, "c.st"),
        ({"a": b"w"}, [symlink("b", "a"), symlink("c.st", "b")], {"include": ("*.st",)}, "c.st"),
        ({"a": b"w"}, [symlink("b", "a"), hard_link("c.st", "b")], {"include": ("*.st",)}, "c.st"),
        ({"d/a": b"w"}, [symlink("e", "d"), symlink("c.st", "e/a")], {"include": ("*.st",)}, "c.st"),
        ({"v1/w.st": b"w", "v2/w.st": b"n"}, [symlink("now", "v1")], {"include": ("now",)}, "now/w.st"),
        (
            {"v1/w.st": b"w", "v1/x": b"n"},
            [symlink("now", "v1")],
            {"include": ("now",), "exclude": ("*/x",)},
            "now/w.st",
        ),
    ],
    ids=[
        *("a cache's link", "what it leads to is excluded", "a hard link", "its file is excluded", "twice a hard link"),
        *("twice a link", "a hard link to a link", "through a folder's link", "a folder", "a folder without a file"),
    ],
)
@pytest.mark.parametrize("is_first", [True, False], ids=["links first", "links last"])
@pytest.mark.parametrize("is_image", [True, False], ids=["image", "archive"])
def test_a_link_that_is_selected_keeps_what_it_leads_to(
    tmp_path: Path,
    access: Access,
    files: dict[str, bytes],
    links: list[tarfile.TarInfo],
    chosen: dict[str, tuple[str, ...]],
    expected: str,
    *,
    is_first: bool,
    is_image: bool,
) -> None:
    """Whatever its kind and its place in the archive, and nothing that was left out is there but for it."""
    tar = tar_with(files, links, root="models/" if is_image else "", is_first=is_first)
    bring(archived(Layout(tmp_path / "layout"), tar, is_image=is_image), tmp_path, access, **chosen)
    model = tmp_path / "model"
    assert (model / expected).read_bytes() == b"w"
    assert set(read_tree(model).values()) == {b"w"}
    assert [path for path in model.rglob("*") if path.is_symlink() and not path.exists()] == []


def tar_with(files: dict[str, bytes], links: Sequence[tarfile.TarInfo], *, root: str, is_first: bool) -> bytes:
    """Return a tar of files and links below a folder; hard links come after all else."""
    placed = [
        member(root + one.name, one.type, linkname=(root if one.type == tarfile.LNKTYPE else "") + one.linkname)
        for one in links
    ]
    first = [one for one in placed if one.type == tarfile.SYMTYPE and is_first]
    empty = tar_of({}, *first, padded=False)[: -2 * 512]
    return empty + tar_of(
        {root + name: text for name, text in files.items()}, *(one for one in placed if one not in first)
    )


def test_nothing_but_a_link_that_led_nowhere_before_is_nothing(tmp_path: Path, access: Access) -> None:
    """A server would start without weights."""
    source = archived(Layout(tmp_path / "layout"), tar_of({"a": b"1"}, symlink("b.st", "gone")))
    with pytest.raises(NothingSelected):
        bring(source, tmp_path, access, include=("*.st",))
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    "bad", [symlink("up", "../../etc/passwd"), symlink("abs", "/etc/passwd"), hard_link("h", "gone")]
)
@pytest.mark.parametrize("is_image", [True, False], ids=["image", "archive"])
def test_a_link_that_is_not_selected_matters_to_nobody(
    tmp_path: Path, access: Access, bad: tarfile.TarInfo, *, is_image: bool
) -> None:
    """Where it leads is judged of what is selected: include and exclude are the way out."""
    tar = tar_with({"w": b"1"}, [bad], root="models/" if is_image else "", is_first=False)
    source = archived(Layout(tmp_path / "layout"), tar, is_image=is_image)
    bring(source, tmp_path, access, exclude=(bad.name,))
    assert read_tree(tmp_path / "model") == {"w": b"1"}
    with pytest.raises(BadArtifact):
        bring(source, tmp_path, access, include=(bad.name,))


def test_a_hard_link_without_a_file_is_told_without_a_suspicion(tmp_path: Path, access: Access) -> None:
    """Nothing is unsafe about it: the file is missing."""
    source = archived(Layout(tmp_path / "layout"), tar_of({"a": b"1"}, hard_link("b", "gone")))
    with pytest.raises(BadArtifact, match="'b' is a hard link to 'gone'") as caught:
        bring(source, tmp_path, access)
    assert not isinstance(caught.value, UnsafePath)


def test_a_hard_link_out_of_an_images_folder_keeps_its_file(tmp_path: Path, access: Access) -> None:
    """The file is in the same layer; in another one the whole image is the way, and the hint says so."""
    layout = Layout(tmp_path / "layout")
    bring(archived(layout, tar_of({"opt/a": b"w"}, hard_link("models/b", "opt/a")), is_image=True), tmp_path, access)
    assert read_tree(tmp_path / "model") == {"b": b"w"}
    layers = [
        Layer(tar_of({"opt/a": b"w"}), LAYER),
        Layer(tar_of({"models/c": b"1"}, hard_link("models/b", "/opt/a")), LAYER),
    ]
    source = layout.tag(layout.manifest(layers, config_type=IMAGE), "two")
    with pytest.raises(BadArtifact, match="hard link to 'opt/a'") as caught:
        bring(source, tmp_path, access)
    assert "--image-path /" in caught.value.hint
    bring(source, tmp_path, access, image_path="/")
    assert read_tree(tmp_path / "model") == {"opt/a": b"w", "models/b": b"w", "models/c": b"1"}


def test_a_link_to_a_layer_of_its_own_is_told_with_what_to_include(tmp_path: Path, access: Access) -> None:
    """A layer that is not selected is not fetched for a link of another one."""
    layout = Layout(tmp_path / "layout")
    raw = Layer(b"w", f"{WEIGHT}.raw", {"org.cncf.model.filepath": "blobs/w"})
    layers = [raw, Layer(tar_of({}, symlink("w.st", "blobs/w")), f"{WEIGHT}.tar")]
    source = layout.tag(layout.manifest(layers, artifact_type=MODELPACK))
    with pytest.raises(BadArtifact, match="a layer of its own") as caught:
        bring(source, tmp_path, access, include=("*.st",))
    assert caught.value.hint == "add --include blobs/w"
    bring(source, tmp_path, access, include=("*.st", "blobs/w"))
    assert read_tree(tmp_path / "model") == {"w.st": b"w", "blobs/w": b"w"}


def test_a_chain_of_links_has_an_end(tmp_path: Path, access: Access) -> None:
    """Each link on the way is known only when the archive came again: after a few times the hint helps."""
    links = [symlink(f"l{number}", f"l{number - 1}") for number in range(1, 20)]
    source = archived(Layout(tmp_path / "layout"), tar_of({"l0": b"w"}, *links))
    with pytest.raises(BadArtifact, match="through more than") as caught:
        bring(source, tmp_path, access, include=("l19",))
    assert "--include" in caught.value.hint


def test_an_archive_is_fetched_again_only_for_a_link(tmp_path: Path, access: Access) -> None:
    """What a selection leaves out costs no second transfer; a pull that was ended in the second one goes on."""
    with fake_registry() as fake:
        plain, linked = tar_of({"a": b"1" * 9000, "b.st": b"2"}), tar_of({"a": b"w" * 9000}, hard_link("b.st", "a"))
        for tag, tar, times in (("plain", plain, 1), ("linked", linked, 2)):
            layer = Descriptor(media_type=f"{WEIGHT}.tar", digest=fake.add_blob(tar), size=len(tar))
            fake.add(manifest_of([layer]), tag)
            receipt = bring(fake.reference(tag), tmp_path, access, include=("*.st",))
            assert receipt.wire_bytes == times * len(tar)
            assert list(read_tree(tmp_path / "model")) == ["b.st"]
        fake.fail(lambda _request, _answer: Answer(404), skips=1)
        with pytest.raises(NotFound):
            bring(fake.reference("linked"), tmp_path / "again", access, include=("*.st",))
        fake.faults.clear()
        bring(fake.reference("linked"), tmp_path / "again", access, include=("*.st",))
        assert read_tree(tmp_path / "again/model") == {"b.st": b"w" * 9000}


def random_archive(random: Random) -> tuple[dict[str, bytes], list[tarfile.TarInfo]]:
    """Return files and up to four links to them, to each other, and to folders; none leads to itself."""
    folders = ("", "a/", "a/b/", "c/")
    files = {f"{random.choice(folders)}f{number}.{random.choice('xy')}": b"%d" % number for number in range(4)}
    names, links, hard = list(files), list[tarfile.TarInfo](), list(files)
    for number in range(random.randint(1, 4)):
        name = f"{random.choice(folders)}l{number}.{random.choice('xy')}"
        if random.random() < 0.5:
            links.append(hard_link(name, random.choice(hard)))
            hard.append(name)
        else:
            links.append(symlink(name, relpath(random.choice(names), name.rpartition("/")[0] or ".")))
        names.append(name)
    return files, links


@pytest.mark.parametrize("seed", range(CASES))
def test_what_is_selected_reads_as_in_the_whole_model(tmp_path: Path, access: Access, seed: int) -> None:
    """Law: each name that the globs select has the bytes that it has where nothing is left out."""
    random = Random(seed)
    files, links = random_archive(random)
    is_image = random.random() < 0.5
    tar = tar_with(files, links, root="models/" if is_image else "", is_first=random.random() < 0.5)
    source = archived(Layout(tmp_path / "layout"), tar, is_image=is_image, codec=random.choice(("", "+gzip")))
    globs = ("*.x", "a", "c/*", "l*", "*l1*", "a/b/", "f0*")
    include = tuple(random.sample(globs, random.randint(0, 2)))
    exclude = tuple(random.sample(globs, random.randint(0 if include else 1, 1)))
    bring(source, tmp_path / "whole", access)
    wanted = [name for name in (*files, *(link.name for link in links)) if is_selected(name, include, exclude)]
    if not wanted:
        with pytest.raises(NothingSelected):
            bring(source, tmp_path / "some", access, include=include, exclude=exclude)
        return
    bring(source, tmp_path / "some", access, include=include, exclude=exclude)
    whole, some = tmp_path / "whole/model", tmp_path / "some/model"
    assert {name: (some / name).read_bytes() for name in wanted} == {
        name: (whole / name).read_bytes() for name in wanted
    }
    assert set(read_tree(some)) == set(wanted)
