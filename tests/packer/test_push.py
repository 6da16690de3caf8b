"""Pushing and pulling back through the real registry: the same bytes, and what other tools say of them."""

import json
import os
import resource
import signal
import socket
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import weighbridge
from packer.copying.copy import copy
from packer.errors import BadFolder, BadName, Changed, EmptyFolder, Suspicious, TooManyFiles
from packer.form import ModelInfo
from packer.ledger import Ledger
from packer.modelpack import chunk_bytes
from packer.source.scan import scan
from packer.source.suspicion import is_suspicious
from registry.access.access import Access
from registry.chunk_index import CHUNK_BYTES
from registry.digest import Digest
from registry.errors import BadLayout, BadReference, LayoutFailed, Mismatch, Refused, Unauthorized, Unavailable
from registry.open import open_documents, open_pusher, open_repository
from registry.progress.reporter import QuietReporter
from registry.progress.stats import TransferStats
from registry.repository import DocumentSource, Pusher
from registry.source import parse_source
from tests.conftest import Part
from tests.fakes import faults
from tests.fakes.registry import Answer, Request, fake_registry
from tests.fakes.reporter import Listener
from tests.packer.pushing import PATHS, TREE, fetch, send
from tests.parts.distribution import Registry
from tests.puller.models import noise, read_tree, write_tree


def test_push_then_pull_is_identity(target: str, access: Access, tmp_path: Path) -> None:
    """Empty files, nested folders, spaces, Unicode and large files come back as they went."""
    folder = write_tree(tmp_path / "model", TREE)
    (folder / "deep/er/and/deeper/file.py").chmod(0o755)
    pushed = send(folder, target, access)
    assert fetch(pushed.pinned, tmp_path / "out", access) == TREE
    assert os.access(tmp_path / "out/deep/er/and/deeper/file.py", os.X_OK)
    assert not os.access(tmp_path / "out/config.json", os.X_OK)


def test_the_same_folder_gives_the_same_digest(registry: Registry, access: Access, tmp_path: Path) -> None:
    """Neither times nor places nor the kind of target show in the digest."""
    one, two = write_tree(tmp_path / "one", TREE), write_tree(tmp_path / "two", dict(reversed(TREE.items())))
    os.utime(two / "config.json", (1, 1))
    first = send(one, f"{registry.address}/push/reproducible:v1", access)
    second = send(two, f"layout://{tmp_path / 'layout'}:v2", access)
    assert first.digest == second.digest


def no_empty_blobs(request: Request, answer: Answer) -> Answer:
    """Refuse a blob of no bytes, as Amazon's registry does."""
    words = '{"errors":[{"code":"BLOB_UPLOAD_INVALID","message":"the upload does not have any parts"}]}'
    return answer if request.body else Answer(400, words.encode())


@pytest.mark.parametrize("name", ["__init__.py", "deep/.gitkeep", "deep/ünïcödé 模型.txt", "x" * 150 + ".py"])
def test_a_registry_that_refuses_empty_blobs_gets_empty_files_in_tars(
    access: Access, tmp_path: Path, name: str
) -> None:
    """The same bytes each time; whoever pushes is told which files."""
    tree = {"config.json": b"{}", "model.gguf": noise(5 << 20), name: b"", "other-empty": b""}
    folder, reporter = write_tree(tmp_path / "model", tree), Listener()
    (folder / name).chmod(0o755)
    with fake_registry() as fake:
        empty = str(Digest.of(b""))
        fake.fail(no_empty_blobs, method="PUT", path=f"{empty}$", acts=False)
        digests = {send(folder, fake.reference(), access, reporter=reporter).digest for _ in range(2)}
        assert len(digests) == 1
        assert "and 1 more: sent within a tar" in str(reporter.said)
        assert fetch(fake.reference(), tmp_path / "out", access) == tree
        assert os.access(tmp_path / "out" / name, os.X_OK)
        send(folder, f"layout://{tmp_path / 'layout'}:v1", access)
        with pytest.raises(Refused) as caught:
            copy(*_between(f"layout://{tmp_path / 'layout'}:v1", fake.reference("v2"), access), QuietReporter())
        assert "push the model to it from its files" in caught.value.hint


def _between(source: str, target: str, access: Access) -> tuple[DocumentSource, Pusher]:
    return open_documents(parse_source(source), access), open_pusher(parse_source(target), access)


