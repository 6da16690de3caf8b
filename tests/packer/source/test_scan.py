"""What a folder to push may hold: what is meant, no more, and as it was found."""

import json
import os
import shlex
import struct
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from packer.contents.content import Content
from packer.contents.whole_file import WholeFile
from packer.errors import BadFolder, BadName, Changed, Suspicious, TooManyFiles
from packer.form import ModelInfo
from packer.image.tar import tar_of
from packer.ledger import Ledger
from packer.modelpack import modelpack
from packer.push import Options, push
from packer.source.scan import scan
from packer.source.source_file import SourceFile
from packer.upload.raw_upload import digest_of
from packer.upload.sample import sample
from packer.upload.send import SendOptions, Target, send
from packer.upload.zstd_encoder import FRAME_BYTES, pack
from registry.access.access import Access
from registry.auth.credentials import Credentials
from registry.digest import Digest
from registry.globs import covers, covers_all_of, is_selected
from registry.http.transport import Transport
from registry.open import open_pusher
from registry.progress.reporter import QuietReporter
from registry.progress.stats import TransferStats
from registry.source import parse_source
from tests.fakes.patience import NONE
from tests.puller.models import noise, write_tree

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 123\n"


def names(
    folder: Path, *, include: tuple[str, ...] = (), exclude: tuple[str, ...] = (), follow: bool = False
) -> list[str]:
    """Return the names that a scan finds."""
    return [file.path for file in scan(folder, include, exclude, follow_links=follow)]


def target(place: Path) -> Target:
    """Push into a layout, remembering nothing."""
    access = Access(transport=Transport(proxies={}), credentials=Credentials(), patience=NONE)
    return Target(open_pusher(parse_source(f"layout://{place}:v1"), access), Ledger(None))


@pytest.mark.parametrize(
    ("glob", "path", "is_covered"),
    [
        (".cache", ".cache/huggingface/x", True),
        (".cache/", ".cache/huggingface/x", True),
        ("./.cache", ".cache/x", True),
        (".cache/*", ".cache/huggingface/x", True),
        ("*/junk", "a/b/junk/c", True),
        ("a", "a", True),
        ("a/", "a", False),
        ("a", "ab/c", False),
        ("b", "a/b", False),
        ("*.bin", "a/b.bin", True),
        ("[ab]", "a/x", True),
        ("", "a", False),
    ],
)
def test_a_glob_that_matches_a_folder_covers_what_is_below_it(glob: str, path: str, is_covered: bool) -> None:  # noqa: FBT001 - a table
    """For push and for pull alike."""
    assert covers([glob], path) == is_covered
    assert is_selected(path, [glob], []) == is_covered
    assert is_selected(path, [], [glob]) != is_covered


@pytest.mark.parametrize("glob", ["junk", "junk/", "junk/*", "junk/**", "*", "j*", "j*/*"])
def test_an_excluded_folder_need_not_be_entered(glob: str) -> None:
    """Whatever way it is written."""
    assert covers_all_of([glob], "junk")
    assert not covers_all_of(["junk/*.bin", "a", "unk/*"], "junk")


def test_a_link_out_of_the_folder_is_refused_and_its_targets_name_is_judged(tmp_path: Path) -> None:
    """A secret under a harmless name does not go out; a model's file elsewhere goes when that is asked for."""
    write_tree(tmp_path, {"m/a": b"1", ".docker/config.json": b"{}", "store/w.bin": b"w"})
    link = tmp_path / "m" / "tokenizer.json"
    link.symlink_to(tmp_path / ".docker" / "config.json")
    with pytest.raises(BadFolder, match="link out of the folder") as caught:
        scan(tmp_path / "m")
    assert caught.value.code == "folder.invalid"
    with pytest.raises(Suspicious, match=r"\.docker/config\.json"):
        names(tmp_path / "m", follow=True)
    assert names(tmp_path / "m", follow=True, include=("tokenizer.json",)) == ["a", "tokenizer.json"]
    assert names(tmp_path / "m", exclude=("tokenizer.json",)) == ["a"]
    link.unlink()
    link.symlink_to(tmp_path / "store" / "w.bin")
    assert names(tmp_path / "m", follow=True) == ["a", "tokenizer.json"]


