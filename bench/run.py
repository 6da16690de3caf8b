"""One command, timed and observed from outside, in the same way for our programs and for peers."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from . import stopwatch
from .background_load import Clocks, share_of_other_processes

_SAMPLE_SECONDS = 0.05
_LAST_WORDS = 2000
_KEPT = ("PATH", "HOME", "LANG", "TMPDIR")


class RunFailed(Exception):
    """A command failed; the text has the end of its output."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command: its arguments, and the variables that are added to a minimal environment."""

    argv: tuple[str, ...]
    environ: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """The measurements of one run. Bytes and seconds; `finished` is on the system's monotonic clock."""

    wall: float
    cpu: float
    origin_cpu: float
    """The CPU seconds of the origins meanwhile."""

    peak_rss: int
    wire: int
    """The bytes on the loopback in that time, from all senders."""

    written: int | None
    """The bytes that the command passed to write(2) and similar calls; None if they cannot be read."""

    peak_disk: int
    finished: float
    strangers: float
    """The share of the machine that other programs used meanwhile."""


def measure(command: Command, folder: Path, follow: Callable[[], None] = lambda: None) -> Measurement:
    """Run the command to its end and measure it; raise RunFailed when it exits with a failure.

    `folder` is observed as it fills; `follow` is called as often.
    """
    log, result = folder.with_suffix(".log"), folder.with_suffix(".json")
    wire, before = _loopback_bytes(), Clocks.read()
    timed = (sys.executable, "-I", "-S", stopwatch.__file__, str(result), *command.argv)
    with log.open("wb") as output, _Watch(folder, follow) as watch:
        code = start(Command(timed, command.environ), output.fileno()).wait()
    if code:
        raise RunFailed(f"exit code {code}: {log.read_text(errors='replace')[-_LAST_WORDS:].strip()}")
    wire, after = _loopback_bytes() - wire, Clocks.read()
    taken = json.loads(result.read_text())
    strangers = share_of_other_processes(before, after, taken["cpu"])
    return Measurement(
        wire=wire,
        peak_disk=watch.peak,
        origin_cpu=after.origins - before.origins,
        strangers=strangers,
        **taken,
    )


def start(command: Command, output: int) -> "subprocess.Popen[bytes]":
    """Start a command that writes stdout and stderr to `output`."""
    environ = {name: os.environ[name] for name in _KEPT if name in os.environ} | dict(command.environ)
    return subprocess.Popen(command.argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environ)


def disk_usage(folder: Path) -> int:
    """Return the bytes that the files below `folder` take up, hidden ones too.

    A file counts once, also where it has two names, or was renamed between two folders during the scan.
    """
    sizes: dict[tuple[int, int], int] = {}
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):  # renamed during the scan: the next scan counts it
                found = Path(parent, name).lstat()
                sizes[found.st_dev, found.st_ino] = found.st_blocks * 512
    return sum(sizes.values())


class _Watch:
    """Measures a folder repeatedly, from a thread."""

    def __init__(self, folder: Path, follow: Callable[[], None]) -> None:
        self._folder, self._follow = folder, follow
        self.peak = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self.peak = max(self.peak, disk_usage(self._folder))

    def _look(self) -> None:
        while not self._over.wait(_SAMPLE_SECONDS):
            self.peak = max(self.peak, disk_usage(self._folder))
            self._follow()


def _loopback_bytes() -> int:
    for line in Path("/proc/thread-self/net/dev").read_text().splitlines():
        name, _, counters = line.partition(":")
        if name.strip() == "lo":
            return int(counters.split()[0])
    return 0