def test_a_second_push_sends_only_what_must_be_hashed_on_the_way(
    registry: Registry, access: Access, tmp_path: Path
) -> None:
    """Small files that the registry has are not sent again."""
    folder = write_tree(tmp_path / "model", {f"{number}.json": noise(100, number) for number in range(50)})
    assert send(folder, f"{registry.address}/push/again:v1", access).wire_bytes == 5000
    assert send(folder, f"{registry.address}/push/again:v2", access).wire_bytes == 0


def test_thousands_of_small_files_stay_well_under_the_manifest_limit(
    registry: Registry, access: Access, tmp_path: Path
) -> None:
    """3,000 files make a manifest of less than half of what registries take, and come back."""
    tree = {f"shard-{number % 50}/{number}.json": b"%d" % number for number in range(3000)}
    folder = write_tree(tmp_path / "model", tree)
    pushed = send(folder, f"{registry.address}/push/thousands:v1", access)
    resolved = open_repository(parse_source(pushed.pinned), access).resolve()
    assert len(resolved.manifest.to_bytes()) < 2 << 20
    assert fetch(pushed.pinned, tmp_path / "out", access) == tree


def test_large_layers_carry_chunk_digests(access: Access, tmp_path: Path) -> None:
    """A layer of several chunks names its chunk size; one of a single chunk needs none."""
    folder = write_tree(tmp_path / "model", TREE)
    pushed = send(folder, f"layout://{tmp_path / 'layout'}:v1", access)
    layers = open_repository(parse_source(pushed.pinned), access).resolve().manifest.layers
    sizes = [layer.annotations.get(CHUNK_BYTES) for layer in layers if layer.size > 4 << 20]
    assert sizes == [str(16 << 20), None]


@pytest.mark.parametrize(("gigabytes", "mebibytes"), [(1, 16), (140, 16), (700, 64), (10_000, 1024)])
def test_chunks_grow_with_the_model(gigabytes: int, mebibytes: int) -> None:
    """However large the model, its chunk digests fit into half a mebibyte of manifest."""
    size = chunk_bytes(gigabytes * 10**9)
    assert size == mebibytes << 20
    assert gigabytes * 10**9 / size * 44 < 1 << 20


def test_the_specs_own_validator_accepts_the_config(
    part: Part, registry: Registry, access: Access, tmp_path: Path
) -> None:
    """The ModelPack authors' schema takes our config, described or not."""
    for about in (ModelInfo(), ModelInfo("phi-4", ("MIT", "Apache-2.0"))):
        pushed = send(write_tree(tmp_path / "model", TREE), f"{registry.address}/push/valid:v1", access, about)
        repository = open_repository(parse_source(pushed.pinned), access)
        config = repository.read(repository.resolve().manifest.config, 1 << 20)
        assert json.loads(config)["modelfs"]["type"] == "layers"
        checked = subprocess.run([part("modelpack-validate")], input=config, capture_output=True, check=False)
        assert checked.returncode == 0, checked.stderr


def test_skopeo_reads_and_copies_what_we_push(skopeo: str, registry: Registry, access: Access, tmp_path: Path) -> None:
    """A tool of other makers takes the manifest, counts the same digest, and copies every blob."""
    pushed = send(write_tree(tmp_path / "model", TREE), f"{registry.address}/push/skopeo:v1", access)
    url = f"docker://{registry.address}/push/skopeo:v1"
    raw = subprocess.run([skopeo, "inspect", "--raw", "--tls-verify=false", url], capture_output=True, check=True)
    assert Digest.of(raw.stdout) == pushed.digest
    copy = [skopeo, "copy", "--src-tls-verify=false", url, f"dir:{tmp_path / 'copy'}"]
    subprocess.run(copy, capture_output=True, check=True)
    blobs = {content for name, content in read_tree(tmp_path / "copy").items() if len(name) == 64}
    assert blobs >= set(TREE.values())


def test_oras_pulls_what_we_push(part: Part, registry: Registry, access: Access, tmp_path: Path) -> None:
    """The oras command brings the same tree, byte for byte."""
    send(write_tree(tmp_path / "model", TREE), f"{registry.address}/push/oras:v2", access)
    target = f"{registry.address}/push/oras:v2"
    command = [str(part("oras")), "pull", "--plain-http", "-o", str(tmp_path / "out"), target]
    subprocess.run(command, capture_output=True, check=True)
    assert read_tree(tmp_path / "out") == TREE


