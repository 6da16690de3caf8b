"""How the programs end: by signals within a second, by streams that take no writing, by errors that nobody foresaw."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from puller.settings import Settings
from registry.process.program import ending_of
from registry.process.signals import Ended

from .fakes import faults
from .fakes.registry import FakeRegistry, fake_registry
from .puller.models import noise, offer, read_tree

MODEL = {"config.json": b"{}", "weights": noise(600_000)}
PIECE = 64 << 10
SECOND = 1.0
"""What an end by a signal may take; a margin is added for a machine that is busy."""

MARGIN = 4.0


def container(settings: Settings, *prefix: str, **changes: str) -> "subprocess.Popen[bytes]":
    """Start `python -m puller`."""
    command = [*prefix, sys.executable, "-m", "puller"]
    environ = {**os.environ, **settings.to_env(), **changes}
    return subprocess.Popen(command, env=environ, stderr=subprocess.PIPE)


def command(*arguments: str) -> list[str]:
    """Return the command line of the `weighbridge` command."""
    return [sys.executable, "-m", "weighbridge", *arguments]


def stalled_pull(fake: FakeRegistry) -> threading.Event:
    """Have a registry send half of its blobs' pieces, and then nothing; return what says that it came so far."""
    offer(fake, MODEL, chunk=PIECE)
    came = threading.Event()
    stall = faults.stalled(1000)
    seen: list[object] = []

    def change(request: object, answer: object) -> object:
        seen.append(request)
        if len(seen) < 5:
            return answer
        came.set()
        return stall(request, answer)  # type: ignore[arg-type] # as the fake gives them

    fake.fail(change)  # type: ignore[arg-type] # as above
    return came


@pytest.mark.parametrize("prefix", [(), ("unshare", "--fork", "--pid", "--kill-child")], ids=["", "process 1"])
def test_sigterm_ends_a_stalled_pull_within_a_second(tmp_path: Path, prefix: tuple[str, ...]) -> None:
    """Exit code 143, a termination message that says what is kept, nothing published, and the next pull goes on."""
    if prefix and (os.geteuid() != 0 or not shutil.which("unshare")):
        pytest.skip("a process namespace needs root and unshare")
    log = tmp_path / "log"
    log.touch()
    with fake_registry() as fake:
        came = stalled_pull(fake)
        settings = Settings(source=fake.reference(), destination=str(tmp_path / "model"), termination_log=str(log))
        with container(settings, *prefix) as process:
            assert came.wait(30)
            number = _inner(process.pid) if prefix else process.pid
            os.kill(number, signal.SIGTERM)
            _, said = process.communicate(timeout=SECOND + MARGIN)
        assert process.returncode == 143, said
        message = json.loads(log.read_text())
        assert message["code"] == "interrupted"
        assert "are kept" in message["error"]
        assert not (tmp_path / "model").exists()
        fake.faults.clear()
        with container(settings) as process:
            assert process.wait(60) == 0
        assert read_tree(tmp_path / "model") == MODEL


