"""A Hugging Face cache around a model: what the hub's own library and transformers load from it, offline."""

import json
import os
import struct
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from puller.settings import Settings
from registry.annotations import ARTIFACT_TYPE, CONFIG_TYPE
from registry.digest import Digest
from registry.manifest import Descriptor, Manifest
from tests.fakes.hub import fake_hub
from tests.fakes.registry import Answer, FakeRegistry, Request, fake_registry
from tests.puller.models import layer, noise, read_tree
from tests.puller.test_container import run

NAME = "microsoft/phi-4"
HEADER = json.dumps({"bias": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
FILES = {
    "config.json": json.dumps({"model_type": "llama", "hidden_size": 64, "num_attention_heads": 8}).encode(),
    "tokenizer.json": json.dumps(
        {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": [],
            "normalizer": None,
            "pre_tokenizer": {"type": "Whitespace"},
            "post_processor": None,
            "decoder": None,
            "model": {"type": "WordLevel", "vocab": {"[UNK]": 0, "hello": 1}, "unk_token": "[UNK]"},
        }
    ).encode(),
    "tokenizer_config.json": json.dumps({"tokenizer_class": "PreTrainedTokenizerFast"}).encode(),
    "generation_config.json": json.dumps({"max_new_tokens": 7}).encode(),
    "sub/model.safetensors": struct.pack("<Q", len(HEADER)) + HEADER + struct.pack("<f", 1.5),
}
LOADS = f"""
import sys
from huggingface_hub import hf_hub_download, snapshot_download
from safetensors.numpy import load_file
from transformers import AutoConfig, AutoTokenizer, GenerationConfig
print(AutoConfig.from_pretrained("{NAME}").hidden_size)
print(AutoTokenizer.from_pretrained("{NAME}")("hello")["input_ids"])
print(GenerationConfig.from_pretrained("{NAME}").max_new_tokens)
print(load_file(hf_hub_download("{NAME}", "sub/model.safetensors"))["bias"].tolist())
print(snapshot_download("{NAME}"))
"""


def offer(fake: FakeRegistry, files: Mapping[str, bytes], descriptor: object, tag: str = "v1") -> Digest:
    """Put a model with a config into a fake registry."""
    config = json.dumps({"descriptor": descriptor}).encode()
    for content in (*files.values(), config):
        fake.add_blob(content)
    about = Descriptor(media_type=CONFIG_TYPE, digest=Digest.of(config), size=len(config))
    layers = tuple(layer(path, content) for path, content in files.items())
    return fake.add(Manifest(artifact_type=ARTIFACT_TYPE, config=about, layers=layers), tag)


def cached(source: str, cache: Path, **more: object) -> Settings:
    """Return what the webhook asks of a puller for the layout `huggingface`."""
    return Settings(source=source, destination=f"{cache}/model", hub_cache=str(cache), **more)  # type: ignore[arg-type]


def load_offline(cache: Path, **more: str) -> "subprocess.CompletedProcess[str]":
    """Load the model by its name, where nothing of the cache may be written, with what the webhook sets.

    Modes hold root, too, without its capabilities.
    """
    for path in (cache, *cache.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o555 if path.is_dir() else 0o444)
    offline = dict.fromkeys(("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE"), "1")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "TRANSFORMERS_"))}
    environ = {**kept, **offline, "HF_HUB_CACHE": str(cache), "SENTENCE_TRANSFORMERS_HOME": str(cache), **more}
    plainly = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    command = [*plainly, sys.executable, "-c", LOADS]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Path]:
    """Return a cache's folder that does not exist yet; in the end it can be removed again."""
    yield tmp_path / "phi-4"
    for path in (tmp_path / "phi-4").rglob("*"):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)


def test_an_unmodified_name_loads_offline_from_a_tree_that_nothing_may_write(cache: Path, tmp_path: Path) -> None:
    """huggingface_hub and transformers find config, tokenizer and weights by ORGANISATION/NAME, and no network."""
    with fake_registry() as fake:
        digest = offer(fake, FILES, {"name": NAME})
        done = run(cached(fake.reference(), cache))
    assert done.returncode == 0, done.stderr
    before = read_tree(cache)

    loaded = load_offline(cache, HF_HOME=str(tmp_path / "home"))

    assert loaded.returncode == 0, loaded.stderr
    snapshot = cache / "models--microsoft--phi-4" / "snapshots" / digest.hex[:40]
    assert loaded.stdout.splitlines() == ["64", "[1]", "7", "[1.5]", str(snapshot)]
    assert read_tree(cache) == before
    assert (cache / "models--microsoft--phi-4" / "refs" / "main").read_text() == digest.hex[:40]


