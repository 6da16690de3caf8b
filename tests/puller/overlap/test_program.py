"""The static program: small, equal each time, and at its end when it is asked to be."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from puller.overlap.machine_code import AARCH64, X86_64
from puller.overlap.program import DATA, program
from tests.parts.installed import installed
from tests.parts.process import poll

ASSEMBLERS = {
    "x86_64": ("x86_64-linux-gnu-as", ".intel_syntax noprefix\n", X86_64),
    "aarch64": ("aarch64-linux-gnu-as", "", AARCH64),
}
BYTES = slice(8, 24)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """Write the program for this machine."""
    path = tmp_path / "program"
    path.write_bytes(program(os.uname().machine))
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("machine", ASSEMBLERS)
def test_it_is_small_and_what_its_listing_says(machine: str, tmp_path: Path) -> None:
    """Under 1 KiB, an ELF for its machine, and byte for byte what the assembler makes of the instructions."""
    content = program(machine)
    assert len(content) < 1024
    assert content.startswith(b"\x7fELF")
    tool, head, listing = ASSEMBLERS[machine]
    assembler = installed(tool)
    lines = (line.partition(";")[0] for line in listing.strip().splitlines())
    instructions = "\n".join(line[: BYTES.start] + line[BYTES.stop :] for line in lines)
    data = ".ascii " + '"' + "".join(f"\\{byte:03o}" for byte in DATA) + '"'
    (tmp_path / "source").write_text(f"{head}{instructions}\nsignals: {data}\n.set interval, signals + 8\n")
    subprocess.run([assembler, "source", "-o", "object"], cwd=tmp_path, check=True)
    subprocess.run([assembler[:-2] + "objcopy", "-O", "binary", "object", "code"], cwd=tmp_path, check=True)
    assert content.endswith((tmp_path / "code").read_bytes())


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


@pytest.fixture
def waiting(here: Path) -> list[str | Path]:
    """Return the command that waits for an outcome in the program's folder."""
    (here.parent / "log").touch()
    return [here, *(here.parent / name for name in ("outcome", "told", "log"))]


@pytest.mark.parametrize("code", [0, 1, 143, 255])
@pytest.mark.parametrize("size", [0, 2, 4096])
def test_with_files_it_waits_for_an_outcome_and_ends_as_it_says(
    waiting: list[str | Path], tmp_path: Path, code: int, size: int
) -> None:
    """The message goes to the log and to stdout, and whoever wrote it sees that it was read."""
    message = b"x" * size
    with subprocess.Popen(waiting, env={}, stdout=subprocess.PIPE) as process:
        status = Path(f"/proc/{process.pid}/status")
        assert poll(lambda: "S (sleeping)" in status.read_text(), 10)
        assert not (tmp_path / "told").exists()
        (tmp_path / "new").write_bytes(bytes([code]) + message)
        (tmp_path / "new").rename(tmp_path / "outcome")
        said, _ = process.communicate(timeout=10)
    assert (process.returncode, said, (tmp_path / "log").read_bytes()) == (code, message, message)
    assert (tmp_path / "told").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_while_it_waits_a_signal_ends_it_as_a_failure(waiting: list[str | Path], number: signal.Signals) -> None:
    """What comes after it must not start, as after a pull that was ended."""
    with subprocess.Popen(waiting, env={}) as process:
        assert poll(lambda: "S (sleeping)" in Path(f"/proc/{process.pid}/status").read_text(), 10)
        process.send_signal(number)
        assert process.wait(10) == 128 + number


def test_an_outcome_that_says_nothing_is_a_failure(waiting: list[str | Path], tmp_path: Path) -> None:
    """And one that cannot be logged or noted counts all the same, as in a container with another path for its log."""
    (tmp_path / "outcome").touch()
    assert subprocess.run(waiting, env={}, check=False, timeout=10).returncode == 1
    (tmp_path / "outcome").write_bytes(b"\x00done")
    nowhere = [*waiting[:2], tmp_path / "none" / "told", tmp_path / "none" / "log"]
    done = subprocess.run(nowhere, env={}, capture_output=True, check=True, timeout=10)
    assert done.stdout == b"done"
