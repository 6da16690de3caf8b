"""Laws of pullers that start at one moment."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.evaluation.fleet.together import Puller, pull_together, wait_for_a_writer
from bench.run import Command, RunFailed

# the puller that sleeps is one that is still at work when it is killed
_WRITE = "import pathlib, sys, time; pathlib.Path(sys.argv[1]).write_bytes(bytes(1 << 20)); time.sleep(60)"


@dataclass(frozen=True)
class ThisMachine:
    """A host that is no other one: its commands have a parent, as those of nsenter have."""

    def command(self, command: Sequence[str | Path]) -> list[str | Path]:
        """Return the command that runs `command` below a shell."""
        return ["sh", "-c", '"$@" & wait $!', "sh", *command]


def puller(code: str, folder: Path) -> Puller:
    """Return a puller that runs a piece of Python."""
    return Puller(ThisMachine(), Command((sys.executable, "-c", code, str(folder / "file"))), folder)


def test_each_puller_has_seconds_of_its_own(tmp_path: Path) -> None:
    """They begin at one moment, and each ends at its own."""
    assert len(pull_together([puller("pass", tmp_path), puller("pass", tmp_path)], lambda _: None)) == 2


def test_a_puller_that_fails_fails_the_run_with_what_it_said(tmp_path: Path) -> None:
    """Seven of eight are no fleet."""
    with pytest.raises(RunFailed, match="1 of 2 pullers failed: no such model"):
        pull_together([puller("pass", tmp_path), puller("raise SystemExit('no such model')", tmp_path)], lambda _: None)


def test_the_one_that_writes_is_found_and_killed_and_the_others_count(tmp_path: Path) -> None:
    """A kill that was meant is no failure."""
    writer = puller(_WRITE, tmp_path)
    found = pull_together([writer, puller("pass", tmp_path)], lambda all_: wait_for_a_writer(all_, 1 << 19).kill())
    assert len(found) == 1
    assert writer.was_killed
