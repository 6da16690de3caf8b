"""Lines of the log, written by a thread: whoever logs waits for nobody who should read them.

The container runtime reads a container's output; while it hangs, or restarts, the pipe fills. A decision that waited
for it would keep its thread, and in the end every admission.

The standard library's QueueHandler is no way out: its listener writes to a stream whose lock a fork may leave taken,
and a queue that is full is an error that is written there, too.

Tests: tests/webhook/test_serving.py
"""

import logging
import os
import threading
from queue import SimpleQueue
from typing import TextIO

_MOST_LINES = 4096
_FLUSH_SECONDS = 1.0


class ThreadedHandler(logging.Handler):
    """Writes to a stream's descriptor, and drops lines beyond some thousands that nobody read yet.

    Each process has a thread of its own, which begins with its first line: gunicorn forks.
    """

    dropped = 0
    """The lines that were dropped in this process."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._handle = stream.fileno()
        self._process = 0
        self._lines = SimpleQueue[bytes | threading.Event]()

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a line."""
        try:
            line = f"{self.format(record)}\n".encode(errors="backslashreplace")
            self._begin()
            if self._lines.qsize() < _MOST_LINES:
                self._lines.put(line)
            else:
                ThreadedHandler.dropped += 1
        except Exception:  # noqa: BLE001 - as logging's own handlers do
            self.handleError(record)

    def flush(self) -> None:
        """Wait until all is written that was queued, for a second at most."""
        if self._process == os.getpid():
            written = threading.Event()
            self._lines.put(written)
            written.wait(_FLUSH_SECONDS)

    def _begin(self) -> None:
        if self._process != os.getpid():
            self._process, self._lines = os.getpid(), SimpleQueue()
            threading.Thread(target=self._write, args=(self._lines,), name="log", daemon=True).start()

    def _write(self, lines: "SimpleQueue[bytes | threading.Event]") -> None:
        while True:
            line = lines.get()
            if isinstance(line, threading.Event):
                line.set()
                continue
            try:
                while line:
                    line = line[os.write(self._handle, line) :]
            except OSError:
                continue  # nobody reads any more


def dropped_lines() -> int:
    """Return how many lines of this process nobody read in time."""
    return ThreadedHandler.dropped
