"""Every form that other tools write, pulled from a layout to the tree that was packed."""

import hashlib
import json
import os
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from puller.artifact.docker import conventional
from puller.errors import BadArtifact, NoRoom, NothingSelected, UnsafePath, UnsupportedLayer
from puller.inspection.inspect import inspect
from puller.pull import pull
from puller.settings import Settings
from puller.store.receipt import Receipt
from registry.access.access import Access
from registry.annotations import CONFIG_TYPE, FILE_METADATA, FILEPATH, METADATAS, TITLE
from registry.auth.credentials import Credentials
from registry.digest import Digest
from registry.errors import BadLayout, BadManifest, BadReference, Fault, NotFound
from registry.http.transport import Transport
from registry.manifest import Descriptor, Manifest
from registry.open import open_repository
from registry.progress.reporter import QuietReporter
from registry.source import parse_source
from tests.fakes.registry import fake_registry
from tests.puller.models import noise, read_tree
from tests.puller.packs import CODECS, MTIME, Layer, Layout, member, tar_of

REAL = sorted(path.parent for path in Path(__file__).parents[2].glob("artifacts/*/expect.json"))
WEIGHTS = noise(70_000)
MODELPACK = "application/vnd.cncf.model.manifest.v1+json"
KITFILE = "application/vnd.kitops.modelkit.config.v1+json"
IMAGE, LAYER = "application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.layer.v1.tar"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """Return an empty layout."""
    return Layout(tmp_path / "layout")


@pytest.fixture
def access() -> Iterator[Access]:
    """Reach nothing but loopback, as nobody."""
    with Access(transport=Transport(proxies={}), credentials=Credentials()) as opened:
        yield opened


def bring(source: str, folder: Path, access: Access, **changes: object) -> Receipt:
    """Pull to `folder/model`."""
    settings = Settings(**{"source": source, "destination": str(folder / "model"), **changes})  # type: ignore[arg-type] # each test its own
    return pull(settings, access, QuietReporter())


def weight(codec: str, content: bytes, name: str = "", prefix: str = "vnd.cncf.model") -> Layer:
    """Return a ModelPack layer of weights."""
    return Layer(content, f"application/{prefix}.weight.v1.{codec}", {FILEPATH: name} if name else {})


@pytest.mark.parametrize("folder", REAL, ids=lambda folder: folder.name)
def test_what_modctl_and_kit_wrote_is_read(folder: Path, tmp_path: Path, access: Access) -> None:
    """Real artifacts come out as the trees that their author packed."""
    expected = json.loads((folder / "expect.json").read_text())
    bring(f"layout://{folder / 'layout'}:v1", tmp_path, access)
    found = {path: hashlib.sha256(content).hexdigest() for path, content in read_tree(tmp_path / "model").items()}
    assert {path: digest for path, digest in found.items() if path not in expected["optional"]} == {
        path: digest.removeprefix("sha256:") for path, digest in expected["tree"].items()
    }


@pytest.mark.parametrize("prefix", ["vnd.cncf.model", "vnd.cnai.model"])
@pytest.mark.parametrize("codec", CODECS)
def test_modelpack_archives(layout: Layout, tmp_path: Path, access: Access, codec: str, prefix: str) -> None:
    """A tar with one file goes where the annotation says, a tar with many where their names say."""
    pack = CODECS[codec]
    layers = [
        weight(f"tar{codec}", pack(tar_of({"model.gguf": WEIGHTS})), "weights/model.gguf", prefix),
        weight(f"tar{codec}", pack(tar_of({"a.json": b"1", "deep/b.json": b"2"}, padded=False)), "config", prefix),
    ]
    source = layout.tag(layout.manifest(layers, artifact_type=f"application/{prefix}.manifest.v1+json"))
    bring(source, tmp_path, access)
    assert read_tree(tmp_path / "model") == {"weights/model.gguf": WEIGHTS, "a.json": b"1", "deep/b.json": b"2"}


@pytest.mark.parametrize("path", [".", "./", "src", "src/", "./src//", "src/.", "tool"])
def test_an_archive_may_be_annotated_with_its_folder(layout: Layout, tmp_path: Path, access: Access, path: str) -> None:
    """Kit annotates what a section's path says: members keep their names, one alone in a folder of its name too."""
    files = {"src/a.py": b"1", "src/./b//c.py": b"2"} if "src" in path or path[0] == "." else {"tool/tool": b"1"}
    source = layout.tag(layout.manifest([weight("tar", tar_of(files), path)], artifact_type=MODELPACK))
    bring(source, tmp_path, access)
    assert read_tree(tmp_path / "model") == {path.replace("./b//c", "b/c"): text for path, text in files.items()}


def test_kits_modelpack_may_hold_its_kitfile(layout: Layout, tmp_path: Path, access: Access) -> None:
    """Among the layers, under a type that is none of ModelPack's: kit passes it over."""
    layers = [weight("tar", tar_of({"a": b"1"}), "a"), Layer(b"{}", KITFILE)]
    bring(layout.tag(layout.manifest(layers, artifact_type=MODELPACK)), tmp_path, access)
    assert read_tree(tmp_path / "model") == {"a": b"1"}


def test_an_empty_annotation_names_nothing(layout: Layout, tmp_path: Path, access: Access) -> None:
    """Another one may: the old path, or the title."""
    kind, old = "application/vnd.cncf.model.weight.v1.raw", "org.cnai.model.filepath"
    layers = [
        Layer(b"1", kind, {FILEPATH: "./deep/w", TITLE: "other"}),
        Layer(b"2", kind, {FILEPATH: "", TITLE: "titled"}),
        Layer(b"3", kind, {FILEPATH: "", old: "old", TITLE: "new"}),
    ]
    bring(layout.tag(layout.manifest(layers, artifact_type=MODELPACK)), tmp_path, access)
    assert read_tree(tmp_path / "model") == {"deep/w": b"1", "titled": b"2", "old": b"3"}


@pytest.mark.parametrize(
    "metadata",
    [
        *('{"mode": 1e400}', '{"mode": null}', '{"mode": "rwx"}', '{"size": -5}', '{"size": 1e9}', '{"size": true}'),
        *('{"mtime": "0001-01-01T00:00:00"}', '{"mtime": "9999-12-31T23:59:59.999999999-23:59"}', '{"mtime": 1e400}'),
        *('{"size": ' + "9" * 4000 + "}", "[]", "null", "[" * 9999),
    ],
    ids=lambda text: text[:40],
)
def test_nothing_that_is_wrong_in_the_metadata_matters(
    layout: Layout, tmp_path: Path, access: Access, metadata: str
) -> None:
    """Modes, sizes and times that cannot be are as good as none."""
    annotations = {FILEPATH: "w", FILE_METADATA: metadata}
    layer = Layer(CODECS["+gzip"](b"x"), "application/vnd.cncf.model.weight.v1.raw+gzip", annotations)
    bring(layout.tag(layout.manifest([layer], artifact_type=MODELPACK)), tmp_path, access)
    assert read_tree(tmp_path / "model") == {"w": b"x"}


