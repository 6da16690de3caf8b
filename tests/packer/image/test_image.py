"""`push --as image`: what is written, and that it is what every reader of images takes."""

import json
import os
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import weighbridge
from packer.errors import TooManyFiles
from packer.form import ModelInfo
from packer.image.image import image
from packer.ledger import Ledger
from registry.access.access import Access
from registry.digest import Digest
from registry.errors import Fault
from registry.manifest import Manifest, parse_manifest
from registry.open import open_documents
from registry.source import HubSource, parse_source
from tests.fakes import faults
from tests.fakes.registry import fake_registry
from tests.packer import pushing
from tests.packer.image.files import file_of
from tests.packer.pushing import PATHS, TREE, fetch
from tests.parts.distribution import Registry
from tests.puller.models import noise, read_tree, write_tree

PACKED = {**TREE, **{f"tokenizer/{number}.json": noise(1 << 20, number) for number in range(6)}}
"""Two large files, and small ones whose layer is large."""

LARGE = "model-00001-of-00002.safetensors"


send = partial(pushing.send, form=image)


def test_what_is_pushed_as_an_image_is_pulled_as_files(target: str, access: Access, tmp_path: Path) -> None:
    """The same tree, programs as programs."""
    folder = write_tree(tmp_path / "model", PACKED)
    (folder / "deep/er/and/deeper/file.py").chmod(0o755)
    pushed = send(folder, target, access)
    assert fetch(pushed.pinned, tmp_path / "out", access) == PACKED
    assert os.access(tmp_path / "out/deep/er/and/deeper/file.py", os.X_OK)
    assert not os.access(tmp_path / "out/config.json", os.X_OK)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=st.dictionaries(PATHS, st.binary(max_size=200), min_size=1, max_size=8))
