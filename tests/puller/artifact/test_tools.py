"""What other tools write to a real registry, pulled from there; and what we push there, read by them."""

import gzip
import json
import os
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, cast

import pytest
import zstandard

from packer.image.image import image
from packer.layer_blob import ZSTD
from packer.ledger import Ledger
from packer.push import Options, push
from packer.upload.send import Target
from puller.pull import pull
from puller.settings import Settings
from registry.access.access import Access
from registry.auth.credentials import Credentials
from registry.digest import Digest
from registry.http.transport import Transport
from registry.open import open_pusher, open_repository
from registry.progress.reporter import QuietReporter
from registry.source import parse_source
from tests.parts.distribution import Registry
from tests.puller.models import noise, read_tree, write_tree
from tests.puller.packs import CODECS, Layer, Layout, tar_of

TREE = {"config.json": b"{}", "deep/weights.bin": noise(200_000), "größe.txt": b"x"}
WEIGHTS = b"".join(bytes((byte, 60)) for byte in noise(3_000_000))  # half of it says nothing: zstd pays
FORMS = {"raw": Options(), "zstd": Options(codec=ZSTD), "image": Options(form=image)}
Part = Callable[[str], Path]


@pytest.fixture
def access() -> Iterator[Access]:
    """Reach loopback registries as nobody."""
    with Access(transport=Transport(proxies={}), credentials=Credentials()) as opened:
        yield opened


