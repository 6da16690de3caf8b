"""How a transfer speaks while it runs: to people, to programs, or not at all; always on stderr."""

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TextIO

from registry.http.retry import Wait
from registry.process.threads import every

from .stats import Progress, TransferStats, human

_TERMINAL_SECONDS = 0.2
_PLAIN_SECONDS = 5.0
_JSON_SECONDS = 1.0
_COLUMNS = 80


class Reporter:
    """Speaks to people: one living line on a terminal, else a plain line now and then."""

    def __init__(self, stream: TextIO | None = None) -> None:
        """`stream` None is stderr as it is now."""
        self._stream = sys.stderr if stream is None else stream
        self._is_terminal = self._stream.isatty()
        self._waiting = threading.Lock()
        self._told_until = float("-inf")

    def say(self, line: str) -> None:
        """Tell one thing."""
        self._write(f"{line}\n")

    def _write(self, text: str) -> None:
        """Write to the stream; one that takes no writing, for its reader or its terminal is gone, fails nothing."""
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            return

    def wait(self, wait: Wait) -> None:
        """Tell of a wait for the network, from any thread: of many that go on at the same time, one."""
        with self._waiting:
            now = time.monotonic()
            if now < self._told_until:
                return
            self._told_until = now + wait.seconds
        self._tell_wait(wait)

    def _tell_wait(self, wait: Wait) -> None:
        self.say(f"\r{wait}\033[K" if self._is_terminal else str(wait))

    def watch(self, stats: Progress, name: str) -> AbstractContextManager[None]:
        """Tell how far a meter is while the `with` block runs."""
        return self._living(stats, name) if self._is_terminal else self._plain(stats, name)

    def finish(self, stats: TransferStats, seconds: float) -> None:
        """Tell how it went: bytes, time, rate, and what the workers spent their time on."""
        spent = sum(stats.seconds.values())
        shares = ", ".join(f"{where} {share / spent:.0%}" for where, share in stats.seconds.items()) if spent else ""
        rate = stats.wire / seconds if seconds else 0.0
        self.say(f"{human(stats.wire)} in {seconds:.1f} s, {human(rate)}/s{f' ({shares})' if shares else ''}")

    @contextmanager
    def _living(self, stats: Progress, name: str) -> Iterator[None]:
        def show(seconds: float) -> None:
            self._write(f"\r{describe(stats, name, seconds)[: self._columns() - 1]}\033[K")

        with every(_TERMINAL_SECONDS, show):
            yield
        self._write("\r\033[K")

    def _columns(self) -> int:
        """Return the terminal's width: a line that is longer cannot be written over."""
        try:
            return os.get_terminal_size(self._stream.fileno()).columns or _COLUMNS
        except (OSError, ValueError):
            return _COLUMNS

    @contextmanager
    def _plain(self, stats: Progress, name: str) -> Iterator[None]:
        with every(_PLAIN_SECONDS, lambda seconds: self.say(describe(stats, name, seconds))):
            yield


class JsonReporter(Reporter):
    """Speaks to programs: one JSON object a line, its `event` a `note`, a `wait`, the `progress`, or the `end`."""

    def say(self, line: str) -> None:
        """Tell one thing."""
        self._tell("note", text=line)

    def _tell_wait(self, wait: Wait) -> None:
        seconds, left = round(wait.seconds, 1), round(wait.left_seconds, 1)
        self._tell("wait", text=str(wait), answered=wait.answered, seconds=seconds, left=left)

    @contextmanager
    def watch(self, stats: Progress, name: str) -> Iterator[None]:
        """Tell how far a meter is, every second; sizes in bytes, times in seconds."""

        def show(seconds: float) -> None:
            rate = round(stats.done / seconds)
            self._tell("progress", name=name, done=stats.done, total=stats.total, rate=rate, seconds=round(seconds, 1))

        with every(_JSON_SECONDS, show):
            yield

    def finish(self, stats: TransferStats, seconds: float) -> None:
        """Tell how it went, and the workers' seconds on the wire, for the hash and for the disk."""
        spent = {where: round(share, 3) for where, share in stats.seconds.items()}
        self._tell("end", wireBytes=stats.wire, seconds=round(seconds, 3), spent=spent)

    def _tell(self, event: str, **facts: object) -> None:
        self._write(f"{json.dumps({'event': event, **facts}, ensure_ascii=False)}\n")


class QuietReporter(Reporter):
    """Says nothing."""

    def say(self, line: str) -> None:
        """Say nothing."""

    def wait(self, wait: Wait) -> None:
        """Say nothing."""

    def watch(self, stats: Progress, name: str) -> AbstractContextManager[None]:  # noqa: ARG002 - the voice's shape
        """Say nothing."""
        return nullcontext()


def describe(stats: Progress, name: str, seconds: float) -> str:
    """Say how far it is, how fast, and how long it will take at this rate."""
    rate = stats.done / seconds if seconds > 0 else 0.0
    left = f", {round((stats.total - stats.done) / rate)} s left" if rate else ""
    return f"{name}: {human(stats.done)} of {human(stats.total)}, {human(rate)}/s{left}"