def test_oras_py_pulls_what_we_push(registry: Registry, access: Access, tmp_path: Path) -> None:
    """Any reader of titles gets the files."""
    from oras.client import OrasClient  # noqa: PLC0415 - it starts slowly, and one test needs it

    tree = {"config.json": b"{}", "model.gguf": noise(100_000)}
    send(write_tree(tmp_path / "model", tree), f"{registry.address}/push/oras:v1", access)
    client = OrasClient(insecure=True)
    client.pull(target=f"{registry.address}/push/oras:v1", outdir=str(tmp_path / "out"))
    assert read_tree(tmp_path / "out") == tree


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=st.dictionaries(PATHS, st.binary(max_size=200), min_size=1, max_size=8))
def test_any_tree_survives_the_road_through_a_layout(
    tree: dict[str, bytes], access: Access, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Law: pull(push(tree)) == tree, for every tree that a file system holds."""
    folders = {path[:end] for path in tree for end, letter in enumerate(path) if letter == "/"}
    tree = {path: content for path, content in tree.items() if path not in folders}
    root = tmp_path_factory.mktemp("law")
    pushed = send(write_tree(root / "model", tree), f"layout://{root / 'layout'}:v1", access)
    assert fetch(pushed.pinned, root / "out", access) == tree


@pytest.mark.parametrize(
    "path",
    [
        *(".env", "sub/.env.local", ".cache/pip/x", ".ssh/known_hosts", "id_rsa", "tls.key", "a.pem", ".netrc"),
        *("model.safetensors.incomplete", "x.part", "token", ".aws/credentials", "sub/credentials.json", "kubeconfig"),
    ],
)
def test_what_looks_secret_or_unfinished_is_refused_unless_it_is_meant(tmp_path: Path, path: str) -> None:
    """A push names such files; --exclude leaves them out, --include says that they are meant."""
    folder = write_tree(tmp_path / "model", {"config.json": b"{}", path: b"secret"})
    with pytest.raises(Suspicious, match="looks secret or unfinished") as caught:
        scan(folder)
    assert path in str(caught.value)
    assert "--include" in caught.value.hint
    assert [file.path for file in scan(folder, exclude=[path])] == ["config.json"]
    assert {file.path for file in scan(folder, include=[path])} == {"config.json", path}


@pytest.mark.parametrize(
    "path", ["tokenizer.json", "token_type.bin", "keys.md", ".gitattributes", "environment.yml", "a.b.pt", "part-1.bin"]
)
def test_a_models_own_files_are_not_suspected(path: str) -> None:
    """Names that models have are never refused."""
    assert not is_suspicious(path)


def test_an_unchanged_large_file_is_neither_read_nor_sent_again(
    registry: Registry, access: Access, tmp_path: Path, ledger: Ledger
) -> None:
    """The second push of a large file asks the registry, and leaves the file alone; the digest is the same."""
    folder = write_tree(tmp_path / "model", TREE)
    first = send(folder, f"{registry.address}/push/ledger:v1", access, ledger=ledger)
    second = send(folder, f"{registry.address}/push/ledger:v2", access, ledger=ledger)
    assert (second.wire_bytes, second.digest) == (0, first.digest)


def test_a_changed_file_is_read_again(registry: Registry, access: Access, tmp_path: Path, ledger: Ledger) -> None:
    """A file with another time is not the file that was hashed."""
    folder = write_tree(tmp_path / "model", {"model.gguf": noise(5 << 20, 1)})
    send(folder, f"{registry.address}/push/changed:v1", access, ledger=ledger)
    write_tree(folder, {"model.gguf": noise(5 << 20, 2)})
    pushed = send(folder, f"{registry.address}/push/changed:v1", access, ledger=ledger)
    assert pushed.wire_bytes == 5 << 20
    assert fetch(pushed.pinned, tmp_path / "out", access) == {"model.gguf": noise(5 << 20, 2)}


def test_a_blob_of_a_neighbour_is_mounted(registry: Registry, access: Access, tmp_path: Path, ledger: Ledger) -> None:
    """A blob that another repository of the registry has is taken over without its bytes."""
    folder = write_tree(tmp_path / "model", TREE)
    send(folder, f"{registry.address}/push/neighbour:v1", access, ledger=ledger)
    pushed = send(folder, f"{registry.address}/push/mounted:v1", access, ledger=ledger)
    assert pushed.wire_bytes <= sum(len(content) for content in TREE.values() if len(content) < 4 << 20)
    assert fetch(pushed.pinned, tmp_path / "out", access) == TREE


def test_a_ledger_that_is_broken_knows_nothing(registry: Registry, access: Access, tmp_path: Path) -> None:
    """The ledger is a memory, not a condition: without it everything is read and sent."""
    (tmp_path / "ledger").write_bytes(b"no database at all, but long enough to be taken for one" * 100)
    folder = write_tree(tmp_path / "model", {"config.json": b"{}", "model.gguf": noise(5 << 20)})
    pushed = send(folder, f"{registry.address}/push/broken:v1", access, ledger=Ledger(tmp_path / "ledger"))
    assert fetch(pushed.pinned, tmp_path / "out", access)["config.json"] == b"{}"


@pytest.mark.parametrize("method", ["PATCH", "PUT", "POST"])
def test_an_upload_that_breaks_is_sent_again(access: Access, tmp_path: Path, method: str) -> None:
    """A registry that fails for a while costs time; the artifact is the same."""
    tree = {"config.json": b"{}", "model.gguf": noise(5 << 20)}
    with fake_registry() as fake:
        fake.fail(faults.status(503), method=method, path="/blobs/uploads/", times=2)
        fake.fail(faults.status(500), method="PUT", path="/manifests/", times=1)
        pushed = send(write_tree(tmp_path / "model", tree), fake.reference(), access)
        assert fetch(pushed.pinned, tmp_path / "out", access) == tree


@pytest.mark.parametrize(
    ("code", "method", "count"), [(413, "PATCH", 6), (405, "PUT", 1), (416, "PUT", 1), (404, "PUT", 1)]
)
def test_a_blob_is_sent_as_the_registry_takes_it(
    access: Access, tmp_path: Path, code: int, method: str, count: int
) -> None:
    """Refused as one stream, a blob comes in chunks or in one PUT, by what was refused, and is the same blob."""
    access = replace(access, upload_chunk_bytes=(1 << 20) + 1)
    tree = {"model.gguf": noise(5 << 20)}
    with fake_registry() as fake:
        fake.fail(faults.refused(code, fake), method="PATCH", path="/blobs/uploads/", times=1)
        pushed = send(write_tree(tmp_path / "model", tree), fake.reference(), access)
        sent = [request for request in fake.requests if request.method == method and len(request.body) > 1000]
        assert len(sent) == count
        assert fetch(pushed.pinned, tmp_path / "out", access) == tree


@pytest.mark.parametrize("cuts", [[3 << 20], [0], [1 << 20, 1 << 20], [4 << 20, 100, 0, 5]])
def test_an_upload_whose_connection_broke_goes_on_where_it_was(access: Access, tmp_path: Path, cuts: list[int]) -> None:
    """What has arrived is not sent again after one break; after more of them the blob is right all the same."""
    tree = {"model.gguf": noise(30 << 20)}
    with fake_registry() as fake:
        fake.cuts = list(cuts)
        pushed = send(write_tree(tmp_path / "model", tree), fake.reference(), access)
        assert fetch(pushed.pinned, tmp_path / "out", access) == tree
        patches = [request for request in fake.requests if request.method == "PATCH"]
        if len(cuts) == 1:
            assert sum(len(request.body) for request in patches) == 30 << 20
            assert patches[1].headers.get("content-range", "") == (f"{cuts[0]}-{(30 << 20) - 1}" if cuts[0] else "")


def test_the_real_registry_lets_a_broken_upload_go_on(registry: Registry, access: Access) -> None:
    """CNCF distribution tells how much arrived, and takes the rest."""
    source = parse_source(f"{registry.address}/push/broken-upload:v1")
    content = noise(8 << 20)
    with open_pusher(source, access).begin(len(content)) as upload:
        upload.write(memoryview(content)[: 3 << 20])
        upload._outgoing._connection.sock.shutdown(socket.SHUT_RDWR)  # type: ignore[attr-defined] # noqa: SLF001 - as a network would
        with pytest.raises(Unavailable):
            upload.write(memoryview(content)[3 << 20 :])
        access.patience.patiently(lambda: upload.write(memoryview(content)[upload.resume() :]))
        upload.commit(Digest.of(content))
    assert open_pusher(source, access).has(Digest.of(content), len(content))


def test_a_registry_that_counts_another_digest_is_not_believed(access: Access, tmp_path: Path) -> None:
    """What the registry answers is compared with what was sent, before there is a tag."""
    wrong = faults.with_headers(Docker_Content_Digest=str(Digest.of(b"other")))
    with fake_registry() as fake:
        fake.fail(wrong, method="PUT", path="/blobs/uploads/")
        with pytest.raises(Mismatch, match="the registry counted"):
            send(write_tree(tmp_path / "model", {"a": b"x"}), fake.reference(), access)
        assert fake.manifests == {}


def test_a_folder_without_files_is_refused(access: Access, tmp_path: Path) -> None:
    """Nothing to push is an error with a reason, not an empty artifact."""
    (tmp_path / "model" / "sub").mkdir(parents=True)
    with pytest.raises(EmptyFolder):
        send(tmp_path / "model", f"layout://{tmp_path / 'layout'}:v1", access)
    with pytest.raises(BadFolder):
        send(tmp_path / "absent", f"layout://{tmp_path / 'layout'}:v1", access)


@pytest.mark.parametrize("name", ["a\\b", "a\nb", "c:x", os.fsdecode(b"\xff\xfe")])
def test_names_that_no_pull_would_take_are_refused(tmp_path: Path, name: str) -> None:
    """What could not be written everywhere is found at the push, where it can be mended."""
    write_tree(tmp_path / "model", {name: b"x"})
    with pytest.raises(BadName) as caught:
        scan(tmp_path / "model")
    str(caught.value).encode()


def test_links_to_files_are_followed_and_links_to_folders_refused(tmp_path: Path) -> None:
    """A Hugging Face snapshot, made of links, can be pushed; a link to a folder may be a ring."""
    write_tree(tmp_path, {"blobs/1": b"weights", "snapshots/0f/config.json": b"{}"})
    model = tmp_path / "snapshots/0f"
    (model / "model.gguf").symlink_to("../../blobs/1")
    assert [(file.path, file.size) for file in scan(model)] == [("config.json", 2), ("model.gguf", 7)]
    (model / "ring").symlink_to(".")
    with pytest.raises(BadFolder, match="link to a folder"):
        scan(model)


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    """Reading a pipe would wait for ever."""
    write_tree(tmp_path / "model", {"config.json": b"{}"})
    os.mkfifo(tmp_path / "model" / "pipe")
    with pytest.raises(BadFolder, match="no regular file"):
        scan(tmp_path / "model")


@pytest.mark.parametrize("size", [10, 5 << 20])
def test_a_file_that_changes_while_it_is_read_ends_the_push(access: Access, tmp_path: Path, size: int) -> None:
    """A size that is no longer the scanned one is noticed, and no artifact appears."""
    file = write_tree(tmp_path / "model", {"model.gguf": noise(size)}) / "model.gguf"

    class Meddler(QuietReporter):
        def message(self, line: str) -> None:
            """Change the file once the folder was scanned: the push says then what it found."""
            if "1 files" in line:
                file.write_bytes(noise(size - 1))

    with pytest.raises(Changed):
        send(tmp_path / "model", f"layout://{tmp_path / 'layout'}:v1", access, reporter=Meddler())
    assert not (tmp_path / "layout/index.json").exists()


def test_too_many_files_are_refused_before_the_registry_does(access: Access, tmp_path: Path) -> None:
    """A manifest that registries would not take is named as such."""
    folder = write_tree(tmp_path / "m", {f"{number}-{'long' * 40}": b"" for number in range(6000)})
    with pytest.raises(TooManyFiles, match="6000 files make a manifest"):
        send(folder, f"layout://{tmp_path / 'layout'}:v1", access)


def test_a_push_goes_to_a_tag(access: Access, tmp_path: Path) -> None:
    """Nobody can choose a digest."""
    folder = write_tree(tmp_path / "model", {"a": b""})
    for target in (f"127.0.0.1:1/m@{Digest.of(b'')}", f"layout://{tmp_path / 'layout'}@{Digest.of(b'')}"):
        with pytest.raises(BadReference, match="names a digest"):
            send(folder, target, access)


def test_a_folder_that_is_no_layout_is_not_written_to(access: Access, tmp_path: Path) -> None:
    """layout:// with somebody's folder is refused."""
    write_tree(tmp_path / "mine", {"thesis.tex": b"years"})
    with pytest.raises(BadLayout):
        send(write_tree(tmp_path / "model", {"a": b""}), f"layout://{tmp_path / 'mine'}:v1", access)


def test_a_layout_that_cannot_be_written_is_named(access: Access, tmp_path: Path) -> None:
    """A file where the folder should be: an error with a hint, and no traceback."""
    write_tree(tmp_path, {"file": b"x"})
    with pytest.raises(LayoutFailed) as caught:
        send(write_tree(tmp_path / "model", {"a": b""}), f"layout://{tmp_path / 'file' / 'layout'}:v1", access)
    assert caught.value.hint


def test_a_full_disk_leaves_the_tag_where_it_was(access: Access, tmp_path: Path) -> None:
    """A push that runs out of room is told as such; what was pushed before is still there."""
    target = f"layout://{tmp_path / 'layout'}:v1"
    before = send(write_tree(tmp_path / "old", {"a": b"1"}), target, access)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    folder = write_tree(tmp_path / "new", {"a": noise(5 << 20)})
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(LayoutFailed, match="File too large"):
            send(folder, target, access)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert open_repository(parse_source(target), access).resolve().digest == before.digest
    assert [name for name in read_tree(tmp_path / "layout") if "incoming" in name] == []


def test_a_registry_that_is_down_is_named(access: Access, tmp_path: Path) -> None:
    """The error says which address did not answer."""
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:1"):
        send(write_tree(tmp_path / "model", {"a": b""}), "127.0.0.1:1/m:v1", access)


def test_a_registry_that_wants_credentials_is_named(basic_registry: Registry, access: Access, tmp_path: Path) -> None:
    """Without credentials the push ends before a file is sent."""
    with pytest.raises(Unauthorized, match="user and a password") as caught:
        send(write_tree(tmp_path / "model", {"a": b"x"}), f"{basic_registry.address}/m:v1", access)
    assert "docker login" in caught.value.hint


def test_a_blob_that_the_store_counts_otherwise_is_refused(access: Access, tmp_path: Path) -> None:
    """An upload that ends with another number of bytes than announced is thrown away."""
    pusher = open_pusher(parse_source(f"layout://{tmp_path / 'layout'}:v1"), access)
    with pusher.begin(5) as upload:
        upload.write(memoryview(b"four"))
        with pytest.raises(Mismatch):
            upload.commit(Digest.of(b"four"))
    assert list((tmp_path / "layout/blobs/sha256").iterdir()) == []


def test_the_command_prints_the_pinned_reference(
    registry: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Stdout has the result alone; pull takes it as it stands."""
    folder = write_tree(tmp_path / "model", {"config.json": b"{}"})
    assert weighbridge.main(["push", str(folder), f"{registry.address}/push/command:v1"]) == 0
    pinned = capsys.readouterr().out.strip()
    assert pinned.startswith(f"{registry.address}/push/command:v1@sha256:")
    assert weighbridge.main(["pull", pinned, "-o", str(tmp_path / "out"), "--json"]) == 0
    receipt = json.loads(capsys.readouterr().out)
    assert receipt["digest"] == pinned.partition("@")[2]
    assert weighbridge.main(["inspect", pinned]) == 0
    assert "config.json" in capsys.readouterr().out


def test_the_command_explains_its_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, for the target is no reference; the code and the hint on stderr, nothing on stdout."""
    assert weighbridge.main(["push", str(tmp_path), "phi-4"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "[reference.invalid]" in said.err
    assert "hint: write it as" in said.err


def test_progress_counts_what_need_not_come() -> None:
    """Skipped bytes are done, but were not on the wire; bytes taken back must come again."""
    stats = TransferStats(10)
    stats.skip(4)
    stats.add(3)
    stats.take_back(1)
    assert (stats.done, stats.wire) == (6, 3)


@pytest.mark.parametrize("hours", [1, 25])
def test_what_a_killed_push_left_in_a_layout_is_removed_after_a_day(access: Access, tmp_path: Path, hours: int) -> None:
    """Another push may still write what is younger."""
    folder, layout = write_tree(tmp_path / "model", {"config.json": b"{}"}), tmp_path / "layout"
    send(folder, f"layout://{layout}:v1", access)
    left = layout / "blobs" / "sha256" / ".incoming-x"
    left.touch()
    os.utime(left, (time.time() - hours * 3600,) * 2)
    send(folder, f"layout://{layout}:v1", access)
    assert left.exists() is (hours == 1)