def test_any_tree_survives_being_an_image(
    tree: dict[str, bytes], access: Access, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Law: pull(push(tree)) == tree, for every tree that an image can hold."""
    folders = {path[:end] for path in tree for end, letter in enumerate(path) if letter == "/"}
    tree = {path: content for path, content in tree.items() if path not in folders and ".wh." not in path}
    root = tmp_path_factory.mktemp("law")
    if tree:
        pushed = send(write_tree(root / "model", tree), f"layout://{root / 'layout'}:v1", access)
        assert fetch(pushed.pinned, root / "out", access) == tree


def test_the_same_folder_gives_the_same_digest(registry: Registry, access: Access, tmp_path: Path) -> None:
    """Neither times nor places nor owners nor the kind of target show in the digest."""
    one, two = write_tree(tmp_path / "one", PACKED), write_tree(tmp_path / "two", dict(reversed(PACKED.items())))
    os.utime(two / "config.json", (1, 1))
    (two / "config.json").chmod(0o600)
    first = send(one, f"{registry.address}/image/reproducible:v1", access)
    second = send(two, f"layout://{tmp_path / 'layout'}:v2", access)
    assert first.digest == second.digest


def test_each_architecture_gets_the_same_layers(target: str, access: Access, tmp_path: Path) -> None:
    """An index of two manifests, whose configs differ in the architecture alone; layers are tars without a codec."""
    send(write_tree(tmp_path / "model", PACKED), target, access)
    source = open_documents(parse_source(target), access)
    root = source.document()
    assert [child.platform for child in root.children] == ["linux/amd64", "linux/arm64"]
    manifests = [source.document(child.digest).parsed for child in root.children]
    one, two = (manifest for manifest in manifests if isinstance(manifest, Manifest))
    assert one.layers == two.layers
    assert {layer.media_type for layer in one.layers} == {"application/vnd.oci.image.layer.v1.tar"}
    configs = [json.loads(source.read(manifest.config, 1 << 20)) for manifest in (one, two)]
    assert [config.pop("architecture") for config in configs] == ["amd64", "arm64"]
    assert configs[0] == configs[1]
    assert configs[0]["rootfs"]["diff_ids"] == [str(layer.digest) for layer in one.layers]
    assert configs[0]["os"] == "linux"


def test_skopeo_copies_all_of_it(skopeo: str, registry: Registry, access: Access, tmp_path: Path) -> None:
    """A tool of other makers counts the same digest, takes every architecture, and knows the image of each."""
    pushed = send(write_tree(tmp_path / "model", PACKED), f"{registry.address}/image/skopeo:v1", access)
    url = f"docker://{registry.address}/image/skopeo:v1"
    raw = subprocess.run([skopeo, "inspect", "--raw", "--tls-verify=false", url], capture_output=True, check=True)
    assert Digest.of(raw.stdout) == pushed.digest
    copy = [skopeo, "copy", "--all", "--src-tls-verify=false", url, f"oci:{tmp_path / 'copy'}:v1"]
    subprocess.run(copy, capture_output=True, check=True)
    assert fetch(f"layout://{tmp_path / 'copy'}:v1", tmp_path / "out", access) == PACKED
    for architecture in ("amd64", "arm64"):
        asked = [skopeo, "inspect", "--override-arch", architecture, "--tls-verify=false", url]
        said = json.loads(subprocess.run(asked, capture_output=True, check=True).stdout)
        assert (said["Architecture"], said["Os"]) == (architecture, "linux")


def test_a_name_and_licenses_are_the_images_and_the_models(access: Access, tmp_path: Path) -> None:
    """Labels for tools of images, and the words of a ModelPack config for ours."""
    about = ModelInfo("org/phi", ("MIT", "Apache-2.0"), HubSource("org/phi", "main"))
    target = f"layout://{tmp_path / 'layout'}:v1"
    send(write_tree(tmp_path / "model", {"a": b"1"}), target, access, about=about)
    source = open_documents(parse_source(target), access)
    config = json.loads(source.read(source.resolve().manifest.config, 1 << 20))
    assert config["config"]["Labels"] == {
        "org.opencontainers.image.title": "org/phi",
        "org.opencontainers.image.licenses": "MIT AND Apache-2.0",
        "org.opencontainers.image.source": "hf://org/phi",
        "org.opencontainers.image.revision": "main",
    }
    assert config["descriptor"] == {
        "name": "org/phi",
        "licenses": ["MIT", "Apache-2.0"],
        "sourceURL": "hf://org/phi",
        "revision": "main",
    }


def test_layers_that_did_not_change_are_neither_read_nor_sent_again(
    registry: Registry, access: Access, tmp_path: Path, ledger: Ledger
) -> None:
    """A second push sends nothing; after a change, that file's layer; to a neighbour, nothing large."""
    folder = write_tree(tmp_path / "model", PACKED)
    first = send(folder, f"{registry.address}/image/ledger:v1", access, ledger=ledger)
    second = send(folder, f"{registry.address}/image/ledger:v2", access, ledger=ledger)
    assert (second.wire_bytes, second.digest) == (0, first.digest)
    write_tree(folder, {"config.json": b"{ }"})
    third = send(folder, f"{registry.address}/image/ledger:v3", access, ledger=ledger)
    assert 6 << 20 < third.wire_bytes < 7 << 20
    assert send(folder, f"{registry.address}/image/neighbour:v1", access, ledger=ledger).wire_bytes == 0


@pytest.mark.parametrize("cuts", [[3 << 20], [0], [1 << 20, 1 << 20], [6_400_000, 100, 0, 5]])
def test_a_layer_whose_connection_broke_goes_on_where_it_was(access: Access, tmp_path: Path, cuts: list[int]) -> None:
    """Across headers and files; after one break nothing that arrived is sent again."""
    tree = {f"tokenizer/{number}.json": noise(1_000_003, number) for number in range(12)}
    with fake_registry() as fake:
        fake.cuts = list(cuts)
        pushed = send(write_tree(tmp_path / "model", tree), fake.reference(), access)
        assert fetch(pushed.pinned, tmp_path / "out", access) == tree
        patches = [request for request in fake.requests if request.method == "PATCH"]
        if len(cuts) == 1:
            assert sum(len(request.body) for request in patches) == pushed.size


@pytest.mark.parametrize("code", [404, 405, 413, 416])
def test_a_layer_is_sent_as_the_registry_takes_it(access: Access, tmp_path: Path, code: int) -> None:
    """Refused as one stream, it comes in chunks or in one PUT whose digest is known first."""
    with fake_registry() as fake:
        fake.fail(faults.refused(code, fake), method="PATCH", path="/blobs/uploads/", times=1)
        pushed = send(write_tree(tmp_path / "model", PACKED), fake.reference(), access)
        assert fetch(pushed.pinned, tmp_path / "out", access) == PACKED


def test_nothing_names_an_image_that_is_not_whole(access: Access, tmp_path: Path) -> None:
    """The manifests of the index come by digest; the tag moves last, or not at all."""
    with fake_registry() as fake:
        fake.fail(faults.status(403), method="PUT", path="/manifests/v1", acts=False)
        with pytest.raises(Fault):
            send(write_tree(tmp_path / "model", PACKED), fake.reference(), access)
        written = [one.path for one in fake.requests if one.method == "PUT" and "/manifests/" in one.path]
        assert [path.rpartition("/")[2].partition(":")[0] for path in written] == ["sha256", "sha256", "v1"]
        assert "v1" not in fake.manifests


def test_more_files_than_a_manifest_can_name_are_refused_before_the_first_upload() -> None:
    """Their names and digests are in it."""
    files = [file_of(f"{number:05}/{'n' * 100}", 1) for number in range(30_000)]
    with pytest.raises(TooManyFiles, match="30000 files"):
        image(files, ModelInfo())
    made = image(files[:10_000], ModelInfo())
    assert len(made.contents) == 1


def test_the_command_packs_an_image_and_says_what_it_is(
    registry: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`inspect` and `list` name an image; `verify` holds a folder to it, the packed one as well as a pulled one."""
    folder = write_tree(tmp_path / "model", PACKED)
    target = f"{registry.address}/image/command:v1"
    assert weighbridge.main(["push", str(folder), target, "--as", "image", "--name", "org/phi"]) == 0
    pinned = capsys.readouterr().out.strip()
    assert weighbridge.main(["inspect", pinned]) == 0
    said = capsys.readouterr().out
    assert "image, 3 layers" in said
    assert f"models/{LARGE} (archive)" in said
    assert "models/config.json and 10 more (archive)" in said
    assert "name: org/phi" in said
    assert weighbridge.main(["list", target.rpartition(":")[0]]) == 0
    assert "vnd.oci.image.config" in capsys.readouterr().out
    assert weighbridge.main(["pull", pinned, "-o", str(tmp_path / "out"), "--quiet"]) == 0
    assert read_tree(tmp_path / "out") == PACKED


CHANGES: dict[str, tuple[Callable[[Path], object], dict[str, str]]] = {
    "nothing": (lambda _: None, {}),
    "a small file": (lambda model: (model / "config.json").write_bytes(b"[]"), {"config.json": "wrong"}),
    "an empty file": (lambda model: (model / "empty").write_bytes(b"1"), {"empty": "wrong"}),
    "a large file": (lambda model: os.truncate(model / LARGE, 5), {LARGE: "wrong"}),
    "a missing file": (lambda model: (model / "tokenizer/3.json").unlink(), {"tokenizer/3.json": "missing"}),
    "one more file": (lambda model: (model / "x.py").write_bytes(b""), {"x.py": "unknown"}),
}


@pytest.mark.parametrize("case", CHANGES)
def test_verify_holds_a_folder_to_an_image_file_by_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    """Law: the packed folder and a pulled one are the image's, and each file that is not is named."""
    change, wanted = CHANGES[case]
    folder, target = write_tree(tmp_path / "model", PACKED), f"layout://{tmp_path / 'layout'}:v1"
    assert weighbridge.main(["push", str(folder), target, "--as", "image", "--quiet"]) == 0
    assert weighbridge.main(["pull", target, "-o", str(tmp_path / "out"), "--quiet"]) == 0
    for place in (folder, tmp_path / "out"):
        change(place)
        capsys.readouterr()
        assert weighbridge.main(["verify", str(place), "--source", target, "--json"]) == (1 if wanted else 0)
        findings = json.loads(capsys.readouterr().out)["findings"]
        assert {one["path"]: one["problem"] for one in findings} == wanted


def test_verify_holds_a_part_of_an_image_to_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a pull left out is not missing; another folder of the image is that folder."""
    folder, target = write_tree(tmp_path / "model", PACKED), f"layout://{tmp_path / 'layout'}:v1"
    assert weighbridge.main(["push", str(folder), target, "--as", "image", "--quiet"]) == 0
    for name, options in {"some": ["--include", "*.json"], "below": ["--image-path", "/models/deep"]}.items():
        assert weighbridge.main(["pull", target, "-o", str(tmp_path / name), "--quiet", *options]) == 0
        capsys.readouterr()
        assert weighbridge.main(["verify", str(tmp_path / name)]) == 0, capsys.readouterr().out
    assert read_tree(tmp_path / "below") == {"er/and/deeper/file.py": b"print()"}


def test_zstd_and_image_do_not_go_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Wrong usage, with the reason, before anything is read."""
    with pytest.raises(SystemExit) as ended:
        weighbridge.main(["push", str(tmp_path), "127.0.0.1:1/m:v1", "--as", "image", "--codec", "zstd"])
    assert ended.value.code == 2
    assert "one after the other" in capsys.readouterr().err


def test_indexes_are_written_as_they_are_read() -> None:
    """Each manifest with its platform."""
    made = image([file_of("a", 1)], ModelInfo())
    content = made.documents([made.contents[0].blob(Digest("0" * 64), [Digest("0" * 64, "blake3")] * 3)]).root
    index = parse_manifest(content)
    assert not isinstance(index, Manifest)
    assert index.to_bytes() == content
