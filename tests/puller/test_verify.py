"""`weighbridge verify`: a folder against an artifact's digests, and an artifact's own words about itself."""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

import weighbridge
from registry.chunk_index import FILE_DIGESTS
from registry.digest import Digest
from tests.fakes.registry import FakeRegistry, fake_registry

from .models import noise, offer, offer_packed, read_tree, write_tree
from .packs import Layer, Layout, tar_of

MODEL = {"config.json": b"{}", "sub/weights": noise(200_000), "twin": b"[]"}
Change = Callable[[Path], object]


def verify(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, str]]:
    """Return the exit code, and the problem of each file that is named."""
    code = weighbridge.main(["verify", *arguments, "--json"])
    said = capsys.readouterr()
    assert said.out, said.err
    found = json.loads(said.out)
    return code, {one["path"]: one["problem"] for one in found["findings"]}


def pulled(fake: FakeRegistry, folder: Path, *more: str) -> Path:
    """Pull a model, and return its folder."""
    assert weighbridge.main(["pull", fake.reference(), "-o", str(folder), "--quiet", *more]) == 0
    return folder


def state(root: Path) -> dict[str, tuple[int, int]]:
    """Return the inode and the time of everything below a folder."""
    return {str(path): (path.lstat().st_ino, path.lstat().st_mtime_ns) for path in root.rglob("*")}


def rewrite(path: Path) -> None:
    """Change one byte of a file, and neither its size nor its time."""
    status, content = path.stat(), bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def replace_by_link(path: Path, target: str) -> None:
    """Move what is at a path aside or away, and put a link there."""
    if path.is_dir():
        path.rename(path.with_name(target))
    else:
        path.unlink()
    path.symlink_to(target)


def replace_by(path: Path, make: Callable[[Path], object]) -> None:
    """Put something else in a file's place."""
    path.unlink()
    make(path)


CHANGES: dict[str, tuple[Change, dict[str, str]]] = {
    "nothing": (lambda _: None, {}),
    "a byte": (lambda model: rewrite(model / "sub/weights"), {"sub/weights": "wrong"}),
    "a shorter file": (lambda model: os.truncate(model / "config.json", 1), {"config.json": "wrong"}),
    "a missing file": (lambda model: (model / "config.json").unlink(), {"config.json": "missing"}),
    "one more file": (lambda model: (model / "x.py").write_bytes(b""), {"x.py": "unknown"}),
    "a hidden file": (lambda model: (model / "sub/.x").write_bytes(b""), {"sub/.x": "unknown"}),
    "a link for a file": (lambda model: replace_by_link(model / "twin", "config.json"), {"twin": "wrong"}),
    "a link for a folder": (
        lambda model: replace_by_link(model / "sub", "other"),
        {"sub": "unknown", "sub/weights": "wrong", "other/weights": "unknown"},
    ),
    "a folder for a file": (lambda model: replace_by(model / "twin", Path.mkdir), {"twin": "wrong"}),
    "a pipe for a file": (lambda model: replace_by(model / "twin", os.mkfifo), {"twin": "wrong"}),
}


@pytest.mark.parametrize("chunk", [0, 64 << 10])
@pytest.mark.parametrize("case", CHANGES)
def test_each_file_that_is_not_the_artifacts_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], case: str, chunk: int
) -> None:
    """Law: exit code 0 exactly where the folder is the artifact; nothing is written; no registry is needed."""
    change, wanted = CHANGES[case]
    with fake_registry() as fake:
        offer(fake, MODEL, chunk=chunk)
        model = pulled(fake, tmp_path / "model")
    change(model)
    capsys.readouterr()
    before = state(tmp_path)
    assert verify(capsys, str(model)) == (1 if wanted else 0, wanted)
    assert state(tmp_path) == before
    assert weighbridge.main(["verify", str(model)]) == (1 if wanted else 0)
    said = capsys.readouterr().out
    assert all(f"{problem:<8}  {path}\n" in said for path, problem in wanted.items())