@pytest.fixture
def repository(registry: Registry, request: pytest.FixtureRequest) -> str:
    """Return a repository of the test's own."""
    name = "".join(letter if letter.isalnum() else "-" for letter in request.node.name.lower()).strip("-")
    return f"{registry.address}/tools/{name.replace('--', '-')}"


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """Run a tool; give what it says, or fail with it."""
    environ = {**os.environ, "HOME": os.environ["DOCKER_CONFIG"]}
    done = subprocess.run(list(map(str, command)), cwd=cwd, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def bring(source: str, folder: Path, access: Access, **changes: object) -> dict[str, bytes]:
    """Pull to `folder/model`; give the tree."""
    settings = Settings(source=source, destination=str(folder / "model"), **changes)  # type: ignore[arg-type] # each test its own
    pull(settings, access, QuietReporter())
    return read_tree(folder / "model")


def test_oras_writes_files(part: Part, repository: str, access: Access, tmp_path: Path) -> None:
    """Every file by its path, typed as a tar though it is none."""
    write_tree(tmp_path / "in", TREE)
    run(part("oras"), "push", "--plain-http", f"{repository}:v1", *sorted(TREE), cwd=tmp_path / "in")
    assert bring(f"{repository}:v1", tmp_path, access) == TREE


def test_oras_writes_folders(part: Part, repository: str, access: Access, tmp_path: Path) -> None:
    """A folder goes as a tar behind gzip and comes out as a folder."""
    write_tree(tmp_path / "in/model", TREE)
    (tmp_path / "in/model/run.sh").write_bytes(b"#!/bin/sh\n")
    (tmp_path / "in/model/run.sh").chmod(0o755)
    run(part("oras"), "push", "--plain-http", f"{repository}:v1", "model", cwd=tmp_path / "in")
    found = bring(f"{repository}:v1", tmp_path, access)
    assert found == {f"model/{path}": content for path, content in {**TREE, "run.sh": b"#!/bin/sh\n"}.items()}
    assert (tmp_path / "model/model/run.sh").stat().st_mode & 0o111


def test_oras_copies_into_layouts(part: Part, repository: str, access: Access, tmp_path: Path) -> None:
    """A layout that `oras cp` wrote is a source."""
    write_tree(tmp_path / "in", TREE)
    run(part("oras"), "push", "--plain-http", f"{repository}:v1", *sorted(TREE), cwd=tmp_path / "in")
    layout = f"{tmp_path / 'layout'}:v1"
    run(part("oras"), "cp", "--from-plain-http", f"{repository}:v1", "--to-oci-layout", layout)
    assert bring(f"layout://{layout}", tmp_path, access) == TREE


@pytest.mark.parametrize("is_image", [True, False])
def test_oras_writes_images(part: Part, repository: str, access: Access, tmp_path: Path, *, is_image: bool) -> None:
    """KAITO pushes a tuned adapter as an image of one layer, which oras titles; without a file system it is a file."""
    layer = tar_of({"data/adapter_config.json": b"{}", "data/adapter_model.safetensors": b"w"})
    packed = gzip.compress(layer)
    config = {"rootfs": {"type": "layers", "diff_ids": [str(Digest.of(layer))]}} if is_image else {}
    write_tree(tmp_path, {"layer.tar.gz": packed, "cfg": json.dumps(config).encode()})
    run(
        *(part("oras"), "push", "--plain-http", "--config", "cfg:application/vnd.oci.image.config.v1+json"),
        *(f"{repository}:v1", "layer.tar.gz:application/vnd.oci.image.layer.v1.tar+gzip"),
        cwd=tmp_path,
    )
    files = {"adapter_config.json": b"{}", "adapter_model.safetensors": b"w"}
    assert bring(f"{repository}:v1", tmp_path, access) == (files if is_image else {"layer.tar.gz": packed})


@pytest.mark.parametrize("suffix", ["tar", "tar.gz"])
def test_crane_appends_layers_to_an_image(
    part: Part, repository: str, access: Access, tmp_path: Path, suffix: str
) -> None:
    """An image as `crane append` makes it, layer over layer."""
    layers = [{"models/a": b"1", "models/b": b"2", "etc/x": b"!"}, {"models/a": b"new"}]
    files = []
    for number, layer in enumerate(layers):
        files.append(tmp_path / f"{number}.{suffix}")
        files[-1].write_bytes(CODECS["+gzip" if suffix == "tar.gz" else ""](tar_of(layer)))
    news = [word for file in files for word in ("-f", str(file))]
    run(part("crane"), "append", "--insecure", "--oci-empty-base", *news, "-t", f"{repository}:v1")
    assert bring(f"{repository}:v1", tmp_path, access) == {"a": b"new", "b": b"2"}


def test_regctl_puts_artifacts(part: Part, repository: str, access: Access, tmp_path: Path) -> None:
    """`regctl artifact put` names files by their titles."""
    write_tree(tmp_path / "in", TREE)
    host = repository.partition("/")[0]
    run(part("regctl"), "registry", "set", host, "--tls", "disabled")
    files = [word for name in sorted(TREE) for word in ("--file", name, "--file-media-type", "application/x-weights")]
    put = ("artifact", "put", "--artifact-type", "application/vnd.example", "--file-title")
    run(part("regctl"), *put, *files, f"{repository}:v1", cwd=tmp_path / "in")
    assert bring(f"{repository}:v1", tmp_path, access) == TREE


def test_skopeo_copies_images_behind_zstd(skopeo: str, repository: str, access: Access, tmp_path: Path) -> None:
    """An image whose layers skopeo compressed anew."""
    tar = tar_of({"models/w": TREE["deep/weights.bin"]})
    layout = Layout(tmp_path / "layout")
    made = layout.manifest(
        [Layer(tar, "application/vnd.oci.image.layer.v1.tar")],
        config_type="application/vnd.oci.image.config.v1+json",
        config={
            "architecture": "amd64",
            "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": [str(Digest.of(tar))]},
        },
    )
    layout.tag(made)
    copy = ("copy", "--dest-tls-verify=false", "--dest-compress", "--dest-compress-format", "zstd")
    run(skopeo, *copy, f"oci:{layout.folder}:v1", f"docker://{repository}:v1")
    raw = json.loads(run(skopeo, "inspect", "--raw", "--tls-verify=false", f"docker://{repository}:v1"))
    assert raw["layers"][0]["mediaType"].endswith("+zstd")
    assert bring(f"{repository}:v1", tmp_path, access) == {"w": TREE["deep/weights.bin"]}