@pytest.mark.parametrize("key", METADATAS)
def test_modes_and_times_come_along(layout: Layout, tmp_path: Path, access: Access, key: str) -> None:
    """Of a tar's members, and of raw layers whose annotation tells them; setuid bits stay behind."""
    metadata = json.dumps({"name": "run.sh", "mode": 0o755, "size": 2, "mtime": "2023-11-14T22:13:20Z", "typeflag": 48})
    raw = Layer(b"hi", "application/vnd.cncf.model.code.v1.raw", {FILEPATH: "run.sh", key: metadata})
    tar = tar_of({}, member("tool", mode=0o4700), member("a", mode=0o600))
    source = layout.tag(layout.manifest([raw, weight("tar", tar)], artifact_type=MODELPACK))
    bring(source, tmp_path, access)
    stats = {path.name: path.stat() for path in (tmp_path / "model").iterdir()}
    assert {name: stat.st_mode & 0o7777 for name, stat in stats.items()} == {"run.sh": 0o755, "tool": 0o744, "a": 0o644}
    assert {stat.st_mtime for stat in stats.values()} == {MTIME}


def test_a_raw_layer_is_never_unpacked(layout: Layout, tmp_path: Path, access: Access) -> None:
    """A raw file that happens to be a gzip, or a tar, is that file."""
    content = CODECS["+gzip"](tar_of({"x": b"1"}))
    bring(layout.tag(layout.manifest([weight("raw", content, "x.tar.gz")], artifact_type=MODELPACK)), tmp_path, access)
    assert read_tree(tmp_path / "model") == {"x.tar.gz": content}


@pytest.mark.parametrize("codec", CODECS)
def test_a_layer_typed_as_a_tar_that_is_none_is_the_file(
    layout: Layout, tmp_path: Path, access: Access, codec: str
) -> None:
    """The bytes decide: what is no tar goes where the annotation says, as it is behind its codec."""
    source = layout.tag(layout.manifest([weight("tar", CODECS[codec](WEIGHTS), "w.bin")], artifact_type=MODELPACK))
    bring(source, tmp_path, access)
    assert read_tree(tmp_path / "model") == {"w.bin": WEIGHTS}


def test_aikits_bundles_keep_their_members_names(layout: Layout, tmp_path: Path, access: Access) -> None:
    """AIKit annotates a bundle with its category, and its weights with their path; its config is empty."""
    bundle = {FILEPATH: "docs", TITLE: "docs", FILE_METADATA: json.dumps({"name": "docs", "size": 2, "files": 1})}
    layers = [
        Layer(tar_of({"deep/docs": b"hi"}), "application/vnd.cncf.model.doc.v1.tar", bundle),
        weight("tar+zstd", CODECS["+zstd"](tar_of({"m.safetensors": WEIGHTS})), "original/m.safetensors"),
    ]
    source = layout.tag(layout.manifest(layers, artifact_type=MODELPACK, config_type=CONFIG_TYPE))
    bring(source, tmp_path, access)
    assert read_tree(tmp_path / "model") == {"deep/docs": b"hi", "original/m.safetensors": WEIGHTS}


@pytest.mark.parametrize(("codec", "suffix"), [("", ""), ("+gzip", ".gz"), ("+zstd", ".zst")])
def test_aikits_archive_of_all_files(layout: Layout, tmp_path: Path, access: Access, codec: str, suffix: str) -> None:
    """Its generic target types everything as a plain tar, whatever it is."""
    content = CODECS[codec](tar_of({"a/b": b"1", "c": WEIGHTS}))
    layer = Layer(content, LAYER, {TITLE: f"allfiles.tar{suffix}"})
    source = layout.tag(layout.manifest([layer], artifact_type="application/vnd.unknown.artifact.v1"))
    bring(source, tmp_path, access)
    assert read_tree(tmp_path / "model") == {"a/b": b"1", "c": WEIGHTS}


def test_ramalamas_artifacts(layout: Layout, tmp_path: Path, access: Access) -> None:
    """`podman artifact` keeps ModelPack's annotations and drops its types."""
    metadata = json.dumps({"name": "m.gguf", "mode": 0o644, "size": len(WEIGHTS), "typeflag": 48})
    annotations = {TITLE: "m.gguf", FILEPATH: "m.gguf", FILE_METADATA: metadata}
    layer = Layer(WEIGHTS, "application/octet-stream", annotations)
    bring(layout.tag(layout.manifest([layer], artifact_type=MODELPACK)), tmp_path, access)
    assert read_tree(tmp_path / "model") == {"m.gguf": WEIGHTS}


def test_oras_files_and_folders(layout: Layout, tmp_path: Path, access: Access) -> None:
    """A file stays what it is though it is typed as a tar; a folder is unpacked; what has no title is not pulled."""
    tar = tar_of({"folder/x": b"1"}, member("folder", tarfile.DIRTYPE, mode=0o755))
    unpack = {"io.deis.oras.content.unpack": "true", "io.deis.oras.content.digest": sha256(tar)}
    layers = [
        Layer(tar_of({"y": b"1"}), LAYER, {TITLE: "archive.tar"}),
        Layer(CODECS["+gzip"](tar), f"{LAYER}+gzip", {TITLE: "folder", **unpack}),
        Layer(b"{}", "application/vnd.nobody.knows"),
        Layer(b"[]", "application/vnd.nobody.knows", {TITLE: ""}),
    ]
    bring(layout.tag(layout.manifest(layers)), tmp_path, access)
    assert read_tree(tmp_path / "model") == {"archive.tar": tar_of({"y": b"1"}), "folder/x": b"1"}


def test_an_oras_folder_must_be_what_its_annotation_says(layout: Layout, tmp_path: Path, access: Access) -> None:
    """The digest of the tar inside is checked where it is told."""
    unpack = {"io.deis.oras.content.unpack": "true", "io.deis.oras.content.digest": sha256(b"other")}
    layer = Layer(CODECS["+gzip"](tar_of({"d/x": b"1"})), f"{LAYER}+gzip", {TITLE: "d", **unpack})
    with pytest.raises(BadArtifact, match="not those of"):
        bring(layout.tag(layout.manifest([layer])), tmp_path, access)
    assert not (tmp_path / "model").exists()


def test_docker_models(layout: Layout, tmp_path: Path, access: Access) -> None:
    """Blobs without names are named by their kind, shards by their number; later ones tell their path."""
    kind = "application/vnd.docker.ai.{}".format
    layers = [
        Layer(b"one", kind("safetensors")),
        Layer(b"two", kind("safetensors")),
        Layer(b"mit", kind("license")),
        Layer(b"{{ }}", kind("chat.template.jinja")),
        Layer(tar_of({"config.json": b"{}"}), kind("vllm.config.tar")),
        Layer(b"more", kind("model.file"), {FILEPATH: "deep/extra.bin"}),
        Layer(b"bsd", kind("license"), {FILEPATH: "LICENSE"}),
    ]
    bring(layout.tag(layout.manifest(layers, config_type=kind("model.config.v0.2+json"))), tmp_path, access)
    assert read_tree(tmp_path / "model") == {
        "model-00001-of-00002.safetensors": b"one",
        "model-00002-of-00002.safetensors": b"two",
        "LICENSE": b"mit",
        "LICENSE.2": b"bsd",
        "template.jinja": b"{{ }}",
        "config.json": b"{}",
        "deep/extra.bin": b"more",
    }
    assert conventional("gguf.v3", 1, 1) == "model.gguf"


