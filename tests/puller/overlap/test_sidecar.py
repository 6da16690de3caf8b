"""The sidecar pulls, says how that ended, and idles; the container that waits for it ends as the pull did."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from puller.errors import NoPrograms
from puller.overlap.outcome import Outcome, begin, conclude, install_program, is_under_way, outcome_in
from puller.overlap.ready import LOST, UNPROVED, Waits, ready, wait_for_outcome
from puller.settings import Settings
from registry.progress.reporter import QuietReporter
from tests.fakes import faults
from tests.fakes.clock import Clock
from tests.fakes.registry import FakeRegistry, fake_registry
from tests.parts.process import poll
from tests.puller.models import noise, offer, read_tree

MODEL = {"config.json": b"{}", "model.safetensors": noise(300_000)}


@pytest.fixture
def fake() -> Iterator[FakeRegistry]:
    """Serve a model."""
    with fake_registry() as fake:
        offer(fake, MODEL)
        yield fake


@pytest.fixture
def settings(fake: FakeRegistry, tmp_path: Path) -> Settings:
    """Return the settings of both containers."""
    (tmp_path / "tools").mkdir()
    (tmp_path / "message").touch()
    return Settings(
        source=fake.reference(),
        destination=str(tmp_path / "model"),
        tools=str(tmp_path / "tools"),
        termination_log=str(tmp_path / "message"),
    )


@contextmanager
def started(settings: Settings, *words: str) -> Iterator["subprocess.Popen[str]"]:
    """Run a container's program until the block ends."""
    environ = {**os.environ, **settings.to_env()}
    command = [sys.executable, "-m", *(words or ("puller",))]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def is_idle(process: "subprocess.Popen[str]") -> bool:
    """Return whether a process is the static program."""
    command = Path(f"/proc/{process.pid}/cmdline").read_bytes().split(b"\0")
    return command[0].endswith(b"/program") and command[1] == b"idle"


def test_the_sidecar_becomes_the_idle_program_and_the_waiting_container_ends_well(
    settings: Settings, tmp_path: Path
) -> None:
    """The model stands whole, the message is the pull's, and SIGTERM ends the idle process at once."""
    with started(settings) as sidecar, started(settings, "puller.overlap", "ready") as waiting:
        assert waiting.wait(60) == 0
        assert read_tree(tmp_path / "model") == MODEL
        assert json.loads((tmp_path / "message").read_text())["files"] == len(MODEL)
        assert poll(lambda: is_idle(sidecar), 30)
        sidecar.send_signal(signal.SIGTERM)
        assert sidecar.wait(10) == 0


def test_the_hook_installs_the_program_before_anything_else(settings: Settings, tmp_path: Path) -> None:
    """A container on the engine's image may start as soon as the sidecar has."""
    with started(settings, "puller.overlap", "install") as hook:
        assert hook.wait(60) == 0
    subprocess.run([tmp_path / "tools" / "program"], check=True, timeout=10)


def test_a_volume_on_which_no_program_runs_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is pulled: the container on the engine's image could say nothing but `permission denied`."""
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_flag=os.ST_NOEXEC))
    with pytest.raises(NoPrograms, match="noexec"):
        install_program(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_failed_pull_fails_the_waiting_container_with_the_same_word(
    fake: FakeRegistry, settings: Settings, tmp_path: Path
) -> None:
    """Code, fact and hint are the pull's, in the log and in the termination message."""
    fake.fail(faults.flipped(5))
    with started(settings) as sidecar, started(settings, "puller.overlap", "ready") as waiting:
        said, _ = waiting.communicate(timeout=60)
        assert (waiting.returncode, sidecar.wait(60)) == (1, 1)
    message = json.loads((tmp_path / "message").read_text())
    assert message["code"] == "content.mismatch"
    assert message["error"] in said
    assert message["hint"] in said
    assert not (tmp_path / "model").exists()


def test_a_failed_sidecar_stays_until_its_word_was_read(fake: FakeRegistry, settings: Settings, tmp_path: Path) -> None:
    """The kubelet starts the others only when it has seen this one run; SIGTERM ends it at once all the same."""
    fake.fail(faults.flipped(5))
    with started(settings) as sidecar:
        assert poll(lambda: outcome_in(tmp_path / "tools"), 60)
        assert sidecar.poll() is None
        with started(settings, "puller.overlap", "ready") as waiting:
            assert waiting.wait(60) == 1
        assert sidecar.wait(10) == 1
    (tmp_path / "tools" / "outcome").unlink()
    with started(settings) as sidecar:
        assert poll(lambda: outcome_in(tmp_path / "tools"), 60)
        sidecar.send_signal(signal.SIGTERM)
        assert sidecar.wait(10) == 1


def test_a_sidecar_that_starts_again_forgets_how_the_last_pull_ended(
    fake: FakeRegistry, settings: Settings, tmp_path: Path
) -> None:
    """A restarted container trusts the receipt alone: it fetches nothing again, and says anew that all is well."""
    conclude(tmp_path / "tools", Outcome(1, {"code": "x"}))
    for _ in range(2):
        with started(settings) as sidecar:
            assert poll(lambda: is_idle(sidecar), 60)
        found = outcome_in(tmp_path / "tools")
        assert found is not None
        assert found.exit_code == 0
    assert len(fake.blob_requests()) == len({request.path for request in fake.blob_requests()})


def test_sigterm_in_mid_pull_ends_both_within_a_second_or_so(
    fake: FakeRegistry, settings: Settings, tmp_path: Path
) -> None:
    """Who ends the pod wants no outcome: none is written, and what came so far is kept."""
    fake.fail(faults.stalled(1000))
    with started(settings) as sidecar, started(settings, "puller.overlap", "ready") as waiting:
        assert poll(lambda: bool(fake.blob_requests()), 30)
        for process in (sidecar, waiting):
            process.send_signal(signal.SIGTERM)
        assert (sidecar.wait(10), waiting.wait(10)) == (143, 143)
    assert outcome_in(tmp_path / "tools") is None


def test_a_sidecar_that_is_gone_is_missed_after_a_minute(tmp_path: Path) -> None:
    """OOMKilled says nothing; while a pull holds its lock, or starts again, nobody gives up."""
    clock = Clock()
    waits = Waits(sleep=clock.sleep, clock=clock)
    assert wait_for_outcome(tmp_path, waits) == LOST
    assert 60 <= clock.now < 62
    handle = begin(tmp_path)
    assert is_under_way(tmp_path)

    def ends_later(seconds: float) -> None:
        clock.sleep(seconds)
        if clock.now > 500:
            conclude(tmp_path, Outcome(0, {}))

    assert wait_for_outcome(tmp_path, Waits(sleep=ends_later, clock=clock)).exit_code == 0
    os.close(handle)
    assert not is_under_way(tmp_path)


def test_a_good_word_without_a_receipt_is_not_believed(settings: Settings, tmp_path: Path) -> None:
    """Whatever stands in the shared folder: the receipt beside the model decides."""
    conclude(tmp_path / "tools", Outcome(0, {"digest": "sha256:" + "0" * 64}))
    assert ready(settings, QuietReporter()) == UNPROVED
    (tmp_path / "tools" / "outcome").write_text("[]")
    assert outcome_in(tmp_path / "tools") is None
