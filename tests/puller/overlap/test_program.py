"""The static program: small, equal each time, and at its end when it is asked to be."""

import hashlib
import os
import signal
import subprocess
from pathlib import Path

import pytest

from puller.overlap.program import program
from tests.parts.process import poll

DIGESTS = {
    "x86_64": "4614185cd92f400faa0c59c4f6b2c8fcb0a8f19022031da5446eee9858237e0f",
    "aarch64": "624fd988a0b56c079cfeef0c600e8830ae101e9b4e907df97efb643629c361ae",
}
"""What was disassembled and run, on both machines; the bytes are not to change unseen."""


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """Write the program for this machine."""
    path = tmp_path / "program"
    path.write_bytes(program(os.uname().machine))
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("machine", DIGESTS)
def test_it_is_small_and_the_same_each_time(machine: str) -> None:
    """Under 1 KiB, an ELF for its machine."""
    content = program(machine)
    assert len(content) < 1024
    assert content.startswith(b"\x7fELF")
    assert hashlib.sha256(content).hexdigest() == DIGESTS[machine]


def test_other_machines_have_none() -> None:
    """The message names the machine."""
    with pytest.raises(ValueError, match="s390x"):
        program("s390x")


def test_without_an_argument_it_ends_at_once(here: Path) -> None:
    """It says nothing, and needs nothing of its environment."""
    done = subprocess.run([here], env={}, capture_output=True, check=True, timeout=10)
    assert done.stdout + done.stderr == b""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_with_one_it_waits_for_a_signal(here: Path, number: signal.Signals) -> None:
    """It takes less than 1 MiB, survives being stopped and continued, and ends with 0."""
    with subprocess.Popen([here, "idle"], env={}) as process:
        status = Path(f"/proc/{process.pid}/status")
        assert poll(lambda: "S (sleeping)" in status.read_text(), 10)
        resident = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
        assert int(resident.split()[1]) < 1024
        process.send_signal(signal.SIGSTOP)
        process.send_signal(signal.SIGCONT)
        process.send_signal(number)
        assert process.wait(10) == 0