def test_ollamas_models(layout: Layout, tmp_path: Path, access: Access) -> None:
    """Names follow from the kind of a layer, or stand in its descriptor; the config says that it is an image."""
    kind = "application/vnd.ollama.image.{}".format
    layers = [
        Layer(WEIGHTS, kind("model")),
        Layer(b"{{ .Prompt }}", kind("template")),
        Layer(b"mit", kind("license")),
        Layer(b"bsd", kind("license")),
        Layer(b"{}", kind("params")),
        Layer(b"{'a': 1}", kind("json"), extra={"name": "tokenizer/config.json"}),
    ]
    descriptor = layout.manifest(
        layers,
        config_type="application/vnd.docker.container.image.v1+json",
        media_type="application/vnd.docker.distribution.manifest.v2+json",
    )
    bring(layout.tag(descriptor), tmp_path, access)
    assert read_tree(tmp_path / "model") == {
        "model.gguf": WEIGHTS,
        "chat_template": b"{{ .Prompt }}",
        "LICENSE": b"mit",
        "LICENSE.2": b"bsd",
        "params.json": b"{}",
        "tokenizer/config.json": b"{'a': 1}",
    }


@pytest.mark.parametrize("codec", CODECS)
def test_modelkits_raw_layers_are_named_by_the_kitfile(
    layout: Layout, tmp_path: Path, access: Access, codec: str
) -> None:
    """By the digest that kit writes there; a codec is undone."""
    model = Layer(CODECS[codec](WEIGHTS), f"application/vnd.kitops.modelkit.model.v1.raw{codec}")
    docs = Layer(b"hi", "application/vnd.kitops.modelkit.docs.v1.raw")
    kitfile = {
        "model": {"path": "./weights/m.gguf", "digest": sha256(model.content)},
        "docs": [{"path": "README.md", "digest": sha256(docs.content)}],
    }
    source = layout.tag(layout.manifest([docs, model], config_type=KITFILE, config=kitfile))
    bring(source, tmp_path, access)
    assert read_tree(tmp_path / "model") == {"weights/m.gguf": WEIGHTS, "README.md": b"hi"}


@pytest.mark.parametrize("path", ["src", "./src", "src/", "./x/../src/."])
def test_modelkits_before_0_5_are_relative_to_their_sections(
    layout: Layout, tmp_path: Path, access: Access, path: str
) -> None:
    """A Kitfile without digests: an archive's names are meant from the folder that the section's path stands in."""
    kind = "application/vnd.kitops.modelkit.{}.v1.tar".format
    layers = [
        Layer(tar_of({"m.gguf": WEIGHTS}), kind("model")),
        Layer(tar_of({"src/x.py": b"1"}), kind("code")),
        Layer(tar_of({"deep/set/y.csv": b"2", "deep/set/z.csv": b"3"}), kind("dataset")),
    ]
    kitfile = {"model": {"path": "weights/m.gguf"}, "code": [{"path": path}], "datasets": [{"path": "all/deep"}]}
    bring(layout.tag(layout.manifest(layers, config_type=KITFILE, config=kitfile)), tmp_path, access)
    assert read_tree(tmp_path / "model") == {
        "weights/m.gguf": WEIGHTS,
        "src/x.py": b"1",
        "all/deep/set/y.csv": b"2",
        "all/deep/set/z.csv": b"3",
    }


def test_every_section_of_a_kitfile_names_its_raw_layers(layout: Layout, tmp_path: Path, access: Access) -> None:
    """Prompts and MCP bundles too; datasets that lie elsewhere have no layer; kit's annotations tell the mode."""
    kind = "application/vnd.kitops.modelkit.{}.v1.raw".format
    metadata = json.dumps({"name": "run.sh", "mode": 0o755, "size": 1, "typeflag": 0})
    layers = [
        Layer(b"1", kind("code"), {FILEPATH: "run.sh", FILE_METADATA: metadata}),
        Layer(b"2", kind("dataset")),
        Layer(b"3", kind("code"), {"ml.kitops.modelkit.layer-subtype": "prompt"}),
        Layer(b"4", kind("mcpb")),
        Layer(b"5", kind("skill"), {FILEPATH: "later.md"}),
    ]
    digests = [{"digest": sha256(layer.content)} for layer in layers]
    kitfile = {
        "code": [{"path": "./run.sh", **digests[0]}],
        "datasets": [{"path": "far.csv", "remotePath": "s3://bucket/far.csv"}, {"path": "a//b.csv", **digests[1]}],
        "prompts": [{"path": "say.md", **digests[2]}],
        "mcpServers": [{"path": "tools.mcpb", **digests[3]}],
    }
    bring(layout.tag(layout.manifest(layers, config_type=KITFILE, config=kitfile)), tmp_path, access)
    expected = {"run.sh": b"1", "a/b.csv": b"2", "say.md": b"3", "tools.mcpb": b"4", "later.md": b"5"}
    assert read_tree(tmp_path / "model") == expected
    assert (tmp_path / "model/run.sh").stat().st_mode & 0o111


def test_a_modelkit_takes_its_model_from_its_parent(layout: Layout, tmp_path: Path, access: Access) -> None:
    """Weights and their parts, and nothing else of the parent's."""
    kind = "application/vnd.kitops.modelkit.{}.v1.tar".format
    above = [
        Layer(tar_of({"m.gguf": WEIGHTS}), kind("model")),
        Layer(tar_of({"lora.gguf": b"2"}), kind("modelpart")),
        Layer(tar_of({"theirs.md": b"3"}), kind("docs")),
    ]
    digests = [{"path": ".", "digest": sha256(layer.content)} for layer in above]
    kitfile = {"model": {**digests[0], "parts": [digests[1]]}, "docs": [digests[2]]}
    parent = layout.tag(layout.manifest(above, config_type=KITFILE, config=kitfile), "parent")
    ours = Layer(tar_of({"ours.py": b"4"}), kind("code"))
    kitfile = {"model": {"path": parent}, "code": [{"path": ".", "digest": sha256(ours.content)}]}
    bring(layout.tag(layout.manifest([ours], config_type=KITFILE, config=kitfile)), tmp_path, access)
    assert read_tree(tmp_path / "model") == {"m.gguf": WEIGHTS, "lora.gguf": b"2", "ours.py": b"4"}


@pytest.mark.parametrize("key", ["ml.kitops.modelkit.kitfile", "org.kitops.modelkit.kitfile"])
def test_kits_modelpack_takes_its_model_from_its_parent(
    layout: Layout, tmp_path: Path, access: Access, key: str
) -> None:
    """Kit keeps the Kitfile in an annotation then, and either of the two may be a ModelPack."""
    above = [
        weight("tar", tar_of({"m.gguf": WEIGHTS}), "m.gguf"),
        Layer(b"2", "application/vnd.cncf.model.weight.config.v1.raw", {FILEPATH: "tokenizer.json"}),
        Layer(b"3", "application/vnd.cncf.model.doc.v1.raw", {FILEPATH: "theirs.md"}),
    ]
    parent = layout.tag(layout.manifest(above, artifact_type=MODELPACK), "parent")
    ours = Layer(b"4", "application/vnd.cncf.model.code.v1.raw", {FILEPATH: "ours.py"})
    kept = {key: json.dumps({"model": {"path": parent}})}
    bring(layout.tag(layout.manifest([ours], artifact_type=MODELPACK, annotations=kept)), tmp_path, access)
    assert read_tree(tmp_path / "model") == {"m.gguf": WEIGHTS, "tokenizer.json": b"2", "ours.py": b"4"}