def test_a_repository_of_the_hub_keeps_its_commit_as_its_revision(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that `--revision COMMIT` loads, too, and the tag's own name."""
    with fake_hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        commit = hub.commit(FILES, branch="v1.0")
        done = run(cached("hf://team/model@v1.0", cache))
    assert done.returncode == 0, done.stderr
    folder = cache / "models--team--model"
    assert {path.name: path.read_text() for path in (folder / "refs").iterdir()} == {"main": commit, "v1.0": commit}
    assert [path.name for path in (folder / "snapshots").iterdir()] == [commit]


COMMIT = "c0ffee" * 6 + "0123"
FINDS = """
import sys
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import LocalEntryNotFoundError
for revision in sys.argv[2:]:
    try:
        print(open(hf_hub_download(sys.argv[1], "config.json", revision=revision or None)).read())
    except LocalEntryNotFoundError:
        print("not here")
"""


def found_offline(cache: Path, name: str, *revisions: str) -> list[str]:
    """Return what the hub's own library finds of `config.json` at each revision, without a network."""
    environ = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(cache)}
    command = [sys.executable, "-c", FINDS, name, *revisions]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=True).stdout.split("\n")[:-1]


def test_an_artifact_that_was_packed_from_the_hub_has_the_commit_as_its_revision(cache: Path) -> None:
    """So that `--revision COMMIT` loads offline; a second start from a pinned source asks nobody."""
    with fake_registry() as fake:
        descriptor = {"sourceURL": f"hf://{NAME}", "revision": COMMIT}
        digest = offer(fake, {"config.json": b"{}"}, descriptor)
        source = f"{fake.reference()}@{digest}"
        assert run(cached(source, cache)).returncode == 0
        found = found_offline(cache, NAME, "", "main", COMMIT, "1" * 40, "v1")
        assert found == [*["{}"] * 3, *["not here"] * 2]
        before, asked = read_tree(cache), len(fake.requests)
        assert run(cached(source, cache)).returncode == 0
        assert (read_tree(cache), len(fake.requests)) == (before, asked)
        assert offer(fake, {"config.json": b"[]"}, {"name": NAME}) != digest
        assert run(cached(fake.reference(), cache)).returncode == 0
    assert found_offline(cache, NAME, "", COMMIT) == ["[]", "not here"]
    assert [path.name for path in (cache / "models--microsoft--phi-4/refs").iterdir()] == ["main"]


@pytest.mark.parametrize(
    "revision", ["main", "v1.0", COMMIT[:39], f"{COMMIT}0", COMMIT.upper(), "../" * 13 + "x", 7, None]
)
def test_a_revision_that_is_no_commit_names_no_snapshot(cache: Path, revision: object) -> None:
    """A snapshot's name is 40 hexadecimal digits: the library asks the hub for every other one."""
    with fake_registry() as fake:
        digest = offer(fake, {"config.json": b"{}"}, {"name": NAME, "revision": revision})
        assert run(cached(fake.reference(), cache)).returncode == 0
    assert [path.name for path in (cache / "models--microsoft--phi-4/snapshots").iterdir()] == [digest.hex[:40]]
    assert found_offline(cache, NAME, "") == ["{}"]


@pytest.mark.parametrize("branch", ["refs/pr/1", "release/v1", "v1.0"])
def test_every_branch_of_the_hub_loads_by_its_name(cache: Path, monkeypatch: pytest.MonkeyPatch, branch: str) -> None:
    """The head of a pull request, too, whose name has slashes."""
    with fake_hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        hub.commit({"config.json": b"{}"})
        commit = hub.commit({"config.json": b"[]"}, branch=branch)
        assert run(cached(f"hf://team/model@{branch}", cache)).returncode == 0
    assert found_offline(cache, "team/model", branch, commit) == ["[]", "[]"]