@pytest.mark.parametrize("form", FORMS)
def test_what_we_push_is_copied_by_every_tool(
    part: Part, skopeo: str, repository: str, access: Access, tmp_path: Path, form: str
) -> None:
    """crane, regctl, oras and skopeo carry it elsewhere unchanged; from there it is pulled as if it were here."""
    tree = {**TREE, "model.safetensors": WEIGHTS}
    source = parse_source(f"{repository}:v1")
    target = Target(open_pusher(source, access), Ledger(None))
    pushed = push(write_tree(tmp_path / "in", tree), target, FORMS[form], QuietReporter())
    host = repository.partition("/")[0]
    run(part("crane"), "copy", "--insecure", f"{repository}:v1", f"{repository}-crane:v1")
    run(part("regctl"), "registry", "set", host, "--tls", "disabled")
    run(part("regctl"), "image", "copy", f"{repository}:v1", f"{repository}-regctl:v1")
    plain = ("--from-plain-http", "--to-plain-http")
    run(part("oras"), "cp", *plain, f"{repository}:v1", f"{repository}-oras:v1")
    carry = ("copy", "--all", "--preserve-digests", "--src-tls-verify=false", "--dest-tls-verify=false")
    run(skopeo, *carry, f"docker://{repository}:v1", f"docker://{repository}-skopeo:v1")
    for tool in ("crane", "regctl", "oras", "skopeo"):
        (tmp_path / tool).mkdir()
        assert bring(f"{repository}-{tool}@{pushed.digest}", tmp_path / tool, access) == tree


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_a_tool_of_images_unpacks_what_we_push_as_one(
    part: Part, repository: str, access: Access, tmp_path: Path, architecture: str
) -> None:
    """Crane finds every digest of its config right, and the files below `models` for each architecture."""
    tree = {**TREE, "model.safetensors": WEIGHTS, f"{'long-' * 30}/{'name-' * 30}": b"long"}
    target = Target(open_pusher(parse_source(f"{repository}:v1"), access), Ledger(None))
    push(write_tree(tmp_path / "in", tree), target, FORMS["image"], QuietReporter())
    exported = ("export", "--insecure", "--platform", f"linux/{architecture}")
    run(part("crane"), *exported, f"{repository}:v1", tmp_path / "files.tar")
    with tarfile.open(tmp_path / "files.tar") as tar:
        files = {info.name: cast("IO[bytes]", tar.extractfile(info)).read() for info in tar if info.isreg()}
    assert files == {f"models/{name}": content for name, content in tree.items()}


def test_any_zstd_and_any_tar_read_our_layers(access: Access, tmp_path: Path) -> None:
    """A layer behind zstd is an ordinary tar in ordinary frames, to a reader that knows nothing of us."""
    source = parse_source(f"layout://{tmp_path / 'layout'}:v1")
    folder = write_tree(tmp_path / "in", {"deep/model.safetensors": WEIGHTS})
    push(folder, Target(open_pusher(source, access), Ledger(None)), Options(codec=ZSTD), QuietReporter())
    layer = open_repository(source, access).resolve().manifest.layers[0]
    assert layer.media_type.endswith(".tar+zstd")
    blob = tmp_path / "layout/blobs/sha256" / layer.digest.hex
    decompressor = zstandard.ZstdDecompressor()
    with (
        blob.open("rb") as packed,
        decompressor.stream_reader(packed, read_across_frames=True) as stream,
        tarfile.open(fileobj=stream, mode="r|") as tar,
    ):
        members = [(info.name, cast("IO[bytes]", tar.extractfile(info)).read()) for info in tar]
    assert members == [("deep/model.safetensors", WEIGHTS)]