def test_a_kit_may_have_nothing_but_its_parent(layout: Layout, tmp_path: Path, access: Access) -> None:
    """Its list of layers is then null, as Go writes a list that was never made."""
    model = weight("raw", WEIGHTS, "m.gguf")
    parent = layout.tag(layout.manifest([model], artifact_type=MODELPACK), "parent")
    config = json.dumps({"model": {"path": parent}}).encode()
    described = {"mediaType": KITFILE, "digest": layout.blob(config), "size": len(config)}
    bring(layout.tag(layout.document({"config": described, "layers": None})), tmp_path, access)
    assert read_tree(tmp_path / "model") == {"m.gguf": WEIGHTS}


@pytest.mark.parametrize("parent", ["hf://org/name", "layout://{}:v1"])
def test_a_kit_in_a_registry_names_no_parent_on_a_disk(
    layout: Layout, tmp_path: Path, access: Access, parent: str
) -> None:
    """Whoever may push there could else have files published that only the machine that pulls can see."""
    parent = parent.format(layout.folder)
    layout.tag(layout.manifest([weight("raw", b"secret", "m.gguf")], artifact_type=MODELPACK))
    config = json.dumps({"model": {"path": parent}}).encode()
    with fake_registry() as fake:
        fake.add_blob(config)
        described = Descriptor(media_type=KITFILE, digest=Digest.of(config), size=len(config))
        fake.add(Manifest(config=described, layers=()))
        with pytest.raises(BadArtifact, match="in a registry"):
            bring(fake.reference(), tmp_path, access)
    assert not (tmp_path / "model").exists()


def test_a_parent_without_a_model_is_refused(layout: Layout, tmp_path: Path, access: Access) -> None:
    """A server would start without weights."""
    docs = Layer(b"1", "application/vnd.cncf.model.doc.v1.raw", {FILEPATH: "theirs.md"})
    parent = layout.tag(layout.manifest([docs], artifact_type=MODELPACK), "parent")
    ours = Layer(tar_of({"x": b"1"}), "application/vnd.kitops.modelkit.code.v1.tar")
    source = layout.tag(layout.manifest([ours], config_type=KITFILE, config={"model": {"path": parent}}))
    with pytest.raises(BadArtifact, match="holds no model"):
        bring(source, tmp_path, access)


def test_modelkits_that_are_each_others_parents_end(layout: Layout, tmp_path: Path, access: Access) -> None:
    """A ring of references is no model."""
    ours = Layer(tar_of({"x": b"1"}), "application/vnd.kitops.modelkit.code.v1.tar")
    kitfile = {"model": {"path": layout.source()}, "code": [{"path": ".", "digest": sha256(ours.content)}]}
    source = layout.tag(layout.manifest([ours], config_type=KITFILE, config=kitfile))
    with pytest.raises(BadArtifact, match="parent"):
        bring(source, tmp_path, access)


def test_an_image_is_its_model_folder(layout: Layout, tmp_path: Path, access: Access) -> None:
    """Layers cover one another, whiteouts wipe out, hard links reach into layers below, and the rest stays out."""
    first = tar_of({"models/a": b"1", "models/old/b": b"2", "models/gone": b"3", "usr/bin/sh": b"!"})
    opaque = tar_of({"models/a": b"new", "models/.wh.gone": b"", "models/old/.wh..wh..opq": b"", "models/old/c": b"4"})
    links = tar_of(
        {},
        member("models/again", tarfile.LNKTYPE, linkname="models/a"),
        member("models/model.file", tarfile.SYMTYPE, linkname="/models/old/c"),
    )
    layers = [
        Layer(first, "application/vnd.docker.image.rootfs.diff.tar.gzip"),
        Layer(CODECS["+gzip"](opaque), f"{LAYER}+gzip"),
        Layer(CODECS["+zstd"](links), f"{LAYER}+zstd"),
    ]
    bring(layout.tag(layout.manifest(layers, config_type=IMAGE)), tmp_path, access)
    model = tmp_path / "model"
    assert read_tree(model) == {"a": b"new", "again": b"new", "old/c": b"4", "model.file": b"4"}
    assert (model / "model.file").readlink() == Path("old/c")
    assert (model / "again").samefile(model / "a")


TITLED = {"a": tar_of({"models/a": b"1"}), "b.tar.gz": CODECS["+gzip"](tar_of({"models/b": b"2"}))}
DIFF_IDS = [str(Digest.of(TITLED["a"])), str(Digest.of(tar_of({"models/b": b"2"})))]
OF_ITS_LAYERS = {"rootfs": {"type": "layers", "diff_ids": DIFF_IDS}}


def titled(layout: Layout, config: object, extra: Mapping[str, str] | None = None, kind: str = "") -> str:
    """Write layers of an image that all have titles, as olot does."""
    layers = [Layer(content, LAYER, {TITLE: title, **(extra or {})}) for title, content in TITLED.items()]
    return layout.tag(layout.manifest(layers, config_type=IMAGE, config=config, artifact_type=kind))


def test_an_image_may_have_a_title_for_every_layer(layout: Layout, tmp_path: Path, access: Access) -> None:
    """Its config describes a file system of just these layers; a pinned pull without the registry knows it, too."""
    source = titled(layout, OF_ITS_LAYERS)
    digest = bring(source, tmp_path, access).digest
    assert read_tree(tmp_path / "model") == {"a": b"1", "b": b"2"}
    (tmp_path / "model" / "a").unlink()
    bring(f"{source}@{digest}", tmp_path, access)
    assert read_tree(tmp_path / "model") == {"a": b"1", "b": b"2"}


@pytest.mark.parametrize(
    ("config", "extra", "kind"),
    [
        ({}, {}, ""),
        ([], {}, ""),
        (3, {}, ""),
        ({"rootfs": None}, {}, ""),
        ({"rootfs": {"diff_ids": None}}, {}, ""),
        ({"rootfs": {"diff_ids": []}}, {}, ""),
        ({"rootfs": {"diff_ids": DIFF_IDS[:1]}}, {}, ""),
        ({"rootfs": {"diff_ids": ["a", "b"]}}, {}, ""),
        ({"rootfs": {"diff_ids": "ab"}}, {}, ""),
        ({"rootfs": {"diff_ids": dict.fromkeys(DIFF_IDS)}}, {}, ""),
        (OF_ITS_LAYERS, {}, "application/vnd.some.model"),
        (OF_ITS_LAYERS, {"io.deis.oras.content.unpack": "false"}, ""),
    ],
    ids=str,
)
def test_files_with_titles_stay_files_whatever_their_config_says(
    layout: Layout, tmp_path: Path, access: Access, config: object, extra: Mapping[str, str], kind: str
) -> None:
    """`oras push --config` may type any config as an image's; only one of these very layers makes them an image's."""
    bring(titled(layout, config, extra, kind), tmp_path, access)
    assert read_tree(tmp_path / "model") == TITLED


