"""Pullers that start at one moment, each on its host."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bench.run import Command, RunFailed
from tests.parts.process import poll

_PATIENCE_SECONDS = 120
_KEPT = ("PATH", "HOME", "LANG")


class Host(Protocol):
    """Where a puller runs: `nsenter`, or another parent, is the first process of each command."""

    def command(self, command: Sequence[str | Path]) -> list[str | Path]:
        """Return the command that runs `command` there."""
        ...


@dataclass(slots=True)
class Puller:
    """A puller on a host, and the seconds until it ended; None before that, and where it was killed."""

    host: Host
    command: Command
    destination: Path
    seconds: float | None = None
    said: str = ""
    was_killed: bool = False
    _child: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    def run(self, began: float) -> None:
        """Run it to its end."""
        environ = {name: os.environ[name] for name in _KEPT if name in os.environ} | dict(self.command.environ)
        inside = self.host.command(self.command.argv)
        pipe = subprocess.PIPE
        self._child = subprocess.Popen(
            inside, stdin=subprocess.DEVNULL, stdout=pipe, stderr=subprocess.STDOUT, env=environ
        )
        output = self._child.communicate()[0]
        self.said = output.decode(errors="replace")
        if not self._child.returncode:
            self.seconds = time.monotonic() - began

    def written_bytes(self) -> int:
        """Return what it wrote so far; 0 before it runs and after it ended."""
        with suppress(OSError, StopIteration, IndexError):  # it has not begun, or has ended
            lines = Path(f"/proc/{self._process_id()}/io").read_text().splitlines()
            return int(next(line for line in lines if line.startswith("wchar:")).split()[1])
        return 0

    def kill(self) -> None:
        """Kill it, as a node that loses its power would."""
        self.was_killed = True
        os.kill(self._process_id(), signal.SIGKILL)

    def _process_id(self) -> int:
        """Return its own process id: nsenter, which entered the PID namespace for it, is its parent."""
        parent = self._child.pid if self._child else 0
        return int(Path(f"/proc/{parent}/task/{parent}/children").read_text().split()[0])


def pull_together(pullers: Sequence[Puller], meanwhile: Callable[[Sequence[Puller]], None]) -> list[float]:
    """Start all pullers, call `meanwhile`, and return the seconds of those that were not killed; raise RunFailed."""
    began = time.monotonic()
    threads = [threading.Thread(target=puller.run, args=(began,)) for puller in pullers]
    for thread in threads:
        thread.start()
    meanwhile(pullers)
    for thread in threads:
        thread.join()
    failed = [puller.said[-1000:] for puller in pullers if puller.seconds is None and not puller.was_killed]
    if failed:
        raise RunFailed(f"{len(failed)} of {len(pullers)} pullers failed: {failed[0]}")
    return [puller.seconds for puller in pullers if puller.seconds is not None]


def wait_for_a_writer(pullers: Sequence[Puller], size: int) -> Puller:
    """Return the puller that has written `size` bytes first; raise RunFailed when none does."""

    def found() -> Puller | None:
        return next((puller for puller in pullers if puller.written_bytes() > size), None)

    writer = poll(found, _PATIENCE_SECONDS)
    if writer is None:
        raise RunFailed(f"no puller wrote {size} bytes")
    return writer
