"""A tar that stands nowhere: the bytes that tarfile reads back, in every way in which they are read here."""

import io
import tarfile
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packer.contents.content import Content
from packer.contents.part_hasher import PartHasher
from packer.contents.tar_layer import TarLayer
from packer.errors import BadName
from packer.image.tar import tar_of
from packer.layer_blob import RAW
from packer.source.scan import scan
from packer.upload.raw_upload import bytes_of
from registry.chunk_index import FileDigests
from registry.digest import Digest
from registry.errors import BadManifest
from registry.manifest import Descriptor
from tests.packer.image.files import file_of
from tests.puller.models import noise, write_tree

LONG = "long/" * 40 + "name-" * 20
TREE = {
    "config.json": b"{}",
    "deep/er/empty": b"",
    "deep/er/weights": noise(200_000),
    "deep/other": noise(512),
    LONG: b"long",
    "ünïcödé 模型": b"text",
}


@pytest.fixture
def layer(tmp_path: Path) -> TarLayer:
    """Return the tar of TREE."""
    return tar_of(scan(write_tree(tmp_path / "model", TREE)))


def read_in_parts(content: Content, sizes: list[int]) -> bytes:
    """Read content with buffers of these sizes, one after the other and again."""
    found = bytearray()
    with content.opened() as source:
        while True:
            for size in sizes:
                buffer = memoryview(bytearray(size))
                count = source.readinto(buffer)
                found += buffer[:count]
                if not count:
                    source.check()
                    return bytes(found)


def test_tarfile_reads_it_back(layer: TarLayer) -> None:
    """Folders before what is in them, nobody's, of no time; the modes are those of files and folders."""
    content = bytes_of(layer)
    assert len(content) == layer.size
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        members = tar.getmembers()
        files = {one.name: tar.extractfile(one) for one in members if one.isreg()}
        assert {name: file.read() for name, file in files.items() if file} == {
            f"models/{name}": text for name, text in TREE.items()
        }
    folders = [one.name for one in members if one.isdir()]
    assert folders == sorted(set(folders))
    assert {"models", "models/deep", "models/deep/er"} <= set(folders)
    names = [one.name for one in members]
    assert all(names.index(one.rpartition("/")[0]) < names.index(one) for one in names if "/" in one)
    assert {(one.uid, one.gid, one.uname, one.gname, one.mtime) for one in members} == {(0, 0, "", "", 0)}
    assert {(one.isdir(), one.mode) for one in members} == {(True, 0o755), (False, 0o644)}


def test_a_program_stays_one_and_other_modes_are_files(tmp_path: Path) -> None:
    """Whatever the umask of whoever downloaded the model."""
    folder = write_tree(tmp_path / "model", {"run.sh": b"", "private": b""})
    (folder / "run.sh").chmod(0o700)
    (folder / "private").chmod(0o600)
    with tarfile.open(fileobj=io.BytesIO(bytes_of(tar_of(scan(folder))))) as tar:
        assert {one.name: one.mode for one in tar if one.isreg()} == {"models/run.sh": 0o755, "models/private": 0o644}


@settings(max_examples=30, deadline=None)
@given(sizes=st.lists(st.sampled_from([1, 7, 511, 512, 513, 4096, 1 << 19]), min_size=1, max_size=3))
def test_buffers_of_any_size_give_the_same_bytes(sizes: list[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Law: wherever a read ends, the next goes on."""
    folder = tmp_path_factory.mktemp("model")
    layer = tar_of(scan(write_tree(folder, {**TREE, "deep/er/weights": noise(3000)})))
    assert read_in_parts(layer, sizes) == bytes_of(layer)


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_any_stretch_can_be_read_again(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Law: what a broken connection lost is the same bytes, across headers and files."""
    layer = tar_of(scan(write_tree(tmp_path_factory.mktemp("model"), TREE)))
    whole = bytes_of(layer)
    start = data.draw(st.integers(0, len(whole)))
    stop = data.draw(st.integers(start, len(whole)))
    with layer.opened() as source:
        assert source.read_at(stop - start, start) == whole[start:stop]


def test_each_file_has_its_digest(layer: TarLayer) -> None:
    """Also those that are empty; the annotation reads back as it was written."""
    parts = PartHasher(layer.stops())
    content = bytes_of(layer)
    for start, stop in pairwise([*range(0, len(content), 1000), len(content)]):
        parts.update(memoryview(content)[start:stop])
    blob = layer.blob(Digest.of(content), parts.digests)
    described = Descriptor(media_type="x", digest=blob.digest, size=blob.size, annotations=blob.annotations)
    found = FileDigests.of(described)
    assert found is not None
    assert found.by_name == {f"models/{name}": (len(text), Digest.of(text, "blake3")) for name, text in TREE.items()}


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"a": 1}', '{"a": [1]}', '{"a": [-1, "0"]}', '{"a": [true, "0"]}', '{"a": [1, "0"]}']
)
def test_an_annotation_that_is_no_table_of_files_is_refused(text: str) -> None:
    """And named, with its layer."""
    layer = Descriptor(
        media_type="x", digest=Digest("0" * 64), size=1, annotations={"dev.weighbridge.files.blake3": text}
    )
    with pytest.raises(BadManifest, match=r"no table of files"):
        FileDigests.of(layer)


def test_a_file_of_more_than_eight_gigabytes_has_a_header_that_says_so() -> None:
    """The old field of a header ends there; pax goes on."""
    header, *_ = tar_of([file_of("large", 9 << 30)]).segments
    assert isinstance(header, bytes)
    with tarfile.open(fileobj=io.BytesIO(header), mode="r|") as tar:
        folder, file = tar.next(), tar.next()
    assert folder is not None
    assert file is not None
    assert (folder.name, file.name, file.size) == ("models", "models/large", 9 << 30)


def test_what_a_layer_is_known_by_is_its_names_and_files(tmp_path: Path) -> None:
    """A second look finds the same; another name, mode or file does not."""
    folder = write_tree(tmp_path / "model", {"a": b"1", "b": b"2"})
    before = tar_of(scan(folder)).identity(RAW)
    assert tar_of(scan(folder)).identity(RAW) == before
    (folder / "a").chmod(0o755)
    moded = tar_of(scan(folder)).identity(RAW)
    (folder / "a").rename(folder / "c")
    assert len({before, moded, tar_of(scan(folder)).identity(RAW)}) == 3


@pytest.mark.parametrize("name", [".wh.config.json", "deep/.wh..wh..opq", ".wh.folder/config.json"])
def test_a_name_that_would_remove_a_file_is_refused(name: str) -> None:
    """In a layer it is a whiteout, and no file."""
    with pytest.raises(BadName, match="removes a file"):
        tar_of([file_of(name, 1)])


def test_a_name_that_is_too_long_below_the_images_folder_is_refused() -> None:
    """The puller would refuse it."""
    with pytest.raises(BadName, match="too long"):
        tar_of([file_of("folder/" * 145 + "12345678", 1)])