@pytest.mark.parametrize(("path", "expected"), [("", {"x": b"1"}), ("/opt/llm", {"y": b"2"})])
def test_the_folder_of_an_image_can_be_named(
    layout: Layout, tmp_path: Path, access: Access, path: str, expected: dict[str, bytes]
) -> None:
    """KAITO's adapters stand in /data, others where their owner says."""
    tar = tar_of({"data/x": b"1", "opt/llm/y": b"2"})
    source = layout.tag(layout.manifest([Layer(tar, LAYER)], config_type=IMAGE))
    bring(source, tmp_path, access, image_path=path)
    assert read_tree(tmp_path / "model") == expected


def test_what_else_is_in_an_image_does_not_matter(layout: Layout, tmp_path: Path, access: Access) -> None:
    """Names that no model may have, and whiteouts of such: systemd's are like that."""
    strange = {
        "usr/a\\x2db": b"",
        "usr/.wh.c\\x2dd": b"",
        "etc/.wh..wh..opq": b"",
        "etc/new\nline": b"",
        "models.txt": b"",
    }
    source = layout.tag(layout.manifest([Layer(tar_of({"models/x": b"1", **strange}), LAYER)], config_type=IMAGE))
    bring(source, tmp_path, access)
    assert read_tree(tmp_path / "model") == {"x": b"1"}


@pytest.mark.parametrize(
    "above",
    [
        tar_of({".wh.opt": b"", "models/x": b"2"}),
        tar_of({"opt/.wh..wh..opq": b"", "models/x": b"2"}),
        tar_of({".wh..wh..opq": b"", "models/x": b"2"}),
        tar_of({"opt": b"a file", "models/x": b"2"}),
        tar_of({"models/x": b"2"}, member("opt/llm", tarfile.SYMTYPE, linkname="/models")),
    ],
    ids=["whiteout", "opaque", "opaque-root", "file", "link"],
)
def test_a_layer_may_cover_the_folders_above_the_model(
    layout: Layout, tmp_path: Path, access: Access, above: bytes
) -> None:
    """What stood in them is gone, and a server must not be given what the image does not hold."""
    layers = [Layer(tar_of({"opt/llm/w": b"1"}), LAYER), Layer(above, LAYER)]
    source = layout.tag(layout.manifest(layers, config_type=IMAGE))
    with pytest.raises(BadArtifact, match="/opt/llm"):
        bring(source, tmp_path, access, image_path="/opt/llm")
    assert not (tmp_path / "model").exists()


def test_a_layer_may_put_files_through_a_link(layout: Layout, tmp_path: Path, access: Access) -> None:
    """Runtimes unpack each layer over those before it, and follow their links inside the image."""
    first = tar_of({"models/real/x": b"1", "models/real/gone": b"2"})
    links = (
        member("models/link", tarfile.SYMTYPE, linkname="/models/real"),
        member("models/hard", tarfile.LNKTYPE, linkname="models/link/x"),
    )
    layers = [Layer(tar, LAYER) for tar in (first, tar_of({}, *links), tar_of({"models/link/y": b"3"}))]
    layers.append(Layer(tar_of({"models/link/.wh.gone": b""}), LAYER))
    bring(layout.tag(layout.manifest(layers, config_type=IMAGE)), tmp_path, access)
    files = {"real/x": b"1", "real/y": b"3", "hard": b"1"}
    assert {path: text for path, text in read_tree(tmp_path / "model").items() if "link" not in path} == files
    assert (tmp_path / "model/link").readlink() == Path("real")


def test_a_model_behind_a_link_is_told(layout: Layout, tmp_path: Path, access: Access) -> None:
    """Its folder is elsewhere in the image, and was not unpacked; the hint names it, and it works."""
    tar = tar_of({"opt/llm/w": b"1"}, member("models", tarfile.SYMTYPE, linkname="/opt/llm"))
    source = layout.tag(layout.manifest([Layer(tar, LAYER)], config_type=IMAGE))
    with pytest.raises(BadArtifact, match="is a link to /opt/llm") as error:
        bring(source, tmp_path, access)
    assert error.value.hint.endswith("--image-path /opt/llm")
    bring(source, tmp_path, access, image_path="/opt/llm/")
    assert read_tree(tmp_path / "model") == {"w": b"1"}


@pytest.mark.parametrize("root", ["/", "."])
def test_a_whole_image_may_be_the_model(layout: Layout, tmp_path: Path, access: Access, root: str) -> None:
    """What eStargz leaves in it for lazy loaders is no part of it."""
    tables = {"stargz.index.json": b"{}", ".no.prefetch.landmark": b"\xf0", ".prefetch.landmark": b"\xf0"}
    tar = tar_of({"./w": b"1", "deep/.prefetch.landmark": b"2", **tables})
    source = layout.tag(layout.manifest([Layer(CODECS["+gzip"](tar), f"{LAYER}+gzip")], config_type=IMAGE))
    bring(source, tmp_path, access, image_path=root)
    assert read_tree(tmp_path / "model") == {"w": b"1", "deep/.prefetch.landmark": b"2"}


def test_an_image_without_a_model_is_refused(layout: Layout, tmp_path: Path, access: Access) -> None:
    """A server must not start without weights; the message tells where they were looked for."""
    source = layout.tag(layout.manifest([Layer(tar_of({"bin/sh": b"!"}), LAYER)], config_type=IMAGE))
    with pytest.raises(BadArtifact, match="/models"):
        bring(source, tmp_path, access)


def test_an_index_of_images_leads_to_this_machines(layout: Layout, tmp_path: Path, access: Access) -> None:
    """Attestations are passed over; of two images for one machine neither is guessed."""
    images = [
        {**layout.manifest([Layer(tar_of({"models/x": name}), LAYER)], config_type=IMAGE), "platform": platform}
        for name, platform in (
            (b"amd64", {"os": "linux", "architecture": "amd64"}),
            (b"arm64", {"os": "linux", "architecture": "arm64", "variant": "v8"}),
            (b"", {"os": "unknown", "architecture": "unknown"}),
        )
    ]
    bring(layout.tag(layout.index(images)), tmp_path, access)
    assert read_tree(tmp_path / "model")["x"] in {b"amd64", b"arm64"}
    with pytest.raises(BadReference, match="index of 2"):
        bring(layout.tag(layout.index([images[0], images[0] | {"annotations": {}}]), "two"), tmp_path, access)


