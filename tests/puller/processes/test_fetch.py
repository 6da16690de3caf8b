"""A pull by several processes: the same model, the same errors, and none of them outlives the pull."""

import errno
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from puller.artifact.part import LayerKind, Part
from puller.errors import ProcessLost
from puller.plan import Blob, Piece
from puller.processes.fetch import LEAST_BYTES, LEAST_BYTES_UNASKED, MOST_UNASKED, affordable, deal
from puller.processes.pipe import receive, send
from puller.pull import pull
from puller.settings import Settings
from puller.transfer.file_blob import FileBlobWriter
from puller.transfer.worker import work
from registry.access.access import Access
from registry.auth.credentials import Credentials
from registry.digest import Digest
from registry.errors import Fault
from registry.http.transport import Transport
from registry.progress.reporter import QuietReporter
from tests.fakes import faults
from tests.fakes.registry import Change, FakeRegistry, fake_registry
from tests.parts.process import poll
from tests.puller.models import layer, noise, offer, offer_packed, read_tree, write_tree
from tests.puller.test_ending import noted

CHUNK = 4 << 20
MODEL = {"a": noise(LEAST_BYTES), "b": noise(2 * LEAST_BYTES + 7, seed=8), "config.json": b"{}"}
SECONDS = 2.0


def access() -> Access:
    """Reach registries on this machine."""
    return Access(transport=Transport(proxies={}), credentials=Credentials())


def pipes() -> int:
    """Return how many ends of pipes this process has open."""
    return sum(one.is_fifo() for one in Path("/proc/self/fd").iterdir())