def test_a_branch_may_take_the_place_of_a_folder_of_branches(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the other way round: a volume outlives the names of branches."""
    with fake_hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        for content, branch in ((b"{}", "v1"), (b"[]", "v1/a"), (b"3", "v1")):
            hub.commit({"config.json": content}, branch=branch)
            done = run(cached(f"hf://team/model@{branch}", cache))
            assert done.returncode == 0, done.stderr
            assert found_offline(cache, "team/model", branch) == [content.decode()]


def test_a_tag_that_moves_during_the_pull_keeps_its_own_commit(cache: Path) -> None:
    """The name is read before the model is pulled: what is published has the commit of its own config."""
    with fake_registry() as fake:

        def move(_: Request, answer: Answer) -> Answer:
            offer(fake, {"config.json": b"[]"}, {"name": NAME, "revision": "1" * 40})
            return answer

        offer(fake, {"config.json": b"{}"}, {"name": NAME, "revision": COMMIT})
        fake.fail(move, path="/manifests/", times=1)
        done = run(cached(fake.reference(), cache))
        assert done.returncode == 0, done.stderr
    assert found_offline(cache, NAME, "1" * 40, COMMIT, "") == ["[]", "not here", "[]"]


@pytest.mark.parametrize(
    "descriptor",
    [
        {"name": NAME},
        {"name": "phi-4", "sourceURL": f"hf://{NAME}"},
        {"sourceURL": f"https://huggingface.co/{NAME}"},
        {"name": f"hf://{NAME}@main"},
    ],
)
def test_the_name_is_the_configs_or_that_of_the_repository_that_the_model_came_from(
    descriptor: object, cache: Path
) -> None:
    """`push --name`, and `push hf://…`, which records where the files are from."""
    with fake_registry() as fake:
        offer(fake, {"config.json": b"{}"}, descriptor)
        done = run(cached(fake.reference(), cache))
    assert done.returncode == 0, done.stderr
    assert [path.name for path in cache.glob("models--*")] == ["models--microsoft--phi-4"]


@pytest.mark.parametrize("descriptor", [{}, {"name": "phi-4"}, {"name": "../../etc"}, {"name": 7}, [], None, "x"])
def test_an_artifact_without_such_a_name_fails_before_its_files_are_fetched(descriptor: object, cache: Path) -> None:
    """The message says how to give it one."""
    with fake_registry() as fake:
        offer(fake, {"weights.bin": noise(5000)}, descriptor)
        done = run(cached(fake.reference(), cache))
        asked = [request.path for request in fake.requests]
    assert done.returncode == 1
    assert "[hub-cache.no-name]" in done.stderr
    assert "--name ORGANISATION/NAME" in done.stderr
    assert len([path for path in asked if "/blobs/" in path]) == 1  # the config


def test_a_new_version_takes_the_place_of_the_one_before(cache: Path) -> None:
    """The revision moves, and no link leads from an old revision to new files."""
    with fake_registry() as fake:
        offer(fake, {"config.json": b"{}"}, {"name": NAME})
        assert run(cached(fake.reference(), cache)).returncode == 0
        digest = offer(fake, {"config.json": b"[]"}, {"name": NAME})
        assert run(cached(fake.reference(), cache)).returncode == 0
    (snapshot,) = (cache / "models--microsoft--phi-4" / "snapshots").iterdir()
    assert snapshot.name == digest.hex[:40]
    assert (snapshot / "config.json").read_bytes() == b"[]"


@pytest.mark.parametrize("is_pinned", [False, True])
def test_a_new_version_may_have_another_name(cache: Path, *, is_pinned: bool) -> None:
    """The first one was misspelled; nothing is found by it any more."""
    with fake_registry() as fake:
        for name, content in (("microsoft/phi4", b"{}"), ("microsoft/phi--4", b"[]")):
            digest = offer(fake, {"config.json": content}, {"name": name})
            for _ in range(2):
                source = f"{fake.reference()}@{digest}" if is_pinned else fake.reference()
                assert run(cached(source, cache)).returncode == 0
    (folder,) = cache.glob("models--*")
    assert folder.name == "models--microsoft--phi--4"
    assert (folder / "snapshots" / digest.hex[:40] / "config.json").read_bytes() == b"[]"


def test_a_pinned_model_that_stands_needs_no_registry(cache: Path) -> None:
    """A second pod on the volume starts warm."""
    with fake_registry() as fake:
        digest = offer(fake, {"config.json": b"{}"}, {"name": NAME})
        settings = cached(f"{fake.reference()}@{digest}", cache)
        assert run(settings).returncode == 0
        before = len(fake.requests)
        again = run(settings)
        assert again.returncode == 0, again.stderr
        assert len(fake.requests) == before
