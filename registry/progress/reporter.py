"""Messages and progress of a transfer on stderr: for people, for programs, or none."""

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, TextIO

from registry.process.ticker import every

from .pace import Pace
from .stats import Progress, TransferStats, human

if TYPE_CHECKING:
    from registry.http.retry import Wait  # a warm start need not load it

_TERMINAL_SECONDS = 0.2
_PLAIN_SECONDS = 5.0
_JSON_SECONDS = 1.0
_COLUMNS = 80


class Reporter:
    """Reports to people: a status line on a terminal, else a plain line every few seconds."""

    def __init__(self, stream: TextIO | None = None, interval_seconds: float | None = None) -> None:
        """A `stream` of None means the present sys.stderr; an interval of None means one that fits the stream."""
        self._interval = interval_seconds
        self._stream = sys.stderr if stream is None else stream
        self._is_terminal = self._stream.isatty() and os.environ.get("TERM") != "dumb"
        self._has_line = False
        """Whether a status line stands, which a message must not be appended to."""

        self._waiting = threading.Lock()
        self._told_until = float("-inf")

    def message(self, line: str) -> None:
        """Write one message, from any thread."""
        self._write(f"\r{line}\033[K\n" if self._has_line else f"{line}\n")

    def debug(self, line: str) -> None:
        """Write one line of --debug, from any thread."""
        self.message(line)

    def _write(self, text: str) -> None:
        """Write to the stream; ignore a failure, such as when its reader or terminal is gone."""
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            return

    def wait(self, wait: "Wait") -> None:
        """Report a wait for the network, from any thread: of several at the same time only one."""
        with self._waiting:
            now = time.monotonic()
            if now < self._told_until:
                return
            self._told_until = now + wait.seconds
        self._tell_wait(wait)

    def _tell_wait(self, wait: "Wait") -> None:
        self.message(str(wait))

    def track(self, stats: Progress, name: str) -> AbstractContextManager[None]:
        """Report the progress of `stats` while the `with` block runs."""
        return self._living(stats, name) if self._is_terminal else self._plain(stats, name)

    def summary(self, stats: TransferStats, seconds: float) -> None:
        """Report the result: bytes, time, rate, and what the workers spent their time on."""
        if not stats.wire:
            self.message(f"nothing to transfer: all {human(stats.total)} were there already" if stats.total else "done")
            return
        spent = sum(stats.seconds.values())
        shares = ", ".join(f"{where} {share / spent:.0%}" for where, share in stats.seconds.items()) if spent else ""
        rate = stats.wire / seconds if seconds else 0.0
        of_time = f" (of the time: {shares})" if shares else ""
        self.message(f"{human(stats.wire)} in {seconds:.1f} s, {human(rate)}/s{of_time}")

    @contextmanager
    def _living(self, stats: Progress, name: str) -> Iterator[None]:
        pace = Pace(name)

        def show(seconds: float) -> None:
            self._has_line = True
            self._write(f"\r{pace.line(stats, seconds)[: self._columns() - 1]}\033[K")

        try:
            with every(self._interval or _TERMINAL_SECONDS, show):
                yield
        finally:  # what ended the transfer is told next
            self._has_line = False
            self._write("\r\033[K")

    def _columns(self) -> int:
        """Return the terminal's width: a longer line cannot be overwritten."""
        try:
            return os.get_terminal_size(self._stream.fileno()).columns or _COLUMNS
        except (OSError, ValueError):
            return _COLUMNS

    @contextmanager
    def _plain(self, stats: Progress, name: str) -> Iterator[None]:
        pace = Pace(name)
        with every(self._interval or _PLAIN_SECONDS, lambda seconds: self.message(pace.line(stats, seconds))):
            yield


class JsonReporter(Reporter):
    """Reports to programs: one JSON object a line, whose `event` is `note`, `wait`, `progress`, `end` or `debug`.

    A failure is written by the program, as the event `error`.
    """

    def message(self, line: str) -> None:
        """Write one message."""
        self._tell("note", text=line)

    def debug(self, line: str) -> None:
        """Write one line of --debug."""
        self._tell("debug", text=line)

    def _tell_wait(self, wait: "Wait") -> None:
        seconds, left = round(wait.seconds, 1), round(wait.left_seconds, 1)
        self._tell("wait", text=str(wait), answered=wait.answered, seconds=seconds, left=left)

    @contextmanager
    def track(self, stats: Progress, name: str) -> Iterator[None]:
        """Report the progress of `stats` every second; sizes in bytes, times in seconds."""
        pace = Pace(name)

        def show(seconds: float) -> None:
            rate = round(pace.rate(stats, seconds))
            self._tell("progress", name=name, done=stats.done, total=stats.total, rate=rate, seconds=round(seconds, 1))

        with every(self._interval or _JSON_SECONDS, show):
            yield

    def summary(self, stats: TransferStats, seconds: float) -> None:
        """Report the result, and the workers' seconds on the wire, for the hash and for the disk."""
        spent = {where: round(share, 3) for where, share in stats.seconds.items()}
        self._tell("end", wireBytes=stats.wire, seconds=round(seconds, 3), spent=spent)

    def _tell(self, event: str, **facts: object) -> None:
        self._write(f"{json.dumps({'event': event, **facts}, ensure_ascii=False)}\n")


class QuietReporter(Reporter):
    """Reports nothing but what --debug asks for."""

    def debug(self, line: str) -> None:
        """Write one line of --debug."""
        self._write(f"{line}\n")

    def message(self, line: str) -> None:
        """Do nothing."""

    def wait(self, wait: "Wait") -> None:
        """Do nothing."""

    def track(self, stats: Progress, name: str) -> AbstractContextManager[None]:  # noqa: ARG002 - Reporter's signature
        """Do nothing."""
        return nullcontext()
