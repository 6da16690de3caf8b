"""The sidecar pulls, says how that ended, and idles; the container that waits for it ends as the pull did."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from puller.errors import NoPrograms
from puller.overlap.outcome import Outcome, begin, conclude, install_program, is_begun, outcome_in, starts_of
from puller.settings import Settings
from tests.fakes import faults
from tests.fakes.registry import FakeRegistry, fake_registry
from tests.parts.objects import Object
from tests.parts.process import poll
from tests.puller.models import noise, offer, read_tree
from webhook.catalog import Catalog
from webhook.injection.inject import Injection, inject
from webhook.names import TOOLS_DIRECTORY
from webhook.settings import Settings as WebhookSettings

CATALOG = Catalog.read({"phi-4": "oci://registry.example.com/models/phi-4:v1"})
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
def started(
    settings: Settings, command: Sequence[str] = ("python", "-m", "puller")
) -> Iterator["subprocess.Popen[str]"]:
    """Run a container's command until the block ends."""
    environ = {**os.environ, **settings.to_env()}
    words = [sys.executable, *command[1:]] if command[0] == "python" else command
    with subprocess.Popen(words, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def commands(settings: Settings, limits: Object) -> tuple[list[str], list[str]]:
    """Return the commands that the webhook writes, of the sidecar's hook and of the container that waits for it."""
    container = {"name": "server", "image": "vllm", "resources": {"limits": limits}}
    metadata = {
        "name": "chat",
        "labels": {"weighbridge.dev/model": "phi-4"},
        "annotations": {"weighbridge.dev/overlap": "always"},
    }
    made = inject(
        {"kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}}, CATALOG, WebhookSettings()
    )
    assert isinstance(made, Injection)
    sidecar, *_, ready = made.pod["spec"]["initContainers"]
    places = {TOOLS_DIRECTORY: settings.tools, "/dev/termination-log": settings.termination_log}
    waiting = ready["command"]
    for place, here in places.items():
        waiting = [word.replace(place, here) for word in waiting]
    return sidecar["lifecycle"]["postStart"]["exec"]["command"], waiting


@pytest.fixture(params=[{}, {"cpu": "1", "memory": "1Gi"}], ids=["program", "reading"])
def wait_command(settings: Settings, request: pytest.FixtureRequest) -> list[str]:
    """Return the command of either container that waits: the static program, or in Guaranteed pods the puller's."""
    install_program(Path(settings.tools))
    return commands(settings, request.param)[1]


def conclude_before(folder: Path, message: bytes) -> None:
    """Leave what a sidecar leaves that said how its pull ended, and is gone."""
    handle = begin(folder)
    conclude(folder, Outcome(1, message))
    os.close(handle)


def is_idle(process: "subprocess.Popen[str]") -> bool:
    """Return whether a process is the static program."""
    command = Path(f"/proc/{process.pid}/cmdline").read_bytes().split(b"\0")
    return command[0].endswith(b"/program") and command[1] == b"idle"


def test_the_sidecar_becomes_the_idle_program_and_the_waiting_container_ends_well(
    settings: Settings, wait_command: list[str], tmp_path: Path
) -> None:
    """The model stands whole, the message is the pull's, and SIGTERM ends the idle process at once."""
    with started(settings) as sidecar, started(settings, wait_command) as waiting:
        assert waiting.wait(60) == 0
        assert read_tree(tmp_path / "model") == MODEL
        assert json.loads((tmp_path / "message").read_text())["files"] == len(MODEL)
        assert poll(lambda: is_idle(sidecar), 30)
        sidecar.send_signal(signal.SIGTERM)
        assert sidecar.wait(10) == 0


def test_the_hook_ends_when_the_sidecar_has_forgotten_what_was_before(settings: Settings, tmp_path: Path) -> None:
    """As after a reboot of the node: the containers that come next find the program, and no outcome of another life.

    It may also come later than the end of a short pull.
    """
    tools, hook_command = tmp_path / "tools", commands(settings, {})[0]
    conclude_before(tools, b"of another life")
    with started(settings, hook_command) as hook:
        assert poll(lambda: "puller.overlap" in Path(f"/proc/{hook.pid}/cmdline").read_text(), 10)
        assert not is_begun(tools)
        assert hook.poll() is None
        with started(settings) as sidecar:
            assert hook.wait(60) == 0
            found = outcome_in(tools)
            assert found is None or b"another life" not in found.message
            subprocess.run([tools / "program"], check=True, timeout=10)
            assert poll(lambda: is_idle(sidecar), 30)
            with started(settings, hook_command) as late:
                assert late.wait(60) == 0
    assert not is_begun(tools)


def test_a_volume_on_which_no_program_runs_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is pulled: the container on the engine's image could say nothing but `permission denied`."""
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_flag=os.ST_NOEXEC))
    with pytest.raises(NoPrograms, match="noexec"):
        install_program(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_failed_pull_fails_the_waiting_container_with_the_same_word(
    fake: FakeRegistry, settings: Settings, wait_command: list[str], tmp_path: Path
) -> None:
    """Code, fact and hint are the pull's, in log and termination message; whoever starts again waits anew."""
    fake.fail(faults.flipped(5))
    with started(settings) as sidecar, started(settings, wait_command) as waiting:
        said, _ = waiting.communicate(timeout=60)
        assert (waiting.returncode, sidecar.wait(60)) == (1, 1)
    assert outcome_in(tmp_path / "tools") is None
    message = json.loads((tmp_path / "message").read_text())
    assert message["code"] == "content.mismatch"
    assert message == json.loads(said)
    assert not (tmp_path / "model").exists()


def test_a_failed_sidecar_stays_until_its_word_was_read(
    fake: FakeRegistry, settings: Settings, wait_command: list[str], tmp_path: Path
) -> None:
    """The kubelet starts the others only when it has seen this one run; SIGTERM ends it at once all the same."""
    fake.fail(faults.flipped(5))
    with started(settings) as sidecar:
        assert poll(lambda: outcome_in(tmp_path / "tools"), 60)
        assert sidecar.poll() is None
        with started(settings, wait_command) as waiting:
            assert waiting.wait(60) == 1
        assert sidecar.wait(10) == 1
    assert outcome_in(tmp_path / "tools") is None
    with started(settings) as sidecar:
        assert poll(lambda: outcome_in(tmp_path / "tools"), 60)
        sidecar.send_signal(signal.SIGTERM)
        assert sidecar.wait(10) == 1


def test_a_sidecar_that_starts_again_forgets_how_the_last_pull_ended(
    fake: FakeRegistry, settings: Settings, tmp_path: Path
) -> None:
    """A restarted container trusts the receipt alone: it fetches nothing again, and says anew that all is well."""
    conclude_before(tmp_path / "tools", b"{}")
    for _ in range(2):
        with started(settings) as sidecar:
            assert poll(lambda: is_idle(sidecar), 60)
        found = outcome_in(tmp_path / "tools")
        assert found is not None
        assert found.exit_code == 0
    assert len(fake.blob_requests()) == len({request.path for request in fake.blob_requests()})


def test_sigterm_in_mid_pull_ends_both_within_a_second_or_so(
    fake: FakeRegistry, settings: Settings, wait_command: list[str], tmp_path: Path
) -> None:
    """Who ends the pod wants no outcome: none is written, and what came so far is kept."""
    fake.fail(faults.stalled(1000))
    with started(settings) as sidecar, started(settings, wait_command) as waiting:
        assert poll(lambda: bool(fake.blob_requests()), 30)
        for process in (sidecar, waiting):
            process.send_signal(signal.SIGTERM)
        assert (sidecar.wait(10), waiting.wait(10)) == (143, 143)
    assert outcome_in(tmp_path / "tools") is None


def test_a_sidecar_that_is_killed_again_and_again_says_so(
    fake: FakeRegistry, settings: Settings, wait_command: list[str], tmp_path: Path
) -> None:
    """OOMKilled says nothing, and the kubelet starts sidecars for ever: the fourth start ends who waits, in a Job, too.

    After that it pulls again, and goes on where it was.
    """
    tools = tmp_path / "tools"
    fake.fail(faults.stalled(1000))
    with started(settings, wait_command) as waiting:
        for start in range(1, 4):
            seen = len(fake.blob_requests())
            with started(settings) as sidecar:
                assert poll(lambda seen=seen: len(fake.blob_requests()) > seen, 30)  # type: ignore[misc]
                sidecar.kill()
            assert (starts_of(tools), outcome_in(tools)) == (start, None)
        with started(settings) as sidecar:
            assert (waiting.wait(60), sidecar.wait(60)) == (1, 1)
    message = json.loads((tmp_path / "message").read_text())
    assert message["code"] == "pull.lost"
    assert "3 times" in message["error"]
    fake.faults.clear()
    with started(settings) as sidecar:
        assert poll(lambda: is_idle(sidecar), 60)
    assert read_tree(tmp_path / "model") == MODEL


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="a mount needs root and unshare")
def test_a_full_disk_takes_no_word_away(tmp_path: Path) -> None:
    """What a pull says that failed for want of room has its room, also where the sidecar starts again."""
    script = """
import os, sys
from contextlib import suppress
from pathlib import Path
from puller.overlap.outcome import Outcome, begin, conclude, install_program, outcome_in
folder, said = Path(sys.argv[1]), Outcome(1, b"x" * 4096)
install_program(folder)
handle = begin(folder)
with suppress(OSError), (folder / "weights").open("wb", buffering=0) as weights:
    while True:
        weights.write(bytes(512))
os.close(handle)
install_program(folder)
begin(folder)
conclude(folder, said)
assert outcome_in(folder) == said
"""
    command = 'mount -t tmpfs -o size=64k tmpfs "$1" && exec "$2" -c "$3" "$1"'
    words = ["unshare", "--mount", "sh", "-c", command, "sh", str(tmp_path), sys.executable, script]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
