"""Packing behind zstd: the same bytes back, from any order of chunks, whatever the registry does."""

import re
import struct
import subprocess
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
import zstandard

from packer.contents.whole_file import WholeFile
from packer.errors import Changed
from packer.layer_blob import RAW, ZSTD, LayerBlob
from packer.ledger import Ledger
from packer.push import Options, Pushed, push
from packer.source.scan import scan
from packer.source.source_file import SourceFile
from packer.upload.sample import sample
from packer.upload.send import Target
from packer.upload.zstd_encoder import FRAME_BYTES, pack
from puller.errors import BadArtifact
from puller.pull import pull
from puller.settings import Settings
from registry.access.access import Access
from registry.annotations import layer_type
from registry.chunk_index import CHUNK_BYTES, CHUNK_SIZES, CONTENT_BYTES, CONTENT_START, PackedChunks
from registry.digest import Digest
from registry.errors import BadManifest
from registry.manifest import Descriptor
from registry.open import open_pusher, open_repository
from registry.progress.reporter import QuietReporter
from registry.source import OciSource, parse_source
from tests.conftest import Part
from tests.fakes import faults
from tests.fakes.registry import fake_registry
from tests.parts.distribution import Registry
from tests.puller.models import noise, read_tree, write_tree


def weights(count: int, seed: int = 3) -> bytes:
    """Return bytes of which half say nothing, as in bf16 numbers of one size."""
    content = bytearray(b"\x3c" * count)
    content[::2] = Random(seed).randbytes(len(content[::2]))
    return bytes(content)


TREE = {
    "config.json": b"{}",
    "a.safetensors": weights(40 << 20),
    "b.safetensors": noise(6 << 20),
    "deep/größe.gguf": weights((16 << 20) + 1, 4),
}


def send(folder: Path, target: str, access: Access, ledger: Ledger | None = None) -> Pushed:
    """Push a folder behind zstd."""
    source = parse_source(target)
    place = Target(open_pusher(source, access), ledger or Ledger(None))
    if isinstance(source, OciSource):
        place = replace(place, registry=source.reference.registry, repository=source.reference.repository)
    return push(folder, place, Options(codec=ZSTD), QuietReporter())


def fetch(source: str, destination: Path, access: Access) -> dict[str, bytes]:
    """Pull a model and read it."""
    pull(Settings(source=source, destination=str(destination)), access, QuietReporter())
    return read_tree(destination)


def found(path: Path) -> SourceFile:
    """Return a file as a scan finds it."""
    return scan(path.parent)[0]


def packed(file: SourceFile, chunk: int) -> tuple[LayerBlob, list[bytes]]:
    """Pack a file; give its blob in chunks."""
    chunks: list[bytes] = []
    return pack(file, chunk, chunks.append, lambda _: None), chunks