_OURS = {"os": "linux", "architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, "other")}
_SOCI = "application/vnd.amazon.soci.index.v2+json"


@pytest.mark.parametrize(
    ("image", "beside"),
    [
        ({"platform": _OURS}, {"platform": _OURS, "artifactType": _SOCI}),
        ({"platform": _OURS}, {"platform": _OURS, "annotations": {"com.amazon.soci.image-manifest-digest": "sha256:"}}),
        ({"platform": _OURS}, {"artifactType": _SOCI}),
        ({}, {"artifactType": _SOCI}),
        ({"platform": _OURS}, {"platform": {**_OURS, "os.features": ["nydus.remoteimage.v1"]}}),
        ({"platform": {**_OURS, "os.features": None}}, {"platform": {**_OURS, "os.features": ["needed"]}}),
        ({"platform": _OURS, "artifactType": None}, {"platform": _OURS, "artifactType": "application/vnd.a.table"}),
    ],
    ids=str,
)
def test_what_lazy_loaders_put_beside_an_image_is_passed_over(
    layout: Layout, tmp_path: Path, access: Access, image: dict[str, object], beside: dict[str, object]
) -> None:
    """SOCI's tables have the image's own platform, and nydusify merges in an image for its own snapshotter."""
    ours = layout.manifest([Layer(tar_of({"models/x": b"1"}), LAYER)], config_type=IMAGE)
    other = layout.manifest([Layer(b"table", "application/octet-stream")], artifact_type=_SOCI)
    for tag, entries in (
        ("v1", [{**ours, **image}, {**other, **beside}]),
        ("v2", [{**other, **beside}, {**ours, **image}]),
    ):
        bring(layout.tag(layout.index(entries), tag), tmp_path, access)
        assert read_tree(tmp_path / "model") == {"x": b"1"}


@pytest.mark.parametrize(
    "mark", [{"artifactType": "application/vnd.a.table"}, {"platform": {**_OURS, "os.features": ["a"]}}]
)
def test_of_two_that_are_marked_alike_neither_is_guessed(
    layout: Layout, tmp_path: Path, access: Access, mark: dict[str, object]
) -> None:
    """A mark tells an image from what stands beside it, and nothing else."""
    one, other = (
        layout.manifest([Layer(tar_of({"models/x": text}), LAYER)], config_type=IMAGE) for text in (b"1", b"2")
    )
    with pytest.raises(BadReference, match="index of 2"):
        bring(
            layout.tag(layout.index([{"platform": _OURS, **entry, **mark} for entry in (one, other)])), tmp_path, access
        )


@pytest.mark.parametrize(("architecture", "baseline"), [("amd64", "v1"), ("arm64", "v8")])
@pytest.mark.parametrize("is_told", [False, True])
def test_of_an_images_variants_the_one_for_every_machine_is_taken(
    layout: Layout,
    tmp_path: Path,
    access: Access,
    monkeypatch: pytest.MonkeyPatch,
    architecture: str,
    baseline: str,
    *,
    is_told: bool,
) -> None:
    """A model is the same in all of them, and not every machine has what the others want."""
    monkeypatch.setattr(os, "uname", lambda: os.uname_result(("Linux", "node", "6", "1", architecture)))
    variants = {"v9": "linux", "v3": "linux", baseline if is_told else "": "linux", "windows": "windows"}
    images = [
        {
            **layout.manifest([Layer(tar_of({"models/x": name.encode()}), LAYER)], config_type=IMAGE),
            "platform": {"os": system, "architecture": architecture, "variant": name},
        }
        for name, system in variants.items()
    ]
    bring(layout.tag(layout.index(images)), tmp_path, access)
    assert read_tree(tmp_path / "model") == {"x": baseline.encode() if is_told else b""}


def named(layout: Layout, descriptor: Mapping[str, object], **names: str) -> None:
    """List an artifact as the only one, under annotations of the index."""
    annotations = {key.replace("_", "."): value for key, value in names.items()}
    index = {"schemaVersion": 2, "manifests": [{**descriptor, "annotations": annotations}]}
    (layout.folder / "index.json").write_text(json.dumps(index))


@pytest.mark.parametrize(
    "names",
    [
        {"org_opencontainers_image_ref_name": "v1"},
        {"org_opencontainers_image_ref_name": "docker.io/library/model:v1"},
        {"org_opencontainers_image_ref_name": "latest", "io_containerd_image_name": "localhost:5000/model:v1"},
    ],
)
def test_a_layouts_tag_may_stand_behind_an_images_name(
    layout: Layout, tmp_path: Path, access: Access, names: dict[str, str]
) -> None:
    """As skopeo, podman, containerd and buildx write it; another tag is another artifact."""
    named(layout, layout.manifest([weight("raw", b"1", "w")], artifact_type=MODELPACK), **names)
    with pytest.raises(NotFound, match="0 artifacts"):
        bring(layout.source("1"), tmp_path, access)
    bring(layout.source("v1"), tmp_path, access)
    assert read_tree(tmp_path / "model") == {"w": b"1"}


def test_a_layout_may_list_one_artifact_under_many_tags(layout: Layout, tmp_path: Path, access: Access) -> None:
    """It is still one, whether it is asked for by its digest or as the only one."""
    artifact = layout.manifest([weight("raw", b"1", "w")], artifact_type=MODELPACK)
    layout.tag(artifact, "v1")
    layout.tag(artifact, "latest")
    for number, source in enumerate((f"layout://{layout.folder}", f"layout://{layout.folder}@{artifact['digest']}")):
        folder = tmp_path / str(number)
        folder.mkdir()
        bring(source, folder, access)
        assert read_tree(folder / "model") == {"w": b"1"}


def test_one_of_an_index_can_be_named_by_its_digest(layout: Layout, tmp_path: Path, access: Access) -> None:
    """A layout lists only the index; the hint of a choice that is not ours must work."""
    kits = [layout.manifest([weight("raw", name, "w")], artifact_type=MODELPACK) for name in (b"1", b"2")]
    source = layout.tag(layout.index(kits))
    with pytest.raises(BadReference, match="index of 2"):
        bring(source, tmp_path, access)
    bring(f"layout://{layout.folder}@{kits[1]['digest']}", tmp_path, access)
    assert read_tree(tmp_path / "model") == {"w": b"2"}


def test_a_folder_in_a_blobs_place_is_told(layout: Layout, tmp_path: Path, access: Access) -> None:
    """Though its size be right, it is no file; nothing but a named error comes of it."""
    path = layout.folder / "blobs/sha256" / ("0" * 64)
    path.mkdir()
    described = {"digest": f"sha256:{path.name}", "size": path.stat().st_size}
    source = layout.tag(layout.manifest([Layer(b"", MODELPACK, {FILEPATH: "w"}, described)], artifact_type=MODELPACK))
    with pytest.raises(BadLayout, match="no file that can be read"):
        bring(source, tmp_path, access)


def test_two_archives_may_not_claim_one_file(layout: Layout, tmp_path: Path, access: Access) -> None:
    """Only an image's layers cover one another."""
    layers = [weight("tar", tar_of({"a": b"1", "b": b"1"})), weight("tar", tar_of({"a": b"2", "c": b"2"}))]
    with pytest.raises(BadArtifact, match="two layers claim"):
        bring(layout.tag(layout.manifest(layers, artifact_type=MODELPACK)), tmp_path, access)
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("form", ["tar", "raw"])
def test_one_blob_may_be_two_files(layout: Layout, tmp_path: Path, access: Access, form: str, codec: str) -> None:
    """AIKit's tars hold just the last part of a name, so that equal files make equal layers; so do kit's raw ones."""
    content = CODECS[codec](tar_of({"w.bin": WEIGHTS}) if form == "tar" else WEIGHTS)
    layers = [weight(f"{form}{codec}", content, path) for path in ("a/w.bin", "b/w.bin", "a/w.bin")]
    bring(layout.tag(layout.manifest(layers, artifact_type=MODELPACK)), tmp_path, access)
    assert read_tree(tmp_path / "model") == {"a/w.bin": WEIGHTS, "b/w.bin": WEIGHTS}


def test_one_archive_may_be_listed_twice(layout: Layout, tmp_path: Path, access: Access) -> None:
    """It claims what it claimed before, links and folders too."""
    links = member("c", tarfile.SYMTYPE, linkname="a"), member("d", tarfile.LNKTYPE, linkname="b")
    tar = tar_of({"a": b"1", "b": b"2"}, *links, member("e", tarfile.DIRTYPE, mode=0o755))
    layers = [weight("tar", tar), Layer(tar, "application/vnd.cncf.model.code.v1.tar")]
    bring(layout.tag(layout.manifest(layers, artifact_type=MODELPACK)), tmp_path, access)
    assert read_tree(tmp_path / "model") == {"a": b"1", "b": b"2", "c": b"1", "d": b"2"}


def test_one_layer_may_stand_in_an_image_twice(layout: Layout, tmp_path: Path, access: Access) -> None:
    """It covers what lies between, and what linked to its file keeps it."""
    link = member("models/b", tarfile.LNKTYPE, linkname="models/a")
    tars = tar_of({"models/a": b"1"}), tar_of({}, link), tar_of({"models/a": b"2"})
    layers = [Layer(tars[number], LAYER) for number in (0, 1, 2, 0)]
    bring(layout.tag(layout.manifest(layers, config_type=IMAGE)), tmp_path, access)
    assert read_tree(tmp_path / "model") == {"a": b"1", "b": b"1"}


@pytest.mark.parametrize(
    "layers",
    [
        [weight("raw", tar_of({"a": b"1"}), "x.tar"), weight("tar", tar_of({"a": b"1"}))],
        [weight("raw+gzip", tar_of({"a": b"1"}), "x"), weight("tar", tar_of({"a": b"1"}))],
        [weight("raw", b"1", "x"), Layer(b"1", "application/vnd.cncf.model.doc.v1.raw", {FILEPATH: "y"}, {"size": 2})],
    ],
    ids=["file-and-archive", "behind-a-codec-and-archive", "two-sizes"],
)
def test_one_blob_may_not_be_two_things(layout: Layout, tmp_path: Path, access: Access, layers: list[Layer]) -> None:
    """It is unpacked and checked once, by what one of them says."""
    with pytest.raises(BadArtifact, match="in one"):
        bring(layout.tag(layout.manifest(layers, artifact_type=MODELPACK)), tmp_path, access)
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("codec", ["raw", "tar"])
@pytest.mark.parametrize(("size", "error"), [(1 << 60, NoRoom), (10**400, BadManifest)])
def test_sizes_that_nothing_has_are_refused(
    layout: Layout, tmp_path: Path, access: Access, codec: str, size: int, error: type[Fault]
) -> None:
    """Before a list of their pieces takes all memory there is."""
    layer = Layer(b"1", f"application/vnd.cncf.model.weight.v1.{codec}", {FILEPATH: "w"}, {"size": size})
    with pytest.raises(error, match="bytes"):
        bring(layout.tag(layout.manifest([layer], artifact_type=MODELPACK)), tmp_path, access)


@pytest.mark.parametrize("name", ["", ".", "./", "/"])
@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_a_member_without_a_name_is_passed_over(
    layout: Layout, tmp_path: Path, access: Access, name: str, kind: bytes
) -> None:
    """It is the folder itself, whatever else it says; the layer's own file it is not."""
    layers = [weight("tar", tar_of({}, member(name, kind, linkname="x")), "w"), weight("raw", b"1", "y")]
    bring(layout.tag(layout.manifest(layers, artifact_type=MODELPACK)), tmp_path, access)
    assert read_tree(tmp_path / "model") == {"y": b"1"}


@pytest.mark.parametrize(
    "links",
    [
        {"l0": "d"} | {f"l{number}": f"l{number - 1}/../l{number - 1}" for number in range(1, 39)},
        {"a": "b", "b": "a"},
        {"a": "x" * 4096},
        {"a": "x\0y"},
    ],
    ids=["each-twice-through-the-one-before", "a-ring", "a-long-one", "a-nul"],
)
def test_links_that_lead_too_far_are_refused(
    layout: Layout, tmp_path: Path, access: Access, links: dict[str, str]
) -> None:
    """At once: a kernel would give up, too."""
    headers = [member(name, tarfile.SYMTYPE, pax_headers={"linkpath": target}) for name, target in links.items()]
    tar = tar_of({"d/x": b"1"}, *headers)
    with pytest.raises(UnsafePath, match="link"):
        bring(layout.tag(layout.manifest([weight("tar", tar)], artifact_type=MODELPACK)), tmp_path, access)


def test_globs_reach_into_archives(layout: Layout, tmp_path: Path, access: Access) -> None:
    """What is not wanted is not written, not even on the stage."""
    tar = tar_of({"a.json": b"1", "b.bin": b"2", "deep/c.json": b"3"})
    source = layout.tag(layout.manifest([weight("tar", tar)], artifact_type=MODELPACK))
    bring(source, tmp_path, access, include=("*.json",), exclude=("deep/*",))
    assert read_tree(tmp_path / "model") == {"a.json": b"1"}


@pytest.mark.parametrize("typeflag", [0, 48])
@pytest.mark.parametrize("codec", CODECS)
def test_a_file_in_a_tar_of_its_own_is_left_out_with_its_layer(
    layout: Layout, tmp_path: Path, access: Access, codec: str, typeflag: int
) -> None:
    """Modctl packs each file as a tar and says so: what is not selected is not fetched, though the blob is gone."""
    layers = []
    for name, content in (("deep/model.safetensors", WEIGHTS), ("config.json", b"{}")):
        metadata = json.dumps({"name": name.rpartition("/")[2], "size": len(content), "typeflag": typeflag})
        tar = CODECS[codec](tar_of({name: content}))
        layers.append(
            Layer(tar, f"application/vnd.cncf.model.weight.v1.tar{codec}", {FILEPATH: name, FILE_METADATA: metadata})
        )
    source = layout.tag(layout.manifest(layers, artifact_type=MODELPACK))
    bring(source, tmp_path, access)
    assert read_tree(tmp_path / "model") == {"deep/model.safetensors": WEIGHTS, "config.json": b"{}"}
    (layout.folder / "blobs/sha256" / sha256(layers[0].content).removeprefix("sha256:")).unlink()
    receipt = bring(source, tmp_path, access, include=("*.json",), destination=str(tmp_path / "some"))
    assert read_tree(tmp_path / "some") == {"config.json": b"{}"}
    assert receipt.wire_bytes == len(layers[1].content)
    with pytest.raises(NothingSelected):
        bring(source, tmp_path, access, include=("*.gguf",), destination=str(tmp_path / "none"))


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        {},
        {"size": 1},
        {"typeflag": 5},
        {"typeflag": 128},
        {"typeflag": 0, "files": []},
        {"typeflag": "0"},
        {"typeflag": None},
    ],
    ids=str,
)
def test_an_archive_that_may_have_several_files_is_looked_into(
    layout: Layout, tmp_path: Path, access: Access, metadata: dict[str, object] | None
) -> None:
    """An annotation may name the folder of its members, which have names of their own; kit's type of one is 128."""
    annotations = {FILEPATH: "src"} | ({} if metadata is None else {FILE_METADATA: json.dumps(metadata)})
    layer = Layer(tar_of({"src/a.py": b"1", "src/b.json": b"2"}), "application/vnd.cncf.model.code.v1.tar", annotations)
    bring(layout.tag(layout.manifest([layer], artifact_type=MODELPACK)), tmp_path, access, include=("*.json",))
    assert read_tree(tmp_path / "model") == {"src/b.json": b"2"}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"include": ("*.json",)}, {}),
        ({}, {"exclude": ("*.json",)}),
        ({"include": ("a*",)}, {"include": ("b*", "w")}),
    ],
)
def test_what_one_choice_unpacked_is_not_taken_for_another(
    layout: Layout, tmp_path: Path, access: Access, first: dict[str, object], second: dict[str, object]
) -> None:
    """A pull that failed leaves what it wanted of an archive on the stage; the next one may want more, or less."""
    layers = [weight("tar", tar_of({"a.json": b"1", "b.bin": b"2"})), weight("tar", tar_of({"w": WEIGHTS}))]
    source = layout.tag(layout.manifest(layers, artifact_type=MODELPACK))
    blob = layout.folder / "blobs/sha256" / sha256(layers[1].content).partition(":")[2]
    blob.unlink()
    with pytest.raises(NotFound):
        bring(source, tmp_path, access, **first)
    blob.write_bytes(layers[1].content)
    bring(source, tmp_path, access, **second)
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    bring(source, fresh, access, **second)
    assert read_tree(tmp_path / "model") == read_tree(fresh / "model")