def test_links_within_the_folder_and_from_a_snapshot_to_its_blobs_are_followed(tmp_path: Path) -> None:
    """As tools make them; a link to another model's blobs is one that leads out."""
    write_tree(tmp_path, {"m/real/w": b"w", "models--X/blobs/ab12": b"x", "models--Y/blobs/cd": b"y"})
    (tmp_path / "m" / "w").symlink_to("real/w")
    assert names(tmp_path / "m") == ["real/w", "w"]
    snapshot = tmp_path / "models--X" / "snapshots" / "0f"
    snapshot.mkdir(parents=True)
    (snapshot / "model.bin").symlink_to("../../blobs/ab12")
    assert names(snapshot) == ["model.bin"]
    (snapshot / "other.bin").symlink_to("../../../models--Y/blobs/cd")
    with pytest.raises(BadFolder, match="link out of the folder"):
        scan(snapshot)


@pytest.mark.parametrize("where", ["models--X", "hub"])
def test_a_cache_of_the_hub_is_no_models_folder(tmp_path: Path, where: str) -> None:
    """The snapshot is named that is meant."""
    root = tmp_path / "models--X" if where == "models--X" else tmp_path
    write_tree(tmp_path / "models--X", {"blobs/ab": b"x", "refs/main": b"0f", "snapshots/0f/a": b"x"})
    with pytest.raises(BadFolder, match="cache of the Hugging Face hub") as caught:
        scan(root)
    assert str(tmp_path / "models--X/snapshots/0f") in caught.value.hint


def test_other_programs_own_files_are_left_out_with_a_word(tmp_path: Path) -> None:
    """What git, the hub's tools and macOS keep beside a model; who means them includes them."""
    junk = {
        ".git/config": b"x",
        ".git/objects/ab/cd": b"x",
        ".cache/huggingface/download/a.lock": b"",
        ".DS_Store": b"x",
        "sub/.DS_Store": b"x",
        "sub/._w.bin": b"x",
        "__MACOSX/w.bin": b"x",
        "deep/.cache/huggingface/x": b"x",
    }
    write_tree(tmp_path, {"w.bin": b"1", ".gitattributes": b"2", "sub/w.bin": b"3", **junk})
    said: list[str] = []
    assert [file.path for file in scan(tmp_path, say=said.append)] == [".gitattributes", "sub/w.bin", "w.bin"]
    assert len(said) == 1
    assert ".cache/huggingface" in said[0]
    found = names(tmp_path, include=(".git", "sub/.DS_Store"))
    assert found == [".git/config", ".git/objects/ab/cd", ".gitattributes", "sub/.DS_Store", "sub/w.bin", "w.bin"]
    assert names(tmp_path, exclude=("sub", "w.bin", "deep")) == [".gitattributes"]


@pytest.mark.parametrize("path", [".cache/pip/x", "a/.ssh/id", "[odd] name.pem", "it's.key", "sub/.env"])
def test_the_hint_names_a_glob_that_works(tmp_path: Path, path: str) -> None:
    """Copied into a shell, it leaves out what was refused."""
    write_tree(tmp_path, {"w.bin": b"1", path: b"x"})
    with pytest.raises(Suspicious) as caught:
        scan(tmp_path)
    words = shlex.split(caught.value.hint.split(" with ", 1)[1].split(", or push")[0])
    assert words[0] == "--exclude"
    assert names(tmp_path, exclude=tuple(words[1::2])) == ["w.bin"]


def safetensors(promised: int, held: int) -> bytes:
    """Return a file with one tensor, of which fewer bytes may be there."""
    header = json.dumps({"__metadata__": {}, "w": {"dtype": "U8", "shape": [promised], "data_offsets": [0, promised]}})
    return struct.pack("<Q", len(header)) + header.encode() + bytes(held)