@pytest.fixture(params=["registry", "layout"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return a place to push to: the real registry, or a folder."""
    if request.param == "layout":
        return f"layout://{tmp_path / 'layout'}:v1"
    registry: Registry = request.getfixturevalue("registry")
    return f"{registry.address}/zstd/{tmp_path.name.lower().replace('_', '-')}:v1"


def test_push_then_pull_is_identity(target: str, access: Access, tmp_path: Path) -> None:
    """Large files that compress go behind zstd, the others as they are; all come back."""
    pushed = send(write_tree(tmp_path / "model", TREE), target, access)
    layers = open_repository(parse_source(pushed.pinned), access).resolve().manifest.layers
    assert [layer.media_type.rpartition(".")[2] for layer in layers] == [ZSTD, RAW, RAW, ZSTD]
    assert sum(layer.size for layer in layers) < 0.7 * sum(map(len, TREE.values()))
    assert fetch(pushed.pinned, tmp_path / "out", access) == TREE


@pytest.mark.parametrize("size", [1, FRAME_BYTES - 1, FRAME_BYTES, FRAME_BYTES + 1, 2 * FRAME_BYTES, 9_000_001])
@pytest.mark.parametrize("chunk", [FRAME_BYTES, 2 * FRAME_BYTES])
def test_every_chunk_unpacks_by_itself(tmp_path: Path, size: int, chunk: int) -> None:
    """Law: at any size, a chunk holds the bytes of the file that its number says, between the tar's header and end."""
    content = weights(size)
    file = found(write_tree(tmp_path, {"x" * 120: content}) / ("x" * 120))
    counted, chunks = packed(file, chunk)
    layer = Descriptor(media_type="", digest=counted.digest, size=counted.size, annotations=dict(counted.annotations))
    layout = PackedChunks.of(layer)
    assert layout is not None
    assert counted.digest == Digest.of(b"".join(chunks))
    assert [Digest.of(one, "blake3") for one in chunks] == list(layout.digests)
    whole = [zstandard.ZstdDecompressor().stream_reader(one, read_across_frames=True).read() for one in chunks]
    assert counted.diff_id == Digest.of(b"".join(whole))
    whole[0] = whole[0][layout.content_start :]
    assert b"".join(one[: min(chunk, size - number * chunk)] for number, one in enumerate(whole)) == content


def test_the_table_of_frames_is_zstds_seekable_format(tmp_path: Path) -> None:
    """Its last bytes tell every frame's size, packed and not."""
    content = weights(3 * FRAME_BYTES + 5)
    counted, chunks = packed(found(write_tree(tmp_path, {"w": content}) / "w"), 2 * FRAME_BYTES)
    blob = b"".join(chunks)
    count, flags, magic = struct.unpack("<IBI", blob[-9:])
    assert (flags, magic) == (0, 0x8F92EAB1)
    table = blob[-9 - 8 * count : -9]
    sizes = list(struct.iter_unpack("<II", table))
    assert sum(size for size, _ in sizes) + len(table) + 9 + 8 == len(blob) == counted.size
    position = 0
    for size, unpacked in sizes:
        assert len(zstandard.ZstdDecompressor().decompress(blob[position : position + size])) == unpacked
        position += size


def test_the_same_folder_gives_the_same_digest(registry: Registry, access: Access, tmp_path: Path) -> None:
    """However many threads compressed it, and wherever it goes."""
    folder = write_tree(tmp_path / "model", TREE)
    one = send(folder, f"{registry.address}/zstd/reproducible:v1", access)
    two = send(folder, f"layout://{tmp_path / 'two'}:v1", access)
    assert one.digest == two.digest


def test_the_specs_own_validator_accepts_the_config(part: Part, access: Access, tmp_path: Path) -> None:
    """Its diff IDs are those of the tars."""
    pushed = send(write_tree(tmp_path / "model", TREE), f"layout://{tmp_path / 'layout'}:v1", access)
    repository = open_repository(parse_source(pushed.pinned), access)
    config = repository.read(repository.resolve().manifest.config, 1 << 20)
    checked = subprocess.run([part("modelpack-validate")], input=config, capture_output=True, check=False)
    assert checked.returncode == 0, checked.stderr


def test_an_unchanged_file_is_neither_packed_nor_sent_again(access: Access, tmp_path: Path) -> None:
    """The ledger knows what it became behind each codec."""
    folder = write_tree(tmp_path / "model", {"a.safetensors": TREE["a.safetensors"]})
    file = folder / "a.safetensors"
    ledger = Ledger(tmp_path / "ledger.sqlite")
    first = send(folder, f"layout://{tmp_path / 'layout'}:v1", access, ledger)
    ledger.note(WholeFile(found(file), 16 << 20), LayerBlob(Digest("a" * 64), 1, Digest("b" * 64), ZSTD))
    assert send(folder, f"layout://{tmp_path / 'layout'}:v2", access, ledger).digest == first.digest


@pytest.mark.parametrize("cuts", [[3 << 20], [0], [1 << 20, 1 << 20], [4 << 20, 100, 0, 5]])
def test_an_upload_whose_connection_broke_goes_on_where_it_was(access: Access, tmp_path: Path, cuts: list[int]) -> None:
    """What arrived of a chunk is not sent again, and nothing is packed twice."""
    tree = {"a.safetensors": TREE["a.safetensors"]}
    with fake_registry() as fake:
        fake.cuts = list(cuts)
        pushed = send(write_tree(tmp_path / "model", tree), fake.reference(), access)
        assert fetch(pushed.pinned, tmp_path / "out", access) == tree


@pytest.mark.parametrize("code", [404, 405, 416, 501])
def test_a_registry_without_patches_gets_it_in_one_put(access: Access, tmp_path: Path, code: int) -> None:
    """Packed once to know its size and digest, and again while it is sent."""
    tree = {"a.safetensors": TREE["a.safetensors"]}
    with fake_registry() as fake:
        fake.fail(faults.refused(code, fake), method="PATCH", path="/uploads/")
        pushed = send(write_tree(tmp_path / "model", tree), fake.reference(), access)
        assert fetch(pushed.pinned, tmp_path / "out", access) == tree


def test_a_file_that_shrinks_while_it_is_packed_ends_the_push(tmp_path: Path) -> None:
    """No blob of half a file."""
    path = write_tree(tmp_path, {"w": weights(3 * FRAME_BYTES)}) / "w"
    file = found(path)
    path.write_bytes(b"x" * FRAME_BYTES)
    with pytest.raises(Changed):
        packed(file, FRAME_BYTES)


def test_a_sample_tells_whether_zstd_pays(tmp_path: Path) -> None:
    """Noise does not, numbers of one size do, and a file that is gone does not."""
    folder = write_tree(tmp_path, {"noise": noise(9 << 20), "weights": weights(9 << 20)})
    files = {file.path: file for file in scan(folder)}
    assert not sample(files["noise"]).pays
    assert sample(files["weights"]).pays
    (folder / "noise").unlink()
    assert not sample(files["noise"]).pays


def test_a_raw_push_tells_what_zstd_would_have_saved(access: Access, tmp_path: Path) -> None:
    """And says nothing where that is nothing."""
    said: list[str] = []

    class Listener(QuietReporter):
        def message(self, line: str) -> None:
            said.append(line)

    for name, content in (("weights", weights(9 << 20)), ("noise", noise(9 << 20))):
        folder = write_tree(tmp_path / name, {"model.bin": content})
        place = Target(open_pusher(parse_source(f"layout://{tmp_path / 'layout'}:{name}"), access), Ledger(None))
        push(folder, place, Options(), Listener())
    advice = [line for line in said if "--codec zstd" in line]
    assert len(advice) == 1
    assert re.search(r"save about [3-5]\.\d MB, [345]\d%", advice[0])


@pytest.mark.parametrize(
    "lie",
    [
        {CHUNK_SIZES: "AAAA"},
        {CHUNK_SIZES: "!"},
        {CHUNK_BYTES: "1"},
        {CHUNK_BYTES: "0"},
        {CONTENT_BYTES: ""},
        {CONTENT_START: "-1"},
    ],
)
def test_annotations_that_do_not_fit_are_refused(access: Access, tmp_path: Path, lie: dict[str, str]) -> None:
    """As many sizes and digests as chunks, and together the blob's size, or the manifest lies."""
    pushed = send(
        write_tree(tmp_path / "model", {"a.bin": weights(20 << 20)}), f"layout://{tmp_path / 'layout'}:v1", access
    )
    layer = open_repository(parse_source(pushed.pinned), access).resolve().manifest.layers[0]
    with pytest.raises(BadManifest):
        PackedChunks.of(replace(layer, annotations={**layer.annotations, **lie}))


@pytest.mark.parametrize(("content", "start"), [(8 << 20, 512), (20 << 20, 4), (20 << 20, 99_999)])
def test_chunks_that_hold_other_than_they_should_are_refused(
    access: Access, tmp_path: Path, content: int, start: int
) -> None:
    """A manifest that is right about digests and wrong about contents: named, and nothing visible."""
    with fake_registry() as fake:
        pushed = send(write_tree(tmp_path / "model", {"a.bin": weights(20 << 20)}), fake.reference(), access)
        manifest = open_repository(parse_source(pushed.pinned), access).resolve().manifest
        honest = PackedChunks.of(manifest.layers[0])
        assert honest is not None
        count = -(-content // honest.size)
        lying = honest._replace(
            content_bytes=content,
            content_start=start,
            stops=(*honest.stops[: count - 1], honest.stops[-1]),
            digests=honest.digests[:count],
        )
        layer = replace(manifest.layers[0], annotations={**manifest.layers[0].annotations, **lying.to_annotations()})
        fake.add(replace(manifest, layers=(layer,)))
        if count < len(honest.stops):
            first = b"".join(packed(found(tmp_path / "model/a.bin"), honest.size)[1])
            lying = lying._replace(digests=(Digest.of(first, "blake3"),))
            layer = replace(layer, annotations={**layer.annotations, **lying.to_annotations()})
            fake.add(replace(manifest, layers=(layer,)))
        with pytest.raises(BadArtifact):
            fetch(fake.reference(), tmp_path / "out", access)
        assert not (tmp_path / "out").exists()
    assert layer_type("weight", ZSTD) == layer.media_type


def test_a_packed_file_that_got_another_path_is_packed_anew(registry: Registry, access: Access, tmp_path: Path) -> None:
    """A folder above it was renamed: other readers unpack the tar, and find the name in it."""
    folder = write_tree(tmp_path / "model", {"old/a.safetensors": weights(8 << 20)})
    target = f"{registry.address}/zstd/renamed"
    ledger = Ledger(tmp_path / "ledger", clock=lambda: 1e12)
    first = send(folder, f"{target}:v1", access, ledger)
    (folder / "old").rename(folder / "new")
    moved = send(folder, f"{target}:v2", access, ledger)
    assert moved.digest == send(folder, f"{target}:v3", access, Ledger(None)).digest, "whatever was pushed before"
    assert send(folder, f"{target}:v4", access, ledger).wire_bytes == 0
    (folder / "new").rename(folder / "old")
    assert send(folder, f"{target}:v5", access, ledger).digest == first.digest