@pytest.mark.parametrize(
    "bad",
    [
        member("../out", size=0),
        member("/etc/passwd", size=0),
        member("a\0b", size=0),
        member("c:/x", size=0),
        member("up", tarfile.SYMTYPE, linkname="../../etc/passwd"),
        member("abs", tarfile.SYMTYPE, linkname="/etc/passwd"),
        member("hard", tarfile.LNKTYPE, linkname="../../etc/passwd"),
    ],
    ids=lambda info: f"{info.name}-{info.linkname}",
)
def test_archives_that_climb_are_refused(layout: Layout, tmp_path: Path, access: Access, bad: tarfile.TarInfo) -> None:
    """Names and links that lead out, of every kind, end in a named error, with nothing outside."""
    source = layout.tag(layout.manifest([weight("tar", tar_of({"ok": b"1"}, bad))], artifact_type=MODELPACK))
    before = {path for path in tmp_path.rglob("*") if "layout" not in path.parts}
    if "\0" in bad.name:
        bring(source, tmp_path, access)  # a name ends at its first NUL: nothing behind it is seen
        assert sorted(read_tree(tmp_path / "model")) == ["a", "ok"]
        return
    with pytest.raises(UnsafePath):
        bring(source, tmp_path, access)
    after = {path for path in tmp_path.rglob("*") if not {"layout", ".weighbridge"} & set(path.parts)}
    assert after <= before