@contextmanager
def pulling(source: str, folder: Path, *options: str) -> "Iterator[subprocess.Popen[str]]":
    """Run `weighbridge pull` by three processes."""
    command = [sys.executable, "-m", "weighbridge", "pull", source, "-o", str(folder), "--processes", "3", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def children_of(process: "subprocess.Popen[str]") -> list[int]:
    """Return the ids of a process's children."""
    return [int(one) for one in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def wait_until_gone(processes: list[int]) -> None:
    """Wait until processes have ended; those that nobody waited for count as well."""
    assert processes
    assert poll(lambda: not any(Path(f"/proc/{one}/exe").exists() for one in processes), SECONDS)


@contextmanager
def stalled(fake: FakeRegistry) -> Iterator[threading.Event]:
    """Have every blob stop in the middle of a piece; the event is set when all three processes wait for one."""
    change, came = noted(fake, faults.stalled(1 << 20), count=3)
    fake.fail(change, path="/blobs/")
    yield came


@pytest.mark.parametrize("chunk", [CHUNK, 0], ids=["chunks with digests", "whole digests alone"])
def test_the_model_is_whole_and_counted_once(tmp_path: Path, chunk: int) -> None:
    """Whether each process has pieces of every file, or a file has digests for its whole alone."""
    with fake_registry() as fake:
        offer(fake, MODEL, chunk=chunk)
        with pulling(fake.reference(), tmp_path / "model", "--json") as process:
            said, errors = process.communicate()
    assert process.returncode == 0, errors
    assert read_tree(tmp_path / "model") == MODEL
    assert json.loads(said)["wire_bytes"] == sum(map(len, MODEL.values()))


@pytest.mark.parametrize("most", [0, 1])
@pytest.mark.parametrize("packed", [False, True])
def test_where_no_process_can_be_forked_this_one_does_it_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, *, packed: bool
) -> None:
    """A pod may have a limit of processes, which its first ones may use up."""
    forked: list[int] = []

    def fork() -> int:
        if len(forked) == most:
            raise BlockingIOError(errno.EAGAIN, "no process")
        forked.append(original())
        return forked[-1]

    original = os.fork
    monkeypatch.setattr(os, "fork", fork)
    before = pipes()
    with fake_registry() as fake, access() as reach:
        if packed:
            offer_packed(fake, MODEL, "+zstd")
        else:
            offer(fake, MODEL, chunk=CHUNK)
        settings = Settings(source=fake.reference(), destination=str(tmp_path / "model"), processes=3)
        pull(settings, reach, QuietReporter())
    assert read_tree(tmp_path / "model") == MODEL
    assert pipes() == before


@pytest.mark.parametrize("most", [0, 1, 3])
def test_as_many_threads_work_as_may_be_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """Without any the failure is told as what it is."""
    started: list[threading.Thread] = []

    def start(thread: threading.Thread) -> None:
        if getattr(thread, "_target", None) is work and len(started) == most:
            raise RuntimeError("can't start new thread")
        original(thread)
        started.append(thread) if getattr(thread, "_target", None) is work else None

    original = threading.Thread.start
    monkeypatch.setattr(threading.Thread, "start", start)
    with fake_registry() as fake, access() as reach:
        offer(fake, MODEL, chunk=CHUNK)
        settings = Settings(source=fake.reference(), destination=str(tmp_path / "model"))
        if most:
            pull(settings, reach, QuietReporter())
            assert read_tree(tmp_path / "model") == MODEL
        else:
            with pytest.raises(ProcessLost, match="can't start new thread"):
                pull(settings, reach, QuietReporter())


def test_a_model_of_many_files_is_pulled_by_few_descriptors(tmp_path: Path) -> None:
    """The shells that people have, and containerd 2, allow a process 1,024."""
    model = {f"{number}": noise(1000, number) for number in range(300)} | {"large": noise(2 * LEAST_BYTES)}
    with fake_registry() as fake:
        offer(fake, model)
        command = [sys.executable, "-m", "weighbridge", "pull", fake.reference(), "-o", str(tmp_path / "model")]
        shell = ["sh", "-c", 'ulimit -n 100; exec "$@"', "sh", *command, "--processes", "2", "--quiet"]
        done = subprocess.run(shell, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert read_tree(tmp_path / "model") == model


def test_packed_layers_are_unpacked_by_the_processes(tmp_path: Path) -> None:
    """Each by one of them."""
    with fake_registry() as fake:
        offer_packed(fake, MODEL, "+zstd")
        with pulling(fake.reference(), tmp_path / "model") as process:
            _, errors = process.communicate()
    assert process.returncode == 0, errors
    assert read_tree(tmp_path / "model") == MODEL


def test_chunks_of_our_own_zstd_are_unpacked_by_all_processes(tmp_path: Path) -> None:
    """From a folder, too, to which there are no connections."""
    halves = [noise(1 << 20, seed) + bytes(1 << 20) for seed in range(2 + 2 * LEAST_BYTES // (1 << 20))]
    model = {"a": b"".join(halves), "config.json": b"{}"}
    layout = f"layout://{tmp_path / 'layout'}:v1"
    push = ["push", str(write_tree(tmp_path / "folder", model)), layout, "--codec", "zstd", "--quiet"]
    subprocess.run([sys.executable, "-m", "weighbridge", *push], check=True, capture_output=True)
    packed = sum(path.stat().st_size for path in (tmp_path / "layout" / "blobs").rglob("*") if path.is_file())
    assert 2 * LEAST_BYTES < packed < len(model["a"])
    with pulling(layout, tmp_path / "model") as process:
        _, errors = process.communicate()
    assert process.returncode == 0, errors
    assert read_tree(tmp_path / "model") == model


def test_wrong_bytes_are_fetched_again(tmp_path: Path) -> None:
    """By the process that met them."""
    with fake_registry() as fake:
        offer(fake, MODEL, chunk=CHUNK)
        fake.fail(faults.flipped(5), path="/blobs/", times=2)
        with pulling(fake.reference(), tmp_path / "model") as process:
            _, errors = process.communicate()
    assert process.returncode == 0, errors
    assert read_tree(tmp_path / "model") == MODEL


@pytest.mark.parametrize(
    ("change", "code"),
    [(faults.flipped(5), "content.mismatch"), (faults.status(403), "registry.unauthorized")],
)
def test_what_one_process_fails_with_is_what_the_pull_fails_with(tmp_path: Path, change: Change, code: str) -> None:
    """With its code and its hint; nothing is published."""
    with fake_registry() as fake:
        offer(fake, MODEL, chunk=CHUNK)
        fake.fail(change, path="/blobs/")
        with pulling(fake.reference(), tmp_path / "model") as process:
            _, errors = process.communicate()
    assert process.returncode == 1
    assert f"[{code}]" in errors
    assert "hint: " in errors
    assert "Traceback" not in errors
    assert not (tmp_path / "model").exists()


def test_a_signal_ends_all_processes(tmp_path: Path) -> None:
    """At once, whatever they wait for."""
    with fake_registry() as fake:
        offer(fake, MODEL, chunk=CHUNK)
        with stalled(fake) as came, pulling(fake.reference(), tmp_path / "model") as process:
            assert came.wait(30)
            children = children_of(process)
            assert len(children) == 3
            process.send_signal(signal.SIGTERM)
            wait_until_gone([process.pid, *children])
            assert process.wait() == 128 + signal.SIGTERM


def test_no_process_outlives_one_that_was_killed(tmp_path: Path) -> None:
    """They would write to a volume that the next pull has locked."""
    with fake_registry() as fake:
        offer(fake, MODEL, chunk=CHUNK)
        with stalled(fake) as came, pulling(fake.reference(), tmp_path / "model") as process:
            assert came.wait(30)
            children = children_of(process)
            process.kill()
            wait_until_gone(children)


def test_a_process_that_is_killed_fails_the_pull_and_nothing_is_lost(tmp_path: Path) -> None:
    """As by the kernel, for want of memory; the next pull fetches what is missing alone."""
    with fake_registry() as fake:
        offer(fake, MODEL, chunk=CHUNK)
        fake.fail(faults.stalled(1 << 20), skips=10)
        with pulling(fake.reference(), tmp_path / "model") as process:
            assert poll(lambda: len(fake.blob_requests()) > 12 and _journaled(tmp_path) > 2, 30)
            children = children_of(process)
            os.kill(children[1], signal.SIGKILL)
            _, errors = process.communicate()
        assert "[process.lost]" in errors
        assert "SIGKILL" in errors
        wait_until_gone(children)
        fake.faults.clear()
        with pulling(fake.reference(), tmp_path / "model", "--json") as process:
            said, errors = process.communicate()
    assert process.returncode == 0, errors
    assert json.loads(said)["wire_bytes"] < sum(map(len, MODEL.values()))
    assert read_tree(tmp_path / "model") == MODEL


def _journaled(folder: Path) -> int:
    return sum(len(path.read_bytes().splitlines()) for path in folder.rglob("*journal*") if path.is_file())


def faults_of(kind: type[Fault]) -> list[type[Fault]]:
    """Return a kind of failure and all kinds below it that a pull may meet."""
    below = [one for one in kind.__subclasses__() if one.__module__.partition(".")[0] in {"registry", "puller"}]
    return [kind, *(one for each in below for one in faults_of(each))]


def written(number: int, count: int) -> FileBlobWriter:
    """Return the writer of a file of so many pieces."""
    digest = Digest.of(b"")
    pieces = tuple(Piece(at * CHUNK, (at + 1) * CHUNK, digest) for at in range(count)) or (Piece(0, 0, digest),)
    described = replace(layer(str(number), b""), digest=Digest.of(str(number).encode()), size=count * CHUNK)
    part = Part(layer=described, number=number, shape=LayerKind.FILE, path=str(number))
    return FileBlobWriter(Blob(described, (part,), pieces), Path(str(number)))


PIECES = st.lists(st.integers(0, 40), min_size=1, max_size=6)


@given(PIECES, st.integers(1, 9))
def test_every_piece_is_dealt_to_one_process(counts: list[int], processes: int) -> None:
    """And no process has more than its share and one writer's part of it."""
    writers = [written(number, count) for number, count in enumerate(counts)]
    shares = deal(writers, processes)
    dealt = [(writer.layer.digest, piece) for share in shares for writer in share for piece in writer.missing]
    assert len(dealt) == len(set(dealt))
    assert set(dealt) == {(writer.layer.digest, piece) for writer in writers for piece in writer.missing}
    loads = [sum(writer.missing_bytes for writer in share) for share in shares]
    largest = max(part.missing_bytes for writer in writers for part in writer.divided(processes))
    assert max(loads) - sum(loads) / processes <= largest


@pytest.mark.parametrize("processes", [2, 3, 4])
def test_processes_begin_with_different_files(processes: int) -> None:
    """Two that write to one file wait for each other."""
    shares = deal([written(number, 12) for number in range(4)], processes)
    assert len({share[0].layer.digest for share in shares}) == processes


@pytest.mark.parametrize(
    ("processes", "connections", "total", "limit", "expected"),
    [
        (1, 16, 1 << 40, None, (1, 16)),
        (4, 16, 1 << 40, None, (4, 16)),
        (8, 4, 1 << 40, None, (4, 4)),
        (4, 16, 0, None, (1, 16)),
        (4, 16, 2 * LEAST_BYTES, None, (2, 16)),
        (4, 16, 1 << 40, 90 << 20, (1, 16)),
        (4, 16, 1 << 40, 122 << 20, (3, 16)),
        (4, 16, 1 << 40, 60 << 20, (1, 1)),
    ],
)
def test_processes_are_as_many_as_the_work_and_the_memory_are_worth(
    processes: int, connections: int, total: int, limit: int | None, expected: tuple[int, int]
) -> None:
    """Each has a connection, and something to do."""
    settings = Settings(source="", destination="", processes=processes, connections=connections)
    assert affordable(settings, total, cores=64, limit=limit, is_encrypted=True) == (*expected, 64)


@pytest.mark.parametrize(
    ("total", "cores", "is_encrypted", "expected"),
    [
        (1 << 40, 2, True, 2),
        (1 << 40, 1, True, 1),
        (1 << 40, 64, True, MOST_UNASKED),
        (1 << 40, 64, False, 1),
        (3 * LEAST_BYTES_UNASKED, 64, True, 3),
        (2 * LEAST_BYTES_UNASKED - 1, 64, True, 1),
        (0, 64, True, 1),
    ],
)
def test_nobody_must_choose_how_many_processes(total: int, cores: int, *, is_encrypted: bool, expected: int) -> None:
    """Over TLS a large model is worth one a core; without, one interpreter is enough."""
    settings = Settings(source="", destination="")
    assert affordable(settings, total, cores=cores, limit=None, is_encrypted=is_encrypted).processes == expected


@pytest.mark.parametrize(("cores", "expected"), [(1, 1), (2, 1), (3, 2), (64, MOST_UNASKED)])
def test_beside_an_engines_image_one_process_fewer_leaves_a_core_to_it(cores: int, expected: int) -> None:
    """Unless a number is asked for."""
    sidecar = Settings(source="", destination="", tools="/weighbridge/tools")
    for settings, processes in ((sidecar, expected), (replace(sidecar, processes=2), 2)):
        means = affordable(settings, 1 << 40, cores=cores, limit=None, is_encrypted=True)
        assert (means.processes, means.cores) == (processes, cores)


@pytest.mark.parametrize("error", faults_of(Fault), ids=lambda error: error.__name__)
def test_every_failure_comes_through_the_pipe_as_it_is(error: type[Fault]) -> None:
    """With its words, its hint, and whatever decides what is done next."""
    raised = error("words", hint="do this")
    ours, theirs = os.pipe()
    with open(ours, "rb") as reader, open(theirs, "wb") as writer:  # noqa: PTH123 - two handles
        send(writer.fileno(), raised)
        found = receive(reader.fileno())
    assert isinstance(found, Fault)
    assert (type(found), str(found), found.explain()) == (error, "words", raised.explain())
    assert vars(found) == vars(raised)


def test_a_message_may_be_longer_than_a_pipe_holds() -> None:
    """A descriptor goes with each piece, and its annotations are the artifact's."""
    message = noise(3 << 20)
    ours, theirs = os.pipe()
    with open(ours, "rb") as reader, open(theirs, "wb") as writer:  # noqa: PTH123 - two handles
        thread = threading.Thread(target=send, args=(writer.fileno(), message))
        thread.start()
        assert receive(reader.fileno()) == message
        thread.join()


@pytest.mark.parametrize("part", [b"", bytes(3), bytes(7) + b"\x05half"], ids=["before", "in its length", "amid"])
def test_a_sender_that_ends_before_or_amid_a_message_is_noticed(part: bytes) -> None:
    """As one that the kernel killed."""
    ours, theirs = os.pipe()
    with open(ours, "rb") as reader, open(theirs, "wb") as writer:  # noqa: PTH123 - two handles
        writer.write(part)
        writer.close()
        with pytest.raises(EOFError):
            receive(reader.fileno())


def test_waits_of_all_processes_are_counted_in_the_message(tmp_path: Path) -> None:
    """Whoever asks why a pull was slow reads it without the log."""
    log = tmp_path / "termination-log"
    log.touch()
    with fake_registry() as fake:
        offer(fake, MODEL, chunk=CHUNK)
        fake.fail(faults.status(503), times=2)
        settings = Settings(
            source=fake.reference(), destination=str(tmp_path / "model"), processes=2, termination_log=str(log)
        )
        command = [sys.executable, "-m", "puller"]
        subprocess.run(command, env={**os.environ, **settings.to_env()}, check=True, capture_output=True)
    assert json.loads(log.read_text())["retries"] == 2
