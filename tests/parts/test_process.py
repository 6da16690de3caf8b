"""Laws of the programs that tests start."""

import os
import sys
from pathlib import Path

import pytest

from .process import NotReadyError, Process, free_port, poll


def _python(script: str, log: Path) -> Process:
    return Process([sys.executable, "-u", "-c", script], log)


def test_a_program_that_dies_is_reported_at_once_with_its_last_words(tmp_path: Path) -> None:
    """Nobody waits a minute for a server that said at the start what it lacks."""
    with (
        _python("raise SystemExit('no such flag')", tmp_path / "log") as process,
        pytest.raises(NotReadyError, match="no such flag"),
    ):
        process.wait_until(lambda: None, within_seconds=600)


def test_a_program_is_gone_when_its_block_ends(tmp_path: Path) -> None:
    """No test leaves a process behind, by whatever way it ends."""
    with _python("import signal; print('up'); signal.pause()", tmp_path / "log") as process:
        process.wait_until(process.said, within_seconds=30)

    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)


def test_polling_ends_with_the_first_answer_or_without_one_when_the_time_is_up() -> None:
    """An answer is given as it is, and none is no error."""
    answers = iter([None, "", "ready"])

    assert poll(lambda: next(answers), within_seconds=30) == "ready"
    assert poll(lambda: None, within_seconds=0) is None


def test_two_free_ports_differ() -> None:
    """Each server gets its own."""
    assert free_port() != free_port()