@pytest.mark.parametrize(
    ("path", "content", "words"),
    [
        ("model.safetensors", LFS, "git lfs pull"),
        ("tokenizer.model", LFS.replace(b"git-lfs", b"hawser"), "git lfs pull"),
        ("w.gguf", b"/annex/objects/SHA256E-s1048576--abc.gguf\n", "git annex get"),
        ("w.bin", b"# xet version 0\nfilesize = 5\nhash = 'a'\n", "git xet"),
        ("model.bin", b"\n <!DOCTYPE HTML><title>sign in</title>", "web page"),
        ("config.json", b"<html>", "web page"),
        ("w.pt", b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "web page"),
        ("a/model.safetensors", safetensors(1000, 999), "cut off"),
        ("model.safetensors", safetensors(1000, 0)[:20], "cut off: its header alone"),
    ],
)
def test_what_stands_for_a_file_is_not_pushed_as_one(tmp_path: Path, path: str, content: bytes, words: str) -> None:
    """Pointers, pages and halves of files; who means it includes it."""
    write_tree(tmp_path, {"other": b"1", path: content})
    with pytest.raises(Suspicious) as caught:
        scan(tmp_path)
    assert words in str(caught.value)
    assert names(tmp_path, include=(path,)) == sorted(["other", path])
    assert names(tmp_path, exclude=(path,)) == ["other"]


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("model.safetensors", safetensors(1000, 1000)),
        ("model.safetensors", safetensors(1000, 1001)),
        ("model.safetensors", b"x" * 100),
        ("model.safetensors", struct.pack("<Q", 3) + b"{x}"),
        ("model.safetensors", struct.pack("<Q", 15) + b'{"w":{"a":[]}}x'),
        ("model.safetensors", struct.pack("<Q", 1 << 60) + b"{}"),
        ("about-lfs.md", b"Files start with `version https://git-lfs.github.com/spec/v1`"),
        ("page.html", b"<!doctype html>"),
        ("README.md", b"<html>"),
        ("w.bin", LFS + bytes(2000)),
    ],
)
def test_what_may_be_the_thing_itself_is_pushed(tmp_path: Path, path: str, content: bytes) -> None:
    """In doubt nothing is refused."""
    write_tree(tmp_path, {path: content})
    assert names(tmp_path) == [path]


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[Path]:
    """Make 1,500 folders within each other, with a file in the last, and take them away: pytest could not."""
    handle = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("d", dir_fd=handle)
        inner = os.open("d", os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = inner
    os.close(os.open("f", os.O_WRONLY | os.O_CREAT, dir_fd=handle))
    yield tmp_path
    os.unlink("f", dir_fd=handle)
    os.close(handle)
    while (tmp_path / "d" / "d").exists():
        (tmp_path / "d" / "d").rename(tmp_path / "next")
        (tmp_path / "d").rmdir()
        (tmp_path / "next").rename(tmp_path / "d")


def test_a_deep_tree_is_a_named_failure(deep: Path) -> None:
    """It is no recursion, and no path that a pull could write."""
    with pytest.raises(BadName, match="is too long"):
        scan(deep)
    (deep / "a").touch()
    assert names(deep, exclude=("d",)) == ["a"]


def test_more_files_than_a_manifest_can_name_are_refused_before_the_first_upload(tmp_path: Path) -> None:
    """Names and sizes are known by then; nothing is written."""
    status = tmp_path.stat()
    files = [SourceFile(f"{number:05}/{'n' * 100}", tmp_path, status) for number in range(13_000)]
    with pytest.raises(TooManyFiles, match="13000 files"):
        modelpack(files, ModelInfo())
    modelpack(files[:2000], ModelInfo())


Act = Callable[[SourceFile], object]


def whole(file: SourceFile) -> Content:
    """Return a file as it is."""
    return WholeFile(file, 1 << 20)


def in_tar(file: SourceFile) -> Content:
    """Return a tar of a file."""
    return tar_of([file])


def sending(form: Callable[[SourceFile], Content]) -> Act:
    """Send a file in a form into a layout."""

    def act(file: SourceFile) -> object:
        place, content = file.location.parent.parent / "layout", form(file)
        return send(target(place), content, SendOptions(), TransferStats(content.size))

    return act


ACTS = {
    "small": (1000, sending(whole)),
    "raw": (5 << 20, sending(whole)),
    "small tar": (1000, sending(in_tar)),
    "tar": (5 << 20, sending(in_tar)),
    "zstd": (5 << 20, lambda file: pack(file, FRAME_BYTES, lambda _: None, lambda _: None)),
    "digest": (5 << 20, lambda file: digest_of(whole(file))),
    "digest of a tar": (5 << 20, lambda file: digest_of(in_tar(file))),
}


def overwrite(path: Path) -> None:
    """Put other bytes of the same number in place, and the time back."""
    status = path.stat()
    with path.open("r+b") as file:
        file.write(b"other")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def replace_by_link(path: Path) -> None:
    """Put a link to an equal file in place."""
    path.rename(path.parent.parent / "moved")
    path.symlink_to(path.parent.parent / "moved")


def replace_by_pipe(path: Path) -> None:
    """Put a pipe in place, which a careless reader would wait for."""
    path.unlink()
    os.mkfifo(path)


def shorten(path: Path) -> None:
    """Take a byte off."""
    os.truncate(path, path.stat().st_size - 1)


def replace_by_copy(path: Path) -> None:
    """Put an equal file in place."""
    content = path.read_bytes()
    path.rename(path.parent.parent / "moved")
    path.write_bytes(content)


CHANGES = (overwrite, replace_by_link, replace_by_pipe, replace_by_copy, Path.unlink, shorten)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("act", list(ACTS))
def test_a_file_that_is_not_what_was_found_ends_the_push(
    tmp_path: Path, act: str, change: Callable[..., object]
) -> None:
    """In every way that files are read, whatever happened to it after the scan."""
    size, does = ACTS[act]
    write_tree(tmp_path / "m", {"w.bin": noise(size)})
    (found,) = scan(tmp_path / "m")
    change(found.location)
    sample(found)
    with pytest.raises(Changed):
        does(found)


@pytest.mark.parametrize("form", ["raw", "tar", "zstd"])
def test_a_file_that_is_overwritten_while_it_is_read_ends_the_push(tmp_path: Path, form: str) -> None:
    """Same size, same names: bytes of two moments are no model."""
    write_tree(tmp_path / "m", {"w.bin": bytes((4 * (os.cpu_count() or 1) + 4) << 20)})
    (found,) = scan(tmp_path / "m")

    class Changing(TransferStats):
        """Changes the file once some of it has been read."""

        def add(self, count: int) -> None:
            overwrite(found.location)
            super().add(count)

    stats = Changing(found.size)
    content = in_tar(found) if form == "tar" else whole(found)
    act: Callable[[], object] = partial(send, target(tmp_path / "layout"), content, SendOptions(), stats)
    if form == "zstd":
        act = partial(pack, found, FRAME_BYTES, lambda _: None, stats.add)
    with pytest.raises(Changed, match="was changed"):
        act()


@pytest.mark.skipif(os.geteuid() != 0, reason="another user is made by root alone")
def test_an_unreadable_folder_that_is_excluded_is_no_failure(tmp_path: Path) -> None:
    """It is not entered."""
    write_tree(tmp_path, {"a": b"1", "junk/b": b"2"})
    (tmp_path / "junk").chmod(0)
    for parent in (*tmp_path.parents[:3], tmp_path):
        parent.chmod(parent.stat().st_mode | 0o055)
    os.seteuid(12345)
    try:
        with pytest.raises(BadFolder, match="Permission denied"):
            scan(tmp_path)
        for glob in ("junk", "junk/", "junk/*"):
            assert names(tmp_path, exclude=(glob,)) == ["a"]
    finally:
        os.seteuid(0)


def plant(root: Path, random: Random) -> str:
    """Put something into a folder that no push would take; give its name."""
    name = f"junk{random.randint(0, 9)}"
    place = root / random.choice(("", "sub", "sub/deeper")) / name
    if place.exists() or place.is_symlink():
        return place.relative_to(root).as_posix()
    place.parent.mkdir(parents=True, exist_ok=True)
    kind = random.randint(0, 8)
    if kind == 0:
        place.symlink_to("/nowhere")
    elif kind == 1:
        place.symlink_to("/etc")
    elif kind == 2:
        os.mkfifo(place)
    elif kind == 3:
        place.write_bytes(LFS)
    elif kind == 4:
        write_tree(place, {".ssh/id_rsa": b"x", ".env": b"y", "a.part": b"z"})
    elif kind == 5:
        place.mkdir()
        (place / os.fsdecode(b"\xff\n")).write_bytes(b"x")
    elif kind == 6:
        write_tree(place, {"blobs/a": b"x", "snapshots/0/a": b"x"})
        (place / "up").symlink_to("..")
    elif kind == 7:
        place.symlink_to("/etc/hostname")
    else:
        place.mkdir()
        (place / "pipe").mkdir()
        os.mkfifo(place / "pipe" / "p")
    return place.relative_to(root).as_posix()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 1 << 32))
def test_junk_that_is_excluded_changes_nothing(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Law: for any tree T and any junk J, pushing T + J with J excluded gives T's digest."""
    random, root = Random(seed), tmp_path_factory.mktemp("law")
    tree = {f"{random.choice(('', 'sub/', 'sub/deeper/', 'z/'))}f{number}": random.randbytes(9) for number in range(4)}
    for name in ("plain", "mixed"):
        write_tree(root / name, tree)
    globs = [plant(root / "mixed", random) for _ in range(random.randint(1, 5))]
    folders = [glob for glob in globs if (root / "mixed" / glob).is_dir() and not (root / "mixed" / glob).is_symlink()]
    globs = [glob + random.choice(("", "/", "/*")) if glob in folders else glob for glob in globs]
    assert pushed(root / "mixed", root / "two", globs) == pushed(root / "plain", root / "one", [])


def pushed(folder: Path, place: Path, exclude: list[str]) -> Digest:
    """Push a folder; give its digest."""
    return push(folder, target(place), Options(exclude=tuple(exclude)), QuietReporter()).digest
