"""Pushing straight from a Hugging Face hub."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import weighbridge
from registry.source import parse_source
from tests.fakes import faults
from tests.fakes.hub import FakeHub, fake_hub
from tests.fakes.registry import fake_registry
from tests.puller.models import noise, read_tree

MODEL = {
    ".gitattributes": b"*",
    "config.json": b"{}",
    "model.safetensors": noise(50_000),
    "deep/er/file.py": b"print()",
}
SOURCE = "hf://team/model"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    """Serve a hub with one model, where this user's environment names it."""
    with fake_hub() as running:
        running.commit(MODEL)
        monkeypatch.setenv("HF_ENDPOINT", running.endpoint)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
        (tmp_path / "scratch").mkdir()
        yield running


def config_of(layout: Path, pinned: str) -> dict[str, object]:
    """Read the config of what was pushed to a layout."""

    def blob(digest: str) -> dict[str, object]:
        found: dict[str, object] = json.loads((layout / "blobs" / digest.replace(":", "/")).read_text())
        return found

    manifest = blob(str(parse_source(pinned).digest))
    assert isinstance(manifest["config"], dict)
    return blob(manifest["config"]["digest"])


def test_push_from_the_hub_then_pull_is_identity(
    hub: FakeHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The artifact holds the repository's files, and its config tells the repository and the commit."""
    assert weighbridge.main(["push", "--quiet", SOURCE, f"layout://{tmp_path / 'layout'}:v1"]) == 0
    pinned = capsys.readouterr().out.strip()
    assert weighbridge.main(["pull", "--quiet", pinned, "-o", str(tmp_path / "out")]) == 0
    assert read_tree(tmp_path / "out") == MODEL
    descriptor = config_of(tmp_path / "layout", pinned)["descriptor"]
    assert descriptor == {"sourceURL": "hf://team/model", "revision": hub.revisions["main"]}


def test_the_same_commit_gives_the_same_artifact(
    hub: FakeHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whether it is named by its branch or by itself, and wherever it was unpacked in between."""
    for source, name in ((SOURCE, "one"), (f"{SOURCE}@{hub.revisions['main']}", "two")):
        assert weighbridge.main(["push", "--quiet", source, f"layout://{tmp_path / name}:v1"]) == 0
    first, second = capsys.readouterr().out.split()
    assert parse_source(first).digest == parse_source(second).digest


@pytest.mark.usefixtures("hub")
def test_the_temporary_folder_goes_whatever_happens(tmp_path: Path, hub: FakeHub) -> None:
    """Neither a push that worked nor one that failed leaves the model behind."""
    target = f"layout://{tmp_path / 'layout'}:v1"
    assert weighbridge.main(["push", "--quiet", SOURCE, target]) == 0
    hub.cdn.fail(faults.flipped(3))
    assert weighbridge.main(["push", "--quiet", SOURCE, target]) == 1
    assert list((tmp_path / "scratch").iterdir()) == []


def test_what_is_left_out_is_not_fetched(hub: FakeHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--exclude counts for the pull as for the push."""
    target = f"layout://{tmp_path / 'layout'}:v1"
    assert weighbridge.main(["push", "--quiet", "--exclude", "*.safetensors", SOURCE, target]) == 0
    assert weighbridge.main(["pull", "--quiet", capsys.readouterr().out.strip(), "-o", str(tmp_path / "out")]) == 0
    assert sorted(read_tree(tmp_path / "out")) == sorted(set(MODEL) - {"model.safetensors"})
    assert hub.cdn.requests == []


REFUSED = {
    "a key that is none": (["--sign", "absent.key"], {}, "sign-key.invalid"),
    "a name that looks secret": ([], {".env": b"TOKEN=x"}, "folder.suspicious"),
    "all excluded": (["--exclude", "*"], {}, "folder.empty"),
    "too many files": ([], {f"{number}-{'long' * 40}": b"" for number in range(6000)}, "manifest.too-large"),
    "no right to push": ([], {}, "registry.unauthorized"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_would_refuse_the_push_does_so_before_the_model_is_pulled(
    tmp_path: Path, hub: FakeHub, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    """Law: of a push that cannot end well, no large file is fetched."""
    options, files, code = REFUSED[case]
    hub.commit({**MODEL, **files})
    with fake_registry() as fake:
        if code == "registry.unauthorized":
            fake.fail(faults.status(403), method="POST", path="/uploads/")
        assert weighbridge.main(["push", "--quiet", SOURCE, fake.reference(), *options]) == 1
        assert fake.blobs == fake.manifests == {}
    assert f"[{code}]" in capsys.readouterr().err
    assert hub.cdn.requests == hub.file_requests() == []
    assert list((tmp_path / "scratch").iterdir()) == []


def test_what_is_left_out_or_meant_is_judged_as_in_a_folder(hub: FakeHub, tmp_path: Path) -> None:
    """--include, --exclude, and what other programs keep beside a model."""
    hub.commit({**MODEL, ".env": b"x", "notes.key": b"y", ".DS_Store": b"z"})
    layout, chosen = f"layout://{tmp_path / 'layout'}:v1", ["--include", ".env", "--exclude", "*.key"]
    assert weighbridge.main(["push", "--quiet", SOURCE, layout, *chosen]) == 0
    assert weighbridge.main(["pull", "--quiet", layout, "-o", str(tmp_path / "out")]) == 0
    assert read_tree(tmp_path / "out") == {**MODEL, ".env": b"x"}


def test_a_machine_without_room_for_temporary_files_is_a_named_failure(
    tmp_path: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """TMPDIR is what the hint names."""
    hub.commit({"config.json": b"{}"})
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))
    assert weighbridge.main(["push", "--quiet", SOURCE, f"layout://{tmp_path / 'layout'}:v1"]) == 1
    said = capsys.readouterr().err
    assert "folder.invalid" in said
    assert "TMPDIR" in said