def test_nothing_is_written_through_a_link(layout: Layout, tmp_path: Path, access: Access) -> None:
    """A link to a folder, and then a file inside it: refused, though the link stays inside."""
    tar = tar_of({"real/x": b"1"}, member("link", tarfile.SYMTYPE, linkname="real"), member("link/y"))
    with pytest.raises(UnsafePath, match="through the link"):
        bring(layout.tag(layout.manifest([weight("tar", tar)], artifact_type=MODELPACK)), tmp_path, access)


def test_links_that_lead_out_together_are_refused(layout: Layout, tmp_path: Path, access: Access) -> None:
    """Each of them looks harmless: `down` leads to the root, `out` from there one further up."""
    tar = tar_of(
        {"p/q/x": b"1"},
        member("p/q/down", tarfile.SYMTYPE, linkname="../.."),
        member("out", tarfile.SYMTYPE, linkname="p/q/down/../secret"),
    )
    with pytest.raises(UnsafePath, match="leads out"):
        bring(layout.tag(layout.manifest([weight("tar", tar)], artifact_type=MODELPACK)), tmp_path, access)


def test_a_codec_may_not_promise_less_than_it_gives(layout: Layout, tmp_path: Path, access: Access) -> None:
    """A bomb stops at the size that the manifest promises, or at a hundred times its own."""
    for codec, annotations in (("+zstd", {}), ("+gzip", {FILE_METADATA: json.dumps({"size": 10})})):
        bomb = CODECS[codec](bytes(64 << 20)) if not annotations else CODECS[codec](bytes(11))
        layer = Layer(bomb[:], f"application/vnd.cncf.model.weight.v1.raw{codec}", {FILEPATH: "w", **annotations})
        if not annotations:
            import zstandard  # noqa: PLC0415 - one frame, which packs tighter than many

            layer = Layer(zstandard.compress(bytes(64 << 20)), layer.media_type, layer.annotations)
        source = layout.tag(layout.manifest([layer], artifact_type=MODELPACK), f"t{codec[1:]}")
        with pytest.raises(BadArtifact, match="unpacks to more"):
            bring(source, tmp_path, access)


@pytest.mark.parametrize("codec", ["+gzip", "+zstd"])
def test_broken_archives_are_named(layout: Layout, tmp_path: Path, access: Access, codec: str) -> None:
    """Cut short, or followed by what is no frame."""
    packed = CODECS[codec](tar_of({"a": noise(3000)}))
    for number, content in enumerate((packed[:-700], packed[:-2000])):
        source = layout.tag(layout.manifest([weight("tar", content)], artifact_type=MODELPACK), f"t{number}")
        with pytest.raises(BadArtifact):
            bring(source, tmp_path, access)
    assert not (tmp_path / "model").exists()


def test_inspect_tells_every_form(layout: Layout, access: Access) -> None:
    """What it is, and which of its layers are archives."""
    source = layout.tag(layout.manifest([Layer(tar_of({"models/x": b"1"}), LAYER)], config_type=IMAGE))
    found = inspect(
        open_repository(parse_source(source), access), access, Settings(source="", destination=""), QuietReporter()
    )
    assert (found.kind, found.problem) == ("image", "")
    assert found.entries[0].path == "layers[0] (archive)"


@pytest.mark.parametrize("kind", ["application/\x1b[2Jx", "application/\ud800", "a\nb"])
def test_a_media_type_that_cannot_be_printed_is_refused(
    layout: Layout, tmp_path: Path, access: Access, kind: str
) -> None:
    """It would stand in messages: on terminals, and in the pod's status."""
    for number, artifact in enumerate((layout.manifest([Layer(b"1", kind)]), layout.manifest([], artifact_type=kind))):
        with pytest.raises(BadManifest, match="no media type"):
            bring(layout.tag(artifact, f"t{number}"), tmp_path, access)


def test_layers_that_nobody_named_are_refused(layout: Layout, tmp_path: Path, access: Access) -> None:
    """There is no place to put them."""
    source = layout.tag(layout.manifest([Layer(b"1", "application/octet-stream")]))
    with pytest.raises(UnsupportedLayer):
        bring(source, tmp_path, access)


def sha256(content: bytes) -> str:
    """Return a digest as manifests write it."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def test_inspect_lets_no_artifact_speak_to_the_terminal(layout: Layout, access: Access) -> None:
    """Names and types are their writer's; escape sequences among them are not printed."""
    kitfile = {"model": {"path": "\x1b[2Jweights", "digest": sha256(tar_of({"x": b"1"}))}}
    layer = Layer(tar_of({"x": b"1"}), "application/vnd.kitops.modelkit.model.v1.tar")
    source = layout.tag(layout.manifest([layer], config_type=KITFILE, config=kitfile))
    text = inspect(
        open_repository(parse_source(source), access), access, Settings(source="", destination=""), QuietReporter()
    ).to_text()
    assert "weights (archive)" in text
    assert "\x1b" not in text