def test_a_folder_that_no_pull_made_is_held_to_a_source(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And without a source it is an error that says what to type."""
    with fake_registry() as fake:
        offer(fake, MODEL)
        model = write_tree(tmp_path / "model", MODEL)
        assert verify(capsys, str(model), "--source", fake.reference()) == (0, {})
        (model / "config.json").write_bytes(b"[]")
        assert verify(capsys, str(model), "--source", fake.reference()) == (1, {"config.json": "wrong"})
        assert weighbridge.main(["verify", str(model)]) == 1
        assert "--source" in capsys.readouterr().err
        assert weighbridge.main(["verify", str(tmp_path / "absent"), "--source", fake.reference()]) == 1
        assert "is no folder" in capsys.readouterr().err


def test_what_was_not_selected_is_not_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A pull of some files is verified as that, and a copy of the folder with its receipt as well."""
    with fake_registry() as fake:
        offer(fake, MODEL)
        (tmp_path / "one").mkdir()
        model = pulled(fake, tmp_path / "one/model", "--include", "*.json")
        capsys.readouterr()
        assert verify(capsys, str(model)) == (0, {})
        shutil.copytree(tmp_path / "one", tmp_path / "two", symlinks=True)
        assert verify(capsys, str(tmp_path / "two/model")) == (0, {})
        assert verify(capsys, str(model), "--source", fake.reference())[0] == 0


def test_another_version_is_not_the_one_that_was_pulled(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A source decides, whatever the receipt says; the receipt's version stays right by itself."""
    with fake_registry() as fake:
        offer(fake, MODEL)
        model = pulled(fake, tmp_path / "model")
        offer(fake, {**MODEL, "config.json": b"[]", "new": b"n"})
        capsys.readouterr()
        assert verify(capsys, str(model), "--source", fake.reference()) == (
            1,
            {"config.json": "wrong", "new": "missing"},
        )
        assert verify(capsys, str(model)) == (0, {})


def test_a_saved_manifest_that_was_changed_is_not_believed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Then the registry is asked for the pinned one."""
    with fake_registry() as fake:
        offer(fake, MODEL)
        model = pulled(fake, tmp_path / "model")
        for saved in (tmp_path / ".weighbridge/model/manifest").iterdir():
            saved.write_bytes(b"{}")
        capsys.readouterr()
        assert verify(capsys, str(model)) == (0, {})
        assert any("sha256:" in request.path for request in fake.requests[-2:])


def test_what_was_unpacked_is_named_as_unproved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Law: exit code 0 says that every byte was held to a digest."""
    with fake_registry() as fake:
        offer_packed(fake, MODEL, "")
        model = pulled(fake, tmp_path / "model")
        assert read_tree(model) == MODEL
        capsys.readouterr()
        assert verify(capsys, str(model)) == (1, dict.fromkeys(MODEL, "unproved"))
        (model / "twin").unlink()
        (model / "x").write_bytes(b"")
        assert verify(capsys, str(model)) == (
            1,
            {**dict.fromkeys(MODEL, "unproved"), "twin": "missing", "x": "unknown"},
        )


IMAGE, LAYER = "application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.layer.v1.tar"


def image_with(folder: Path, *tables: Mapping[str, object] | None) -> str:
    """Make an image of one layer for each table of digests, all with the file `a`; return its source."""
    layout = Layout(folder)
    noted = [{FILE_DIGESTS: json.dumps(table)} if table is not None else {} for table in tables]
    layers = [Layer(tar_of({"models/a": b"%d" % number}), LAYER, note) for number, note in enumerate(noted)]
    return layout.tag(layout.manifest(layers, config_type=IMAGE))


def file(content: bytes) -> list[object]:
    """Return a file's entry in a table."""
    return [len(content), Digest.of(content, "blake3").hex]


def test_an_images_file_is_what_its_last_layer_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A layer that says nothing of its files might hold any: then nothing is proved."""
    model = write_tree(tmp_path / "model", {"a": b"1"})
    both = image_with(tmp_path / "both", {"models/a": file(b"0")}, {"models/a": file(b"1")})
    assert verify(capsys, str(model), "--source", both) == (0, {})
    one = image_with(tmp_path / "one", {"models/a": file(b"1")}, None)
    assert verify(capsys, str(model), "--source", one) == (1, {"a": "unproved"})


@pytest.mark.parametrize(
    ("table", "code"),
    [
        ({"models/../../outside": file(b"1")}, "artifact.unsafe-path"),
        ({"models//etc/passwd": file(b"1")}, "artifact.unsafe-path"),
        ({"models/a": 1}, "manifest.invalid"),
    ],
)
def test_a_table_that_names_no_file_of_the_model_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], table: Mapping[str, object], code: str
) -> None:
    """Nothing outside of the folder is looked at."""
    write_tree(tmp_path, {"outside": b"1", "model/a": b"0"})
    source = image_with(tmp_path / "layout", table)
    assert weighbridge.main(["verify", str(tmp_path / "model"), "--source", source]) == 1
    assert f"[{code}]" in capsys.readouterr().err


def test_an_artifact_says_who_wrote_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its digest, and its own words about itself; of a source that does not exist the error."""
    folder, target = str(write_tree(tmp_path / "model", MODEL)), f"layout://{tmp_path / 'layout'}:v1"
    assert weighbridge.main(["push", folder, target, "--name", "org/phi", "--license", "MIT", "--quiet"]) == 0
    pinned = capsys.readouterr().out.strip()
    assert weighbridge.main(["verify", target, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert found["source"].rpartition("@")[2] == pinned.rpartition("@")[2]
    assert found["about"] == {"name": "org/phi", "licenses": "MIT"}
    assert weighbridge.main(["verify", target]) == 0
    assert "name: org/phi\nlicenses: MIT\n" in capsys.readouterr().out
    assert weighbridge.main(["verify", f"layout://{tmp_path / 'layout'}:v2"]) == 1