def _inner(outer: int) -> int:
    """Return the process that runs in the namespace of another one."""
    children = Path(f"/proc/{outer}/task/{outer}/children").read_text().split()
    return int(children[0])


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("verb", ["pull", "push"])
def test_a_command_that_waits_is_gone_within_a_second(
    tmp_path: Path, number: signal.Signals, code: int, verb: str
) -> None:
    """Ctrl-C and SIGTERM, of a pull whose registry stalls and of a push whose registry does not answer."""
    with fake_registry() as fake:
        came = stalled_pull(fake)
        arguments = ["pull", fake.reference(), "-o", str(tmp_path / "model")]
        if verb == "push":
            (tmp_path / "folder").mkdir()
            (tmp_path / "folder/weights").write_bytes(noise(8 << 20))
            arguments = ["push", str(tmp_path / "folder"), fake.reference()]

            def hang(_: object, answer: object) -> object:
                came.set()
                threading.Event().wait(20)
                return answer

            fake.fail(hang, method="POST", path="/uploads/")  # type: ignore[arg-type] # as above
        with subprocess.Popen(command(*arguments), stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert came.wait(30)
            process.send_signal(number)
            _, said = process.communicate(timeout=SECOND + MARGIN)
    assert process.returncode == code, said
    assert b"Traceback" not in said
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("closed", [0, 1, 2])
def test_a_closed_stream_fails_no_pull(tmp_path: Path, closed: int) -> None:
    """`2>&-` and its like: the model is right, and no file of it was written into as if it were the stream."""
    with fake_registry() as fake:
        offer(fake, MODEL)
        arguments = command("pull", fake.reference(), "-o", str(tmp_path / "model"))
        done = subprocess.run(arguments, check=False, preexec_fn=lambda: os.close(closed))
    assert done.returncode == 0
    assert read_tree(tmp_path / "model") == MODEL


def test_results_that_cannot_be_written_are_an_error() -> None:
    """A full disk behind stdout is said; a reader that left is not."""
    with fake_registry() as fake:
        offer(fake, {f"file-{number:04}": b"x" for number in range(2000)})
        with Path("/dev/full").open("wb") as full:
            arguments = command("inspect", fake.reference())
            done = subprocess.run(arguments, check=False, stdout=full, stderr=subprocess.PIPE)
        assert (done.returncode, b"[output.failed]" in done.stderr) == (1, True), done.stderr
        reading, writing = os.pipe()
        os.close(reading)
        with os.fdopen(writing, "wb") as left:
            done = subprocess.run(arguments, check=False, stdout=left, stderr=subprocess.PIPE)
        assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.parametrize("verb", ["pull", "push"])
def test_a_failure_is_an_event_where_progress_is_json(tmp_path: Path, verb: str) -> None:
    """Law: a program that reads stderr meets JSON alone, one object a line, whatever the end is."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/config.json").write_bytes(b"{}")
    with fake_registry() as fake:
        offer(fake, MODEL)
        for method in ("GET", "HEAD", "POST"):
            fake.fail(faults.status(404), method=method, path="/v2/")
        arguments = {
            "pull": ("pull", fake.reference(), "-o", str(tmp_path / "model")),
            "push": ("push", str(tmp_path / "folder"), fake.reference()),
        }
        done = subprocess.run(command(*arguments[verb], "--progress", "json"), check=False, capture_output=True)
        events = [json.loads(line) for line in done.stderr.splitlines()]
        assert done.returncode == 1
        assert [event["event"] for event in events].count("error") == 1
        last = events[-1]
        assert (last["event"], set(last)) == ("error", {"event", "code", "text", "hint"})
        assert "404" in last["text"]
        fake.faults.clear()
        with Path("/dev/full").open("wb") as full:
            arguments_json = command(*arguments[verb], "--progress", "json")
            done = subprocess.run(arguments_json, check=False, stdout=full, stderr=subprocess.PIPE)
        assert json.loads(done.stderr.splitlines()[-1])["code"] == "output.failed"


@pytest.mark.parametrize("stream", ["/dev/full"])
def test_a_log_that_takes_no_writing_fails_nothing(tmp_path: Path, stream: str) -> None:
    """What is said of a pull is not the pull."""
    with fake_registry() as fake, Path(stream).open("wb") as full:
        offer(fake, MODEL)
        arguments = command("pull", fake.reference(), "-o", str(tmp_path / "model"))
        assert subprocess.run(arguments, check=False, stderr=full).returncode == 0


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_letters_that_a_terminal_lacks_are_replaced(encoding: str) -> None:
    """No name and no sign of ours ends a command."""
    with fake_registry() as fake:
        offer(fake, {"模型.json": b"{}"})
        environ = {**os.environ, "PYTHONIOENCODING": encoding}
        done = subprocess.run(command("inspect", fake.reference()), env=environ, check=False, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (Ended(signal.SIGTERM), 143, "SIGTERM"),
        (ValueError("https://user:secret@host/"), 1, "ValueError"),
        (PermissionError(13, "x", "/etc/shadow"), 1, "/etc/shadow"),
        (RecursionError(), 1, "RecursionError"),
        (MemoryError(), 1, "MemoryError"),
    ],
)
def test_whatever_ends_a_program_has_a_code_and_a_hint(error: BaseException, code: int, words: str) -> None:
    """Law: an ending has all its parts, and tells no text of a failure that was not foreseen."""
    ending = ending_of(error)
    assert ending.exit_code == code
    assert words in ending.facts
    assert ending.hint
    assert "secret" not in ending.facts


def test_a_termination_message_is_json_that_the_kubelet_keeps_whole(tmp_path: Path) -> None:
    """However long and odd its texts are: at most 4,096 bytes, and valid."""
    log = tmp_path / "log"
    log.touch()
    source = "layout://" + "模" * 3000
    settings = Settings(source=source, destination=str(tmp_path / "model"), termination_log=str(log))
    with container(settings) as process:
        assert process.wait(30) == 1
    assert len(log.read_bytes()) <= 4096
    assert json.loads(log.read_text())["code"]
