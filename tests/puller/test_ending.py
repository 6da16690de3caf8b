"""What ends a pull or a push early ends every wait in it, at once, wherever that is."""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from puller.errors import DeadlinePassed
from puller.pull import pull
from puller.settings import Settings
from registry.access.environment import access_from
from registry.progress.reporter import QuietReporter
from tests.fakes import faults
from tests.fakes.manner import Manner
from tests.fakes.registry import Answer, Change, FakeRegistry, Request, fake_registry

from .models import noise, offer, read_tree, write_tree

MODEL = {"weights": noise(400_000), "config.json": b"{}"}
SECONDS = 2.0
"""A second is what is promised; these machines are busy."""

STALLS: dict[str, tuple[Change, str]] = {
    "a blob": (faults.stalled(1000), "/blobs/"),
    "the head of a blob": (faults.mannered(Manner(stops_at=10)), "/blobs/"),
    "a manifest": (faults.mannered(Manner(stops_at=120)), "/manifests/"),
    "a blob bit by bit": (faults.mannered(Manner(trickles_at=500)), "/blobs/"),
    "patience": (faults.status(503, Retry_After="100"), "/blobs/"),
    "patience for a manifest": (faults.status(503, Retry_After="100"), "/manifests/"),
}


def noted(fake: FakeRegistry, change: Change, count: int = 1) -> tuple[Change, threading.Event]:
    """Make a change that tells when it was asked for so many times."""
    del fake
    came, left = threading.Event(), [count]

    def noting(request: Request, answer: Answer) -> Answer:
        left[0] -= 1
        if left[0] <= 0:
            came.set()
        return change(request, answer)

    return noting, came


def interrupted(arguments: list[str], came: threading.Event) -> float:
    """Run a verb, interrupt it when a request has come, and give how long it took to go."""
    command = [sys.executable, "-m", "weighbridge", *arguments]
    environ = {**os.environ, "HOME": "/proc"}
    with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, start_new_session=True) as process:
        assert came.wait(30)
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        try:
            said = process.communicate(timeout=20)[1].decode()
        finally:
            process.kill()
    assert "Traceback" not in said, said
    assert process.returncode not in {0, -signal.SIGKILL}
    return time.monotonic() - began


@pytest.mark.parametrize("stall", STALLS)
def test_a_pull_that_is_interrupted_is_gone_at_once(tmp_path: Path, stall: str) -> None:
    """Whatever it waits for; and nothing stands under the model's name."""
    with fake_registry() as fake:
        offer(fake, MODEL)
        change, came = noted(fake, STALLS[stall][0])
        fake.fail(change, path=STALLS[stall][1])
        seconds = interrupted(["pull", fake.reference(), "-o", str(tmp_path / "model")], came)
    assert seconds < SECONDS
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("method", ["HEAD", "POST", "PATCH", "PUT"])
@pytest.mark.parametrize(
    "change",
    [
        faults.mannered(Manner(late_seconds=60)),
        faults.mannered(Manner(stops_at=20)),
        faults.status(503, Retry_After="90"),
    ],
)
def test_a_push_that_is_interrupted_is_gone_at_once(tmp_path: Path, method: str, change: Change) -> None:
    """In the middle of a file, or while an answer is waited for."""
    folder = write_tree(tmp_path / "folder", {"model.gguf": noise(9 << 20), **MODEL})
    with fake_registry() as fake:
        noting, came = noted(fake, change)
        fake.fail(noting, method=method, path="")
        assert interrupted(["push", str(folder), fake.reference()], came) < SECONDS


def test_a_failure_of_one_connection_ends_the_others(tmp_path: Path) -> None:
    """One blob is refused, the others stall: the pull fails by the refusal's name, long before any time limit."""
    with fake_registry() as fake:
        model = {f"file-{number}": noise(50_000, number) for number in range(4)}
        offer(fake, model)
        first = next(iter(fake.blobs))
        waiting = threading.Event()

        def stall(request: Request, answer: Answer) -> Answer:
            if first in request.path:
                waiting.wait(30)
                return Answer(403)
            waiting.set()
            return replace(answer, body=answer.body[:1000], length=len(answer.body), stalls=True)

        fake.fail(stall)
        command = [sys.executable, "-m", "weighbridge", "pull", fake.reference(), "-o", str(tmp_path / "model")]
        began = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 1
        assert "[registry.unauthorized]" in done.stderr
        assert time.monotonic() - began < 15


@pytest.mark.parametrize("stall", STALLS)
def test_a_pull_has_a_deadline_of_its_own(tmp_path: Path, stall: str) -> None:
    """Whatever it waits for, it fails by that name, and the next pull goes on."""
    model = tmp_path / "model"
    with fake_registry() as fake:
        offer(fake, MODEL)
        fake.fail(STALLS[stall][0], path=STALLS[stall][1])
        settings = Settings(source=fake.reference(), destination=str(model), deadline_seconds=1)
        with access_from({}) as access:
            with pytest.raises(DeadlinePassed, match="within 1 s"):
                pull(settings, access, QuietReporter())
            assert not model.exists()
            fake.faults.clear()
            pull(settings, access, QuietReporter())
    assert read_tree(model) == MODEL


def test_a_deadline_is_read_from_option_and_environment(tmp_path: Path) -> None:
    """Both programs fail with the code, and a pod leaves its message."""
    message = tmp_path / "message"
    message.touch()
    with fake_registry() as fake:
        offer(fake, MODEL)
        fake.fail(faults.stalled(1000))
        verb = ["-m", "weighbridge", "pull", fake.reference(), "-o", str(tmp_path / "a"), "--deadline", "1"]
        settings = Settings(source=fake.reference(), destination=str(tmp_path / "b"), deadline_seconds=1)
        settings = replace(settings, termination_log=str(message))
        for arguments in (verb, ["-m", "puller"]):
            environ = {**os.environ, **settings.to_env()}
            command = [sys.executable, *arguments]
            done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=30)
            assert done.returncode == 1
            assert "[pull.deadline]" in done.stderr
    assert "pull.deadline" in message.read_text()


def test_a_deadline_that_is_kept_leaves_no_alarm(tmp_path: Path) -> None:
    """After the pull nothing rings, and what rang before rings again."""
    before = signal.getsignal(signal.SIGALRM)
    with fake_registry() as fake, access_from({}) as access:
        offer(fake, MODEL)
        pull(
            Settings(source=fake.reference(), destination=str(tmp_path / "a"), deadline_seconds=60),
            access,
            QuietReporter(),
        )
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) == before
